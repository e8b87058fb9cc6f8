import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Delivery, Sink, TransportModule } from '../../../src/events/transport.ts'
import stream from '../../../transports/stream/index.ts'
import jsonrpc from '../../../transports/stream/jsonrpc.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { type Answer, answerOk, StreamPeer } from './stream-peer.ts'

const DEADLINE_MS = 20_000
const PATIENT = { timeout: DEADLINE_MS }
const RELIABLE = { ...PATIENT, reliable_mode: 1 }

/** A peer of notifications: nobody could tell that it hangs. */
async function unansweredPeer(scheme: string): Promise<Peer> {
  const peer = await StreamPeer.open(scheme)
  return Object.defineProperty(peer, 'hang', { value: undefined })
}

transportConformance({ name: 'tcp', module: stream, params: PATIENT, makePeer: () => unansweredPeer('tcp') })
transportConformance({
  name: 'tcp, reliable',
  module: { ...stream, spec: { ...stream.spec, promises: { ...stream.spec.promises, delivered: 'confirmed' } } },
  params: RELIABLE,
  makePeer: () => StreamPeer.open(),
})
transportConformance({
  name: 'tcp, lines',
  module: stream,
  params: { ...RELIABLE, framing: 'newline' },
  makePeer: () => StreamPeer.open(),
})
transportConformance({
  name: 'jsonrpc',
  module: jsonrpc,
  params: PATIENT,
  makePeer: () => unansweredPeer('jsonrpc'),
})

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function peerThat(answer: Answer = answerOk): Promise<StreamPeer> {
  const peer = await StreamPeer.open('tcp', answer)
  cleanUps.push(() => peer.close())
  return peer
}

function opened(params: object = {}, module: TransportModule = stream): OpenTransport {
  const transport = openTransport([module], params as Record<string, unknown>)
  cleanUps.push(() => transport.close())
  return transport
}

const PIKE = () => sampleEvent('E_PIKE_BLOCKED', ['ip'], ['192.168.2.11'])

/** What the peer gets for one event. */
async function bytesOf(
  event: ReturnType<typeof sampleEvent>,
  { method = '', params = {}, module = stream as TransportModule } = {},
): Promise<string> {
  const peer = await peerThat()
  const transport = opened({ ...PATIENT, ...params }, module)
  const sink = transport.open(
    `${module.spec.module === 'event_stream' ? 'tcp' : 'jsonrpc'}:127.0.0.1:${peer.port}${method}`,
  )
  await whenUp(sink)
  const sent = sink.send(event, transport.deadline(DEADLINE_MS))
  await peer.arrived(1)
  await sent
  return peer.received
}

describe('a message of tcp:', () => {
  it('is the common payload and nothing else', async () => {
    expect(await bytesOf(PIKE())).toBe('{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"192.168.2.11"}}')
  })

  it('carries another method and the event as first parameter, behind an id', async () => {
    const params = { reliable_mode: 1, event_param: 'opensips_event' }
    const text = await bytesOf(PIKE(), { method: '/handle_cmd', params })
    expect(text.replace(/"id":[1-9]\d*,/, '"id":915243442,')).toBe(
      '{"id":915243442,"jsonrpc":"2.0","method":"handle_cmd","params":{"opensips_event":"E_PIKE_BLOCKED","ip":"192.168.2.11"}}',
    )
  })

  it.each([
    [['i', 's'] as string[] | null, [7, 'a b,c'] as (string | number)[]],
    [null, [7, 'a b,c']],
  ])('is the recorded one where parameters have the names %j', async (names, values) => {
    const recorded = readFileSync('test/fixtures/golden/modes/stream_reliable_event_param.out', 'utf8').split('\n')
    const expected = recorded.find(line => line.includes('"params":{') === (names !== null)) ?? ''
    const params = { reliable_mode: 1, event_param: 'opensips_event' }
    const text = await bytesOf(sampleEvent('E_M', names, values), { method: '/meth', params })
    expect(text.replace(/"id":\d+/, 'ID')).toBe(expected.replace(/"id":\d+/, 'ID'))
  })

  it('has no event parameter where the event has none', async () => {
    const text = await bytesOf(sampleEvent('E_NONE', null, []), { params: { event_param: 'event' } })
    expect(text).toBe('{"jsonrpc":"2.0","method":"E_NONE"}')
  })

  it('has the event parameter alone where all others are unset', async () => {
    const event = sampleEvent('E_X', ['a'], [undefined])
    expect(await bytesOf(event, { params: { event_param: 'event' } })).toBe(
      '{"jsonrpc":"2.0","method":"E_X","params":{"event":"E_X"}}',
    )
  })

  it('ends with a line feed where lines are asked for', async () => {
    const text = await bytesOf(sampleEvent('E_NONE', null, []), { params: { framing: 'newline' } })
    expect(text).toBe('{"jsonrpc":"2.0","method":"E_NONE"}\n')
  })

  it('in 2.x had an id that is null, and parameters always', async () => {
    expect(await bytesOf(PIKE(), { module: jsonrpc })).toBe(
      '{"id":null,"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"192.168.2.11"}}',
    )
    expect(await bytesOf(sampleEvent('E_NONE', null, []), { module: jsonrpc })).toBe(
      '{"id":null,"jsonrpc":"2.0","method":"E_NONE","params":{}}',
    )
  })

  it('in 2.x had an id in synchronous mode', async () => {
    const text = await bytesOf(PIKE(), { module: jsonrpc, method: '/m', params: { sync_mode: 1 } })
    expect(text).toMatch(/^\{"id":[1-9]\d*,"jsonrpc":"2\.0","method":"m","params":\{"ip":"192\.168\.2\.11"\}\}$/)
  })
})

const FOLDER = 'test/fixtures/golden/custom'
/** Recordings of one message each whose names differ: JSON that can be read back without loss. */
const RECORDED = readdirSync(FOLDER)
  .filter(file => file.endsWith('.stream.out'))
  .map(file => [file.replace('.stream.out', ''), readFileSync(`${FOLDER}/${file}`, 'utf8')] as const)
  .filter(([, text]) => text !== '' && text === JSON.stringify(tryParse(text)))

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

describe('the recordings', () => {
  it('are many', () => {
    expect(RECORDED.length).toBeGreaterThan(15)
  })

  it.each(RECORDED)('%s is repeated byte for byte, with its own method and with another', async (name, text) => {
    const { method, params } = JSON.parse(text)
    const names = params === undefined || Array.isArray(params) ? null : Object.keys(params)
    const event = () => sampleEvent(method, names, Object.values(params ?? {}))
    expect(await bytesOf(event())).toBe(text)
    const other = readFileSync(`${FOLDER}/${name}.stream_method.out`, 'utf8')
    if (other !== '') expect(await bytesOf(event(), { method: `/${JSON.parse(other).method}` })).toBe(other)
  })
})

async function callOnce(
  answer: Answer,
  params: object = {},
): Promise<{ delivery: Delivery; peer: StreamPeer; sink: Sink }> {
  const peer = await peerThat(answer)
  const transport = opened({ ...RELIABLE, ...params })
  const sink = transport.open(peer.socket)
  await whenUp(sink)
  const delivery = await sink.send(PIKE(), transport.deadline(DEADLINE_MS))
  return { delivery, peer, sink }
}

const reply =
  (members: object): Answer =>
  ({ id }, socket) =>
    void socket.write(JSON.stringify({ jsonrpc: '2.0', id, ...members }))

describe('the reply to a request', () => {
  it.each([
    ['with a result', { result: null }, { outcome: 'delivered' }],
    [
      'with an error about the request',
      { error: { code: -32601, message: 'Method not found' } },
      {
        outcome: 'failed',
        error: { code: 'E_REFUSED', permanent: true, message: 'the peer answered error -32601: Method not found' },
      },
    ],
    [
      'with an internal error',
      { error: { code: -32603, message: 'x' } },
      { outcome: 'failed', error: { permanent: false } },
    ],
    [
      'with a server error',
      { error: { code: -32050, message: 'x' } },
      { outcome: 'failed', error: { permanent: false } },
    ],
    ['with an error that is no object', { error: 'no' }, { outcome: 'failed', error: { permanent: true } }],
    ['with an error that is null', { error: null }, { outcome: 'failed' }],
  ])('%s decides on the event', async (_, members, expected) => {
    expect((await callOnce(reply(members))).delivery).toMatchObject(expected)
  })

  it('may come in pieces, with blanks and after those that nobody asked for', async () => {
    const answer: Answer = ({ id }, socket) => {
      const text = ` {"id":0,"error":{"message":"} \\" {"}}\r\n{"jsonrpc":"2.0","id":${id},"result":["}",{}]}`
      for (const character of text) socket.write(character)
    }
    expect((await callOnce(answer)).delivery).toEqual({ outcome: 'delivered' })
  })

  it('may come in any order', async () => {
    const seen: number[] = []
    const peer = await peerThat(({ id = 0 }, socket) => {
      if (seen.push(id) < 3) return
      for (const one of seen.toReversed())
        socket.write(JSON.stringify(one === seen[1] ? { id: one, error: { code: -32000 } } : { id: one, result: 0 }))
    })
    const transport = opened(RELIABLE)
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const sent = [1, 2, 3].map(n => sink.send(sampleEvent('E_N', ['n'], [n]), transport.deadline(DEADLINE_MS)))
    const outcomes = (await Promise.all(sent)).map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['delivered', 'failed', 'delivered'])
  })

  it.each([
    ['without an id', '{"result":1}'],
    ['whose id is no number', '{"result":1,"id":"1"}'],
    ['that is no object', '[1]'],
    ['that is garbage', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['that is not JSON inside', '{"id":1,}'],
    ['that never ends', `{"x":"${'y'.repeat(70_000)}`],
  ])('%s ends the connection and leaves the event unknown', async (_, text) => {
    const { delivery, sink } = await callOnce((_message, socket) => void socket.write(text))
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_REFUSED' } })
    expect(sink.health).toMatchObject({ state: 'down', lastError: { code: 'E_REFUSED' } })
  })

  it('that is late leaves the event unknown, the connection as it is, and means nothing for the next', async () => {
    const late: { readonly id: number | undefined; readonly socket: Socket }[] = []
    const peer = await peerThat(({ id }, socket) => void late.push({ id, socket }))
    const transport = opened({ ...RELIABLE, timeout: 100 })
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const first = await sink.send(PIKE(), transport.deadline(DEADLINE_MS))
    expect(first).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
    const second = sink.send(PIKE(), transport.deadline(DEADLINE_MS))
    await peer.arrived(2)
    const [belated, timely] = late
    belated?.socket.write(JSON.stringify({ id: belated.id, error: { code: 1, message: 'too late' } }))
    timely?.socket.write(JSON.stringify({ id: timely.id, result: 'ok' }))
    expect((await second).outcome).not.toBe('failed')
    expect(peer.accepted).toBe(1)
  })

  it('that never comes, again and again, has the connection opened anew', async () => {
    const peer = await peerThat(() => {})
    const transport = opened({ ...RELIABLE, timeout: 10 })
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    while (sink.health.state === 'up') await sink.send(PIKE(), transport.deadline(DEADLINE_MS))
    expect(peer.arrivals()).toHaveLength(3)
    expect(sink.health.lastError).toMatchObject({ code: 'E_TIMEOUT' })
  })
})

describe('a connection', () => {
  it('is one for all sockets of a destination, and stays for the others when one ends', async () => {
    const peer = await peerThat()
    const transport = opened(RELIABLE)
    const sinks = ['', '/a', '/b'].map(method => transport.open(`${peer.socket}${method}`))
    await Promise.all(sinks.map(whenUp))
    await sinks[0]?.close(AbortSignal.timeout(DEADLINE_MS))
    for (const sink of sinks.slice(1))
      expect(await sink.send(PIKE(), transport.deadline(DEADLINE_MS))).toEqual({ outcome: 'delivered' })
    expect(peer.accepted).toBe(1)
  })

  it('to a peer that accepts and never reads is given up, and memory stays bounded', async () => {
    const peer = await peerThat()
    const transport = opened({ timeout: 200 })
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    peer.hang()
    const large = sampleEvent('E_LARGE', ['x'], ['y'.repeat(1_000_000)])
    const sent = Array.from({ length: 40 }, () => sink.send(large, transport.deadline(DEADLINE_MS)))
    const outcomes = (await Promise.all(sent)).map(({ outcome }) => outcome)
    expect(outcomes).toContain('unknown')
    expect(sink.health.lastError).toMatchObject({ code: 'E_TIMEOUT' })
  })

  it('that answers notifications is not disturbed by what it says', async () => {
    const peer = await peerThat((_, socket) => void socket.write('thank you\n'.repeat(10_000)))
    const transport = opened(PATIENT)
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    for (let n = 1; n <= 3; n++) {
      expect(await sink.send(PIKE(), transport.deadline(DEADLINE_MS))).toEqual({ outcome: 'delivered' })
      await peer.arrived(n)
    }
    expect(peer.accepted).toBe(1)
  })

  it('that the peer closes leaves requests unknown', async () => {
    const { delivery } = await callOnce((_, socket) => void socket.end())
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_NOT_CONNECTED' } })
  })
})
