import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../../src/util/spec.ts'
import { callCodec, escapeXml } from '../../../transports/xmlrpc/encode.ts'

const GOLDEN = new URL('../../fixtures/golden/', import.meta.url)

/** Body of a recorded HTTP request. */
function recordedBody(file: string): string {
  const text = readFileSync(new URL(file, GOLDEN), 'utf8')
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

/** The event a recorded RabbitMQ payload carried: what the XML-RPC sink was given at the same moment. */
function recordedEvent(file: string): { names: string[] | null; values: Value[] } {
  const [message] = JSON.parse(readFileSync(new URL(file, GOLDEN), 'utf8')) as { body: string }[]
  const { params = [] } = JSON.parse(message?.body ?? '{}') as { params?: Record<string, Value> | Value[] }
  return Array.isArray(params)
    ? { names: null, values: params }
    : { names: Object.keys(params), values: Object.values(params) }
}

/** Recordings in which OpenSIPS writes what XML-RPC does not allow, or what JSON.parse cannot give back. */
const DIFFERENT = new Set([
  'mi_quotes',
  'script_quotes',
  'mi_controls',
  'script_raw_ctrl',
  'mi_negint',
  'script_negint',
  'script_bigint',
  'mi_newline',
  'script_newline',
  'mi_arrayform2',
  'script_dupname',
])

const cases = readdirSync(new URL('custom/', GOLDEN))
  .filter(name => name.endsWith('.xmlrpc.out'))
  .map(name => name.slice(0, -'.xmlrpc.out'.length))
  .filter(name => !DIFFERENT.has(name) && recordedBody(`custom/${name}.xmlrpc.out`) !== '')

const encode = (names: readonly string[] | null, values: readonly (Value | undefined)[], useStruct = false): string =>
  callCodec('on_event', useStruct).encode({ name: 'E_T_CASE', names, values }).toString()

describe('the body of an XML-RPC call', () => {
  it.each(cases)('is byte for byte the recorded one: %s', name => {
    const { names, values } = recordedEvent(`custom/${name}.rabbitmq.json`)
    expect(encode(names, values)).toBe(recordedBody(`custom/${name}.xmlrpc.out`))
  })

  it('is the recorded one with structs', () => {
    const event = { name: 'E_M', names: ['i', 's'], values: [7, 'a b,c'] }
    expect(callCodec('on_event', true).encode(event).toString()).toBe(recordedBody('modes/xmlrpc_struct.out'))
  })

  it('is the recorded one with structs and positional values', () => {
    const event = { name: 'E_M', names: null, values: [7, 'a b,c'] }
    expect(callCodec('on_event', true).encode(event).toString()).toBe(
      recordedBody('modes/xmlrpc_struct_positional.out'),
    )
  })

  it('keeps names that repeat', () => {
    const body = recordedBody('custom/script_dupname.xmlrpc.out')
    expect(encode(['s', 's'], ['y', 'x'])).toBe(body)
  })

  it.each([
    ['<b>&amp;</b>', '&lt;b&gt;&amp;amp;&lt;/b&gt;'],
    ['a\r\nb', 'a&#13;\nb'],
    ['a\u0001b\u007fc\0', 'a\ufffdb\u007fc\ufffd'],
    ['tab\tstays', 'tab\tstays'],
    ['\ud83d lone', '\ufffd lone'],
    ['\ufffe', '\ufffd'],
    ['😀', '😀'],
  ])('escapes %j', (text, expected) => {
    expect(escapeXml(text)).toBe(expected)
  })

  it.each([
    [-5, '<int>-5</int>'],
    [2_147_483_647, '<int>2147483647</int>'],
    [-2_147_483_648, '<int>-2147483648</int>'],
    [2_147_483_648, '<i8>2147483648</i8>'],
    [Number.MAX_SAFE_INTEGER, '<i8>9007199254740991</i8>'],
    [1.5, '<double>1.5</double>'],
    [null, '<string></string>'],
  ])('writes %s as %s', (value, expected) => {
    expect(encode(null, [value])).toContain(`<value>${expected}</value>`)
  })

  it('leaves unset parameters out', () => {
    expect(encode(['a', 'b'], [undefined, 1])).toBe(encode(['b'], [1]))
  })
})
