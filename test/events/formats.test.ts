import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageCodec } from '../../src/events/formats.ts'
import { DeliveryError, MESSAGE_FORMATS, type MessageFormat, type WireEvent } from '../../src/events/transport.ts'
import type { Value } from '../../src/util/spec.ts'
import { sampleEvent } from '../conformance/sample.ts'

/** What a reader makes of a payload. */
interface Read {
  readonly event: string
  readonly names: readonly string[] | null
  readonly values: readonly Value[]
}

/** Reads the text form of a broker's message, by its grammar and nothing else. */
function readText(payload: string): Read {
  const end = payload.indexOf('\n')
  if (end < 0) return { event: payload, names: null, values: [] }
  const [names, values]: [string[], string[]] = [[], []]
  let at = end
  while (at < payload.length) {
    at++
    const lineEnd = payload.indexOf('\n', at) < 0 ? payload.length : payload.indexOf('\n', at)
    const colons = payload[at] === '"' ? -1 : payload.slice(at, lineEnd).indexOf('::')
    names.push(colons < 0 ? '' : payload.slice(at, at + colons))
    if (colons >= 0) at += colons + 2
    if (payload[at] !== '"') {
      values.push(payload.slice(at, lineEnd))
      at = lineEnd
      continue
    }
    let value = ''
    for (at++; payload[at] !== '"'; at++) {
      if (payload[at] === '\\') at++
      if (at >= payload.length) throw new Error('a quote is not closed')
      value += payload[at]
    }
    values.push(value)
    at++
  }
  return { event: payload.slice(0, end), names: names.every(name => name === '') ? null : names, values }
}

interface Json {
  readonly method?: string
  readonly event?: string
  readonly type?: string
  readonly params?: Record<string, Value> | Value[]
  readonly data?: Record<string, Value> | Value[]
}

function readJson(payload: string): Read {
  const { method, event, type, params, data } = JSON.parse(payload) as Json
  const fields = params ?? data ?? []
  const isList = Array.isArray(fields)
  return {
    event: method ?? event ?? type ?? '',
    names: isList ? null : Object.keys(fields),
    values: isList ? fields : Object.values(fields),
  }
}

/** The text form knows no types, no NULL, and cannot tell nameless lists from empty ones. */
const asText = (value: Value): string => (value === null ? '' : String(value))

function expectSame(format: MessageFormat, event: WireEvent): void {
  const payload = event.encode(messageCodec(format, 'message')).toString()
  if (format === 'text') {
    const read = readText(payload)
    expect(read.event).toBe(event.name)
    expect(read.values).toEqual(event.values.map(value => asText(value as Value)))
    expect(read.names ?? []).toEqual(event.names ?? [])
    return
  }
  const read = readJson(payload)
  expect(read.event).toBe(event.name)
  expect(new Map((read.names ?? []).map((name, i) => [name, read.values[i]]))).toEqual(
    new Map((event.names ?? []).map((name, i) => [name, event.values[i]])),
  )
  if (event.names === null) expect(read.values).toEqual(event.values)
}

/** Reads back equal, or is refused with a reason. */
function expectFaithful(format: MessageFormat, event: WireEvent): void {
  try {
    event.encode(messageCodec(format, 'message'))
  } catch (error) {
    expect(error).toBeInstanceOf(DeliveryError)
    expect(error).toMatchObject({ code: 'E_UNENCODABLE', permanent: true })
    expect((error as Error).message.length).toBeGreaterThan(20)
    return
  }
  expectSame(format, event)
}

const awkward = fc.constantFrom(
  '\r',
  '\n',
  '\0',
  ',',
  ';',
  '::',
  ':',
  '"',
  '\\',
  '\\"',
  '<',
  '&',
  ']]>',
  "'",
  ' ',
  'a',
  'é',
  '😀',
  '=',
  '5',
)
const text = fc.oneof(
  fc.array(awkward, { maxLength: 12 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const value = fc.oneof(text, fc.integer(), fc.maxSafeInteger(), fc.constant(null))
const name = fc.oneof(fc.stringMatching(/^[a-z_]{1,8}$/), text)

describe.each(MESSAGE_FORMATS)('the form %s', format => {
  it('carries any values under plain names, and they read back equal', () => {
    const plain = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,8}$/), { maxLength: 6 })
    fc.assert(
      fc.property(plain, fc.array(value, { minLength: 6, maxLength: 6 }), (names, values) => {
        expectSame(format, sampleEvent('E_X', names, values.slice(0, names.length)))
      }),
      { numRuns: 500 },
    )
  })

  it('carries any positional values, and they read back equal', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), values => expectSame(format, sampleEvent('E_X', null, values))),
      { numRuns: 500 },
    )
  })

  it('carries what has hostile names, or refuses it with a reason', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.uniqueArray(name, { maxLength: 4 }),
        fc.array(value, { minLength: 4, maxLength: 4 }),
        (event, names, values) => {
          const well = names.filter(one => one !== '' && one.isWellFormed())
          expectFaithful(format, sampleEvent(event, well, values.slice(0, well.length)))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('carries a value of a mebibyte', () => {
    expectSame(format, sampleEvent('E_X', ['body'], ['"\n\0é'.repeat(2 ** 18)]))
  })

  it('writes what is no text as the replacement character', () => {
    const payload = sampleEvent('E_X', ['a'], ['x\ud800y']).encode(messageCodec(format, 'message')).toString()
    expect(payload).toContain('x\ufffdy')
  })
})

describe('the identity of an event', () => {
  const event = sampleEvent('E_X', ['a'], [1])

  it('stands in the forms that have a place for it', () => {
    const json = JSON.parse(event.encode(messageCodec('json', 'message')).toString())
    expect(json).toEqual({
      id: event.id,
      event: 'E_X',
      time: new Date(event.raisedAtMs).toISOString(),
      node: event.origin.node,
      boot: event.origin.boot,
      sequence: event.sequence,
      params: { a: 1 },
    })
    const cloud = JSON.parse(event.encode(messageCodec('cloudevents', 'message')).toString())
    expect(cloud).toEqual({
      specversion: '1.0',
      id: event.id,
      source: `/fanfare/${event.origin.node}/${event.origin.boot}`,
      type: 'E_X',
      time: new Date(event.raisedAtMs).toISOString(),
      sequence: String(event.sequence).padStart(16, '0'),
      datacontenttype: 'application/json',
      data: { a: 1 },
    })
  })

  it('stands in no other', () => {
    for (const format of ['jsonrpc', 'text'] as const)
      expect(event.encode(messageCodec(format, 'message')).toString()).not.toContain(event.id)
  })

  it.each(['json', 'cloudevents'] as const)('%s refuses names that repeat', format => {
    const twice = sampleEvent('E_X', ['a', 'a'], [1, 2])
    expect(() => twice.encode(messageCodec(format, 'message'))).toThrow('a name occurs twice')
  })
})
