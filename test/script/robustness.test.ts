import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileScript } from '../../src/script/compile.ts'
import { ScriptError } from '../../src/script/diagnostic.ts'
import { compileEre, EreError } from '../../src/script/ere.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import { compileText, contextOf, FakeEnvironment } from './harness.ts'

const fixtures = join(import.meta.dirname, 'fixtures')
const scripts = readdirSync(fixtures).map(name => readFileSync(join(fixtures, name), 'utf8'))

const words = [
  'route',
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  ';',
  'if',
  'else',
  'while',
  'switch',
  'case',
  '"a"',
  ':',
  '$ru',
  '$var(x)',
  '=',
  '==',
  '=~',
  'f',
  ',',
  '5',
  '-',
  'xlog',
  'return',
  '\n',
  'event_route',
  'loadmodule',
  'modparam',
  'socket',
  'udp',
  '!',
  '&&',
  'NULL',
  '1.2.3.4',
  'async',
  'for',
  'in',
  'default',
  'break',
]

describe('the parser', () => {
  it('ends on any sequence of words, and names a place for every fault', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), parts => {
        const script = loadScript('t.cfg', memoryReader({ 't.cfg': parts.join(' ') }))
        for (const found of script.diagnostics) expect(found.line).toBeGreaterThan(0)
        if (!script.diagnostics.some(found => found.severity === 'error')) compileScript(script, new FakeEnvironment())
      }),
      { numRuns: 500, seed: 7 },
    )
  })

  it('ends on a script from which a piece is missing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...scripts), fc.nat(), fc.integer({ min: 1, max: 20 }), (text, at, length) => {
        const start = at % text.length
        const broken = text.slice(0, start) + text.slice(start + length)
        const script = loadScript('t.cfg', memoryReader({ 't.cfg': broken }))
        const places = script.diagnostics.map(({ severity, line, column }) => `${severity} ${line}:${column}`)
        expect(new Set(places).size).toBe(places.length)
      }),
      { numRuns: 300, seed: 7 },
    )
  })
})

it('a pattern is compiled or refused with an EreError', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab0()[]{}*+?|^$.\\-,:alph12'), maxLength: 20 }), pattern => {
      try {
        compileEre(pattern, { ignoreCase: true, newline: true }).test('ab0ab')
      } catch (error) {
        expect(error).toBeInstanceOf(EreError)
      }
    }),
    { numRuns: 2000, seed: 7 },
  )
})

it('a text with variables is compiled or refused with a ScriptError, and reading it never throws', () => {
  const { access } = compileText('route { exit; }')
  const parts = [
    '$',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    'ru',
    'avp',
    'var',
    'x',
    's.len',
    's.substr',
    ',',
    '1',
    '-1',
    '*',
    'hdr',
    'uri.host',
    ' ',
    '.',
    'time',
    '<reply>',
    'param',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 14 }), pieces => {
      try {
        expect(typeof access.format(pieces.join('')).read(contextOf())).toBe('string')
      } catch (error) {
        expect(error).toBeInstanceOf(ScriptError)
      }
    }),
    { numRuns: 2000, seed: 7 },
  )
})
