import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Delivery, PayloadFormat, Sink, WireEvent } from '../../../src/events/transport.ts'
import { CsvTable, readRecord } from '../../../transports/flatstore/csv.ts'
import flatstore from '../../../transports/flatstore/index.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanfare-csv-'))
const open: OpenTransport[] = []
afterEach(async () => {
  for (const transport of open.splice(0)) await transport.close()
})

let files = 0
const freshPath = (): string => join(folder, `${files++}.csv`)

function transportOf(params: Readonly<Record<string, unknown>> = {}): OpenTransport {
  const transport = openTransport([flatstore], params)
  open.push(transport)
  return transport
}

async function sinkOf(transport: OpenTransport, path: string, format: PayloadFormat): Promise<Sink> {
  const sink = transport.open(`flatstore:${path}`, format)
  await whenUp(sink)
  return sink
}

async function send(transport: OpenTransport, sink: Sink, events: readonly WireEvent[]): Promise<readonly Delivery[]> {
  const outcomes = await sink.sendAll?.(events, transport.deadline(20_000))
  if (outcomes === undefined) throw new Error('no outcome')
  return 'outcome' in outcomes ? events.map(() => outcomes) : outcomes
}

/** All records of a file, by a reader of RFC 4180 that knows nothing of the writer. */
function recordsOf(text: string, delimiter = ','): string[][] {
  const records: string[][] = [[]]
  let field = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    if (isQuoted) {
      if (character !== '"') field += character
      else if (text[at + 1] === '"') field += text[at++ + 1]
      else isQuoted = false
    } else if (character === '"') isQuoted = true
    else if (character === delimiter || character === '\n') {
      records.at(-1)?.push(field)
      field = ''
      if (character === '\n') records.push([])
    } else field += character
  }
  records.pop()
  return records
}

const NAMES = ['callid', 'duration']
const cdr = (callid: string, duration: number | null) => sampleEvent('E_ACC_CDR', NAMES, [callid, duration])

describe('a flatstore file in csv', () => {
  it('begins with a header, and has the identity of each event', async () => {
    const transport = transportOf()
    const path = freshPath()
    const sink = await sinkOf(transport, path, 'csv')
    const events = [cdr('a', 5), cdr('b,"c"\n', null)]
    await send(transport, sink, events)
    const [header, ...records] = recordsOf(readFileSync(path, 'utf8'))
    expect(header).toEqual(['id', 'time', 'event', 'callid', 'duration'])
    const identity = (event: WireEvent) => [event.id, new Date(event.raisedAtMs).toISOString(), 'E_ACC_CDR']
    expect(records).toEqual([
      [...identity(events[0]!), 'a', '5'],
      [...identity(events[1]!), 'b,"c"\n', ''],
    ])
  })

  it('goes on under the header it has, in the order of that', async () => {
    const path = freshPath()
    writeFileSync(path, 'id,time,event,duration,callid\n')
    const transport = transportOf()
    const sink = await sinkOf(transport, path, 'csv')
    await send(transport, sink, [cdr('a', 5)])
    const records = recordsOf(readFileSync(path, 'utf8'))
    expect(records).toHaveLength(2)
    expect(records[1]?.slice(3)).toEqual(['5', 'a'])
  })

  it('refuses an event that has no place in its columns, and writes the others', async () => {
    const transport = transportOf()
    const path = freshPath()
    const sink = await sinkOf(transport, path, 'csv')
    const stranger = sampleEvent('E_ACC_CDR', ['callid', 'extra'], ['b', 'x'])
    const outcomes = await send(transport, sink, [cdr('a', 1), stranger, cdr('c', 2)])
    expect(outcomes).toMatchObject([
      { outcome: 'delivered' },
      {
        outcome: 'failed',
        error: { code: 'E_UNENCODABLE', permanent: true, message: expect.stringContaining('"extra"') },
      },
      { outcome: 'delivered' },
    ])
    expect(recordsOf(readFileSync(path, 'utf8')).map(record => record[3])).toEqual(['callid', 'a', 'c'])
  })

  it('begins each file of a rotation with a header', async () => {
    const path = freshPath()
    let file = 0
    const module = {
      ...flatstore,
      setup: (context: never) => flatstore.setup({ ...(context as object), expand: () => `.${file++}` } as never),
    }
    const transport = openTransport([module], { rotate_count: '2', suffix: 'x' })
    open.push(transport)
    const sink = await sinkOf(transport, path, 'csv')
    await send(
      transport,
      sink,
      [1, 2, 3].map(n => cdr(String(n), n)),
    )
    for (const name of [`${path}.0`, `${path}.1`])
      expect(readFileSync(name, 'utf8')).toMatch(/^id,time,event,callid,duration\n/)
  })

  it('does not touch a file that is something else', async () => {
    const path = freshPath()
    writeFileSync(path, 'E_PIKE_BLOCKED,192.168.2.11\n')
    const transport = transportOf()
    const sink = await sinkOf(transport, path, 'csv')
    const [outcome] = await send(transport, sink, [cdr('a', 1)])
    expect(outcome).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('header of csv') } })
    expect(readFileSync(path, 'utf8')).toBe('E_PIKE_BLOCKED,192.168.2.11\n')
  })

  it('is refused where another subscription writes the file in another form', async () => {
    const transport = transportOf()
    const path = freshPath()
    await sinkOf(transport, path, 'csv')
    expect(() => transport.open(`flatstore:${path}`, 'json')).toThrow('written as csv already')
  })

  it('carries any value, which reads back equal', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
      fc.array(fc.constantFrom('"', ',', ';', '\n', '\r', '\0', 'a', '""')).map(parts => parts.join('')),
      fc.integer(),
      fc.constant(null),
    )
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(',', ';', '\t'),
        (values, delimiter) => {
          const event = sampleEvent('E_X', null, values)
          const table = CsvTable.forEvent(event, delimiter)
          const record = table.addRecord('', event)
          expect(typeof record).toBe('string')
          const [, read] = recordsOf(table.header + record, delimiter)
          expect(read?.slice(3)).toEqual(values.map(one => (one === null ? '' : String(one))))
          expect(readRecord(record as string, delimiter)).toEqual(read)
        },
      ),
      { numRuns: 500 },
    )
  })
})

it.each(['json', 'jsonrpc', 'cloudevents'] as const)(
  'a flatstore file in %s has one line for each event, whatever its values',
  async format => {
    const transport = transportOf()
    const path = freshPath()
    const sink = await sinkOf(transport, path, format)
    await send(transport, sink, [cdr('a\n"b"', 5), cdr('\r\n', null)])
    const lines = readFileSync(path, 'utf8').split('\n')
    expect(lines).toHaveLength(3)
    const values = lines.slice(0, 2).map(line => JSON.parse(line).params ?? JSON.parse(line).data)
    expect(values).toEqual([
      { callid: 'a\n"b"', duration: 5 },
      { callid: '\r\n', duration: null },
    ])
  },
)

it('removes its files', () => rmSync(folder, { recursive: true, force: true }))
