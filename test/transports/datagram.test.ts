import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import { type Address, AddressError, type Sink } from '../../src/events/transport.ts'
import { systemClock } from '../../src/util/clock.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { parseUdp, parseUnix } from '../../transports/datagram/address.ts'
import { Destination } from '../../transports/datagram/destination.ts'
import datagram from '../../transports/datagram/index.ts'
import { udpPeer, unixPeer } from '../conformance/datagram-peers.ts'
import { type OpenTransport, openTransport, setUpTransport, silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { type Peer, transportConformance } from '../conformance/transport.ts'

const NEVER = new AbortController().signal

transportConformance({ name: 'udp', module: datagram, makePeer: () => udpPeer() })
transportConformance({ name: 'udp over IPv6', module: datagram, makePeer: () => udpPeer('::1') })
transportConformance({
  name: 'unix',
  module: datagram,
  promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
  makePeer: unixPeer,
})

const opened: (Peer | OpenTransport)[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
function open(params: Readonly<Record<string, unknown>> = {}): OpenTransport {
  const transport = openTransport([datagram], params)
  opened.push(transport)
  return transport
}
async function udp(): Promise<Awaited<ReturnType<typeof udpPeer>>> {
  const peer = await udpPeer()
  opened.push(peer)
  return peer
}

describe('a datagram socket text', () => {
  it.each<[string, Partial<Address> & Record<string, unknown>]>([
    ['127.0.0.1:8081', { text: 'udp:127.0.0.1:8081', host: '127.0.0.1', port: 8081 }],
    ['Events.Example.org:09000', { text: 'udp:events.example.org:9000', key: 'udp:events.example.org:9000' }],
    ['[::1]:8081', { text: 'udp:[::1]:8081', host: '::1' }],
  ])('udp:%s is taken', (rest, wanted) => {
    expect(parseUdp(rest)).toMatchObject(wanted)
  })

  it.each<[string, string, number]>([
    ['', 'expected HOST:PORT', 0],
    ['127.0.0.1', 'expected HOST:PORT', 0],
    [':8081', 'expected HOST:PORT', 0],
    ['h:', 'expected a port', 2],
    ['h:0', 'expected a port', 2],
    ['h:70000', 'expected a port', 2],
    ['h:80x', 'expected a port', 2],
    ['::1:8081', 'expected HOST:PORT', 0],
    ['fe80::1:8081', 'an IPv6 address stands in brackets', 5],
    ['[::1]8081', 'expected ":"', 5],
    ['[zz]:1', 'not an IPv6 address', 1],
    ['a b:1', 'not a host name', 0],
  ])('udp:%s is refused: %s', (rest, message, offset) => {
    const error = failure(() => parseUdp(rest))
    expect(error.message).toContain(message)
    expect(error.offset).toBe(offset)
  })

  it('of a unix socket is any path that the system can hold', () => {
    expect(parseUnix('/tmp/a:b c')).toMatchObject({ path: '/tmp/a:b c', text: 'unix:/tmp/a:b c' })
    expect(parseUnix('x'.repeat(107)).path).toHaveLength(107)
    expect(failure(() => parseUnix('x'.repeat(108))).message).toContain('108 bytes; the system allows 107')
    expect(failure(() => parseUnix('é'.repeat(54))).message).toContain('108 bytes')
    expect(failure(() => parseUnix('')).message).toContain('found nothing')
    expect(failure(() => parseUnix('a\0b')).offset).toBe(1)
  })

  it('does not take a longer path for the same one', () => {
    expect(parseUnix('/tmp/a').key).not.toBe(parseUnix('/tmp/ab').key)
  })

  it('is parsed as the examples say', () => {
    const transport = open()
    for (const example of datagram.spec.examples) expect(transport.parse(example).text).toBe(example)
  })
})

describe('datagrams', () => {
  it('are byte for byte what 4.0 sends, or 2.4 where asked', async () => {
    const peer = await udp()
    const event = sampleEvent('E_PIKE_BLOCKED', ['ip'], ['192.168.2.11'])
    const deadline = open().deadline(20_000)
    await open().open(peer.socket).send(event, deadline)
    await open().open(peer.socket, 'text').send(event, deadline)
    await open({ format: 'text' }).open(peer.socket).send(event, deadline)
    await open({ format: 'text' }).open(peer.socket, 'jsonrpc').send(event, deadline)
    await peer.arrived(4)
    const modern = '{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"192.168.2.11"}}'
    const legacy = 'E_PIKE_BLOCKED\nip::192.168.2.11\n\n'
    expect(peer.payloads.map(String).toSorted()).toEqual([legacy, legacy, modern, modern].toSorted())
  })

  it('follow the era of the bus', async () => {
    const peer = await udp()
    const bus = new EventBus({ clock: systemClock, log: silentLog, era: '2.4' })
    for (const transport of setUpTransport(datagram).transports) bus.registerTransport(transport)
    const type = bus.catalogue.define('E_X', null, 'script')
    bus.subscribe({ event: 'E_X', socket: peer.socket, expireS: null, by: 'script' })
    bus.raise(type, null, [5])
    await peer.arrived(1)
    expect(peer.payloads.map(String)).toEqual(['E_X\n5\n\n'])
    await bus.close(NEVER)
  })

  it.each(['udp', 'unix'] as const)(
    'of up to 65457 bytes are sent over %s, larger ones refused for good',
    async scheme => {
      const peer = scheme === 'udp' ? await udpPeer() : await unixPeer()
      opened.push(peer)
      const transport = open()
      const sink = transport.open(peer.socket)
      const send = async (bytes: number) =>
        await sink.send(sampleEvent('E', null, ['x'.repeat(bytes - 44)]), transport.deadline(20_000))
      expect(await send(65_457)).toEqual({ outcome: 'delivered' })
      await peer.arrived(1)
      expect(peer.payloads[0]).toHaveLength(65_457)
      expect(await send(65_458)).toMatchObject({ outcome: 'failed', error: { code: 'E_TOO_LARGE', permanent: true } })
    },
  )

  it('sent in one turn share a promise', async () => {
    const peer = await udp()
    const transport = open()
    const sink = transport.open(peer.socket)
    const send = () => sink.send(sampleEvent('E', null, []), transport.deadline(20_000))
    expect(send()).toBe(send())
    await send()
  })

  it('that the system refuses fail', async () => {
    const transport = open()
    const sink = transport.open('udp:255.255.255.255:9')
    expect(await sink.send(sampleEvent('E', null, []), transport.deadline(20_000))).toMatchObject({
      outcome: 'failed',
      error: { code: 'E_REFUSED', permanent: false },
    })
  })

  it('to a host without an address fail at once', async () => {
    const transport = open()
    const sink = transport.open('udp:no-such-host.invalid:9')
    const send = () => sink.send(sampleEvent('E', null, []), transport.deadline(20_000))
    expect(send()).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED' } })
    await untilHealth(sink, 'down')
    expect(send()).toMatchObject({ error: { message: expect.stringContaining('no-such-host.invalid') } })
  })

  it('reach a host by name', async () => {
    const peer = await udp()
    const transport = open()
    const sink = transport.open(peer.socket.replace('127.0.0.1', 'localhost'))
    await untilHealth(sink, 'up')
    expect((await sink.send(sampleEvent('E', null, []), transport.deadline(20_000))).outcome).toBe('delivered')
  })
})

describe('a destination', () => {
  it('is looked up again in the background, the old answer serving meanwhile', async () => {
    const clock = new VirtualClock()
    const answers = ['10.0.0.1', '10.0.0.2']
    const lookUp = async () => ({ address: answers.shift() ?? 'none', family: 4 as const })
    const destination = new Destination('example.org', clock, lookUp, () => undefined)
    expect(destination.current()).toBeUndefined()
    await clock.advance(29_000)
    expect(destination.current()?.address).toBe('10.0.0.1')
    await clock.advance(2_000)
    expect(destination.current()?.address).toBe('10.0.0.1')
    await clock.advance(0)
    expect(destination.current()?.address).toBe('10.0.0.2')
  })

  it('keeps its address when a later look-up fails', async () => {
    const clock = new VirtualClock()
    let isBroken = false
    const lookUp = async () => {
      if (isBroken) throw new Error('no DNS')
      return { address: '10.0.0.1', family: 4 as const }
    }
    const destination = new Destination('example.org', clock, lookUp, () => undefined)
    await clock.advance(31_000)
    isBroken = true
    destination.current()
    await clock.advance(0)
    expect(destination.current()?.address).toBe('10.0.0.1')
    expect(destination.error?.message).toBe('no DNS')
  })
})

describe('a unix socket', () => {
  it('that is missing, closed or full is noticed', async () => {
    const peer = await unixPeer()
    opened.push(peer)
    const transport = open()
    const sink = transport.open(peer.socket)
    const send = () => sink.send(sampleEvent('E', null, ['x'.repeat(1000)]), transport.deadline(20_000))
    let last = send()
    for (let i = 0; i < 10_000 && 'outcome' in last && last.outcome === 'delivered'; i++) last = send()
    expect(last).toMatchObject({ outcome: 'failed', error: { code: 'E_QUEUE_FULL', permanent: false } })
    expect(sink.health.state).toBe('up')
    await peer.stop()
    expect(send()).toMatchObject({ error: { code: 'E_NOT_CONNECTED', message: expect.stringContaining('ENOENT') } })
    expect(sink.health.state).toBe('down')
    await peer.start()
    expect(send()).toMatchObject({ outcome: 'delivered' })
    expect(sink.health.state).toBe('up')
  })

  it('gets every event of a burst that its queue cannot hold, in order', async () => {
    const peer = await unixPeer()
    opened.push(peer)
    const bus = new EventBus({ clock: systemClock, log: silentLog })
    for (const transport of setUpTransport(datagram).transports) bus.registerTransport(transport)
    const type = bus.catalogue.define('E_X', null, 'script')
    const subscription = bus.subscribe({ event: 'E_X', socket: peer.socket, expireS: null, by: 'script' })
    for (let i = 0; i < 2_000; i++) bus.raise(type, null, [i])
    await peer.arrived(2_000)
    expect((await peer.arrivals()).map(arrival => arrival.values[0])).toEqual(
      Array.from({ length: 2_000 }, (_, i) => i),
    )
    await bus.drain(NEVER)
    expect(subscription.counters).toMatchObject({ raised: 2_000, delivered: 2_000, failed: 0, queued: 0 })
    await bus.close(NEVER)
  })

  it('in a missing directory is waited for', () => {
    const transport = open()
    const sink = transport.open(`unix:${join('/nonexistent', 'x.sock')}`)
    expect(sink.send(sampleEvent('E', null, []), 0)).toMatchObject({
      error: { code: 'E_NOT_CONNECTED', permanent: false },
    })
  })
})

it('an unknown payload format is refused at the start', () => {
  expect(() => setUpTransport(datagram, { format: 'xml' })).toThrow(
    'must be one of jsonrpc, text, json, cloudevents, not "xml"',
  )
})

function untilHealth(sink: Sink, state: string): Promise<void> {
  return new Promise(resolve => {
    const check = (): void => {
      if (sink.health.state === state) resolve()
    }
    sink.onHealth(check)
    check()
  })
}

function failure(run: () => unknown): AddressError {
  try {
    run()
  } catch (error) {
    if (error instanceof AddressError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
