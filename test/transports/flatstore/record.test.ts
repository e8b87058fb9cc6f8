import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../../src/util/spec.ts'
import { type RecordFormat, recordWriter } from '../../../transports/flatstore/record.ts'

const GOLDEN = new URL('../../fixtures/golden/', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, GOLDEN), 'utf8')

const DEFAULTS: RecordFormat = {
  delimiter: ',',
  escapeDelimiter: undefined,
  newlineReplacement: undefined,
  suppressEventName: false,
}
const write = (values: readonly (Value | undefined)[], format: Partial<RecordFormat> = {}): string =>
  recordWriter({ ...DEFAULTS, ...format })('', { name: 'E_M', names: null, values })

/** The values a recorded RabbitMQ payload carried: what the flat store was given at the same moment. */
function recordedValues(name: string): Value[] {
  const [message] = JSON.parse(read(`custom/${name}.rabbitmq.json`)) as { body: string }[]
  const { params = [] } = JSON.parse(message?.body ?? '{}') as { params?: Record<string, Value> | Value[] }
  return Object.values(params)
}

// Members of one name: JSON.parse gives only one of them.
const DIFFERENT = new Set(['mi_arrayform2', 'script_dupname'])
const cases = readdirSync(new URL('custom/', GOLDEN))
  .filter(name => name.endsWith('.flatstore.out'))
  .map(name => name.slice(0, -'.flatstore.out'.length))
  .filter(name => !DIFFERENT.has(name) && read(`custom/${name}.flatstore.out`) !== '')

describe('a line of the flat store', () => {
  it.each(cases)('is byte for byte the recorded one: %s', name => {
    const line = recordWriter(DEFAULTS)('', { name: 'E_T_CASE', names: null, values: recordedValues(name) })
    expect(line).toBe(read(`custom/${name}.flatstore.out`))
  })

  it('with another delimiter and without the event is the recorded one', () => {
    const line = write([7, 'a;b,c'], { delimiter: ';', suppressEventName: true })
    expect(line.repeat(3)).toBe(read('modes/modes.log.153407.out'))
  })

  it.each([
    [[], 'E_M\n'],
    [['', 'x'], 'E_M,,x\n'],
    [[null, undefined, 0], 'E_M,,,0\n'],
    [[-7, 9_007_199_254_740_991], 'E_M,-7,9007199254740991\n'],
    [['a,b,,c'], 'E_M,a b  c\n'],
    [['a\nb'], 'E_M,a\nb\n'],
  ])('holds the values %j', (values, line) => {
    expect(write(values)).toBe(line)
  })

  it.each([
    [[], '\n'],
    [['only'], 'only\n'],
    [['', 'x'], ',x\n'],
  ])('without the event name holds the values %j', (values, line) => {
    expect(write(values, { suppressEventName: true })).toBe(line)
  })

  it('escapes each delimiter where an escape is given', () => {
    expect(write(['a;b;;c'], { delimiter: ';', escapeDelimiter: '$' })).toBe('E_M;a$b$$c\n')
    expect(write(['a::b:c'], { delimiter: '::', escapeDelimiter: '__' })).toBe('E_M::a__b:c\n')
  })

  it('replaces the first character of a long delimiter by a blank', () => {
    expect(write(['a::b:c'], { delimiter: '::' })).toBe('E_M::a  b c\n')
  })

  it('replaces line ends where asked to', () => {
    expect(write(['a\r\nb\nc\rd'], { newlineReplacement: '\\n' })).toBe('E_M,a\\nb\\nc\\nd\n')
  })
})
