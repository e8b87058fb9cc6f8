import { describe, expect, it } from 'vitest'
import { parseListFile } from '../../../src/modules/dispatcher/list-file.ts'
import {
  parseFlags,
  parseSelection,
  type SelectFlags,
  splitPartition,
} from '../../../src/modules/dispatcher/selection-text.ts'

const choice = (setId: number, algorithm: number, most: number | null = null) => ({ setId, algorithm, most })

describe('sets and algorithms of a selection', () => {
  it.each([
    ['1', '4', null, [choice(1, 4)]],
    ['part:1', '4', 'part', [choice(1, 4)]],
    ['1:5', '4', null, [choice(1, 4, 5)]],
    ['1:5, 2, 3:1', '4,0', null, [choice(1, 4, 5), choice(2, 0), choice(3, 0, 1)]],
    ['p2 : 1:5,2', '8', 'p2', [choice(1, 8, 5), choice(2, 8)]],
  ])('%s with %s', (sets, algorithms, partition, expected) => {
    expect(parseSelection(sets, algorithms)).toEqual({ partition, sets: expected })
  })

  it.each([
    ['', '4', 'expected the number of a set, got ""'],
    ['x', '4', 'expected the number of a set, got "x"'],
    ['1,', '4', 'expected the number of a set, got ""'],
    ['1', '', 'expected the number of an algorithm, got ""'],
    ['1', 'x', 'expected the number of an algorithm, got "x"'],
  ])('%j with %j is refused', (sets, algorithms, fault) => {
    expect(parseSelection(sets, algorithms)).toBe(fault)
  })

  it.each([
    ['part:i', 'part', 'i'],
    ['i', null, 'i'],
    ['7:i', null, '7:i'],
  ])('the partition in front of %s', (text, partition, rest) => {
    expect(splitPartition(text)).toEqual({ partition, rest })
  })
})

describe('flags of a selection', () => {
  const none: SelectFlags = { failover: false, userOnly: false, lastResort: false, append: false, most: null }
  it.each([
    ['', none, none],
    ['f', none, { ...none, failover: true }],
    ['fuda', none, { failover: true, userOnly: true, lastResort: true, append: true, most: null }],
    ['FU', { ...none, failover: true, userOnly: true, lastResort: true }, { ...none, lastResort: true }],
    ['5', none, { ...none, most: 5 }],
    ['f 12', none, { ...none, failover: true, most: 12 }],
  ])('%j', (text, usual, expected) => {
    expect(parseFlags(text, usual)).toEqual(expected)
  })

  it('an unknown one is named', () => {
    expect(parseFlags('fx', none)).toContain('unknown flag "x"')
  })
})

describe('a list file', () => {
  it('has set, URI, flags, weight and attributes; comments and blank lines are passed over', () => {
    const found = parseListFile('# gateways\n\n1 sip:a\n 2\tsip:b:5070;transport=tcp 3 50 group=x # second\r\n', 'l')
    expect(found.map(d => [d.setId, d.uri, d.isInactive, d.isProbing, d.weight, d.attrs])).toEqual([
      [1, 'sip:a', false, false, 1, null],
      [2, 'sip:b:5070;transport=tcp', true, true, 50, 'group=x'],
    ])
  })

  it.each([
    ['1', 'l:1: expected a URI behind the number of the set'],
    ['\nx sip:a', 'l:2: expected the number of a set, got "x"'],
    ['1 nonsense', 'l:1: expected a SIP URI, got "nonsense"'],
    ['1 sip:a x', 'l:1: expected flags as a number, got "x"'],
    ['1 sip:a 0 x', 'l:1: expected a weight as a number, got "x"'],
    ['1 sip:a 0 1 two words', 'l:1: attributes cannot hold blanks: got "words" behind them'],
    ['1\n2', 'l:1: expected a URI behind the number of the set\nl:2: expected a URI behind the number of the set'],
  ])('%j is refused', (text, fault) => {
    expect(() => parseListFile(text, 'l')).toThrow(fault)
  })
})
