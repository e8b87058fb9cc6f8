import { afterEach, describe, expect, it } from 'vitest'
import type { Delivery, Promises, Sink, TransportHost, TransportModule } from '../../src/events/transport.ts'
import { systemClock } from '../../src/util/clock.ts'
import { type OpenTransport, openTransport } from './host.ts'
import { sampleEvent } from './sample.ts'

/*
 * One suite every transport passes. How to use it, in test/transports/<name>.test.ts:
 *
 *     import { transportConformance } from '../conformance/transport.ts'
 *     transportConformance({
 *       name: 'rabbitmq',                     // title of the describe block
 *       module: rabbitmq,                     // what defineTransport gave
 *       params: { use_tls: 0 },               // modparams other than the defaults
 *       makePeer: async () => ({ … }),        // a fresh peer for each test, already reachable: see Peer
 *     })
 *
 * `readJsonRpc` (json-arrival.ts) turns a JSON-RPC payload into an Arrival; `udpPeer` and `unixPeer`
 * (datagram-peers.ts) are peers to take as examples; `openTransport` (host.ts) opens sinks for a transport's own tests.
 *
 * Cases a peer cannot act (no `stop`, `start`, `hang`, `cut`) are left out, and so are those the transport's `promises`
 * say nothing about. What a value looks like at the far end is compared through `arrives` where the wire form is not
 * faithful (flatstore has no NULL, say).
 */

/** What arrived at a peer. */
export interface Arrival {
  readonly event: string
  /** Values in wire order. */
  readonly values: readonly (string | number | null)[]
  /** Id of the event, where the wire has a place for it. */
  readonly id?: string | undefined
}

/** The far end of a transport, as the suite drives it. Every wait is the peer's own: on arrival, not on time. */
export interface Peer {
  /** The socket text that reaches it, `scheme:rest`. */
  readonly socket: string
  /** What has arrived so far, in order. */
  arrivals(): readonly Arrival[] | Promise<readonly Arrival[]>
  /** Resolves once at least `count` events have arrived. */
  arrived(count: number): Promise<void>
  /** Goes away: connections are cut, new ones refused. */
  stop?(): Promise<void>
  /** Comes back under the same socket text after `stop`. */
  start?(): Promise<void>
  /** Stays reachable, but from now on neither answers nor confirms. */
  hang?(): void | Promise<void>
  /** From now on cuts the connection when the next event arrives, before it is confirmed. */
  cut?(): void | Promise<void>
  /** Ends everything. Called after each test. */
  close(): Promise<void>
}

/** One transport under test. */
export interface ConformanceSubject {
  readonly name: string
  readonly module: TransportModule
  /** Module parameters other than the defaults. */
  readonly params?: Readonly<Record<string, unknown>>
  /** Overrides the promises of the module's spec, where they differ between its schemes. */
  readonly promises?: Promises
  makePeer(): Promise<Peer>
  /** What a value looks like when it has arrived; by default the same. */
  readonly arrives?: (value: string | number | null) => string | number | null
  /** Finds the event routes of the script there would be. */
  readonly route?: TransportHost['route']
  /** Other modules whose transports the socket text needs (virtual's children). */
  readonly beside?: readonly TransportModule[]
}

/** Far enough for a loaded machine; no case waits for it unless it fails. */
const DEADLINE_MS = 20_000

/** Events sent at once where all must be taken: the queue of a unix socket holds ten by default. */
const BURST = 8

/** Values that break naive framing: each must arrive as it was raised. */
export const HOSTILE_VALUES: readonly (string | number | null)[] = [
  'plain',
  '',
  'a\r\nb',
  '\n',
  'nul\0inside',
  'comma,semi;colon:pipe|tab\t',
  'say "hi" it\'s \\ back',
  '<b>&amp;</b>]]>',
  'Zoë 日本 😀',
  'name::value',
  '\u0001\u001f\u007f',
  -7,
  2_147_483_648,
  null,
]

/** Registers the suite for one transport. */
export function transportConformance(subject: ConformanceSubject): void {
  describe(`${subject.name} keeps the transport contract`, () => {
    const promises = subject.promises ?? subject.module.spec.promises
    const arrives = subject.arrives ?? (value => value)
    const open: { transport: OpenTransport; peer: Peer }[] = []

    const setUp = async (): Promise<{ transport: OpenTransport; peer: Peer; sink: Sink }> => {
      const peer = await subject.makePeer()
      const transport = openTransport(
        [subject.module, ...(subject.beside ?? [])],
        subject.params,
        systemClock,
        subject.route,
      )
      open.push({ transport, peer })
      return { transport, peer, sink: transport.open(peer.socket) }
    }

    afterEach(async () => {
      for (const { transport, peer } of open.splice(0)) {
        await transport.close()
        await peer.close()
      }
    })

    it('parses its own canonical text to the same address', async () => {
      const { transport, peer } = await setUp()
      const address = transport.parse(peer.socket)
      if (!address.text.includes('***')) expect(transport.parse(address.text).key).toBe(address.key)
      expect(address.text.startsWith(`${address.scheme}:`)).toBe(true)
    })

    it('delivers an event', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const delivery = await sink.send(sampleEvent('E_ONE', ['s', 'i'], ['x', 5]), transport.deadline(DEADLINE_MS))
      expect(delivery).toEqual({ outcome: 'delivered' })
      await peer.arrived(1)
      expect(await peer.arrivals()).toMatchObject([{ event: 'E_ONE', values: [arrives('x'), arrives(5)] }])
    })

    it('delivers an event without parameters', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const delivery = await sink.send(sampleEvent('E_NONE', null, []), transport.deadline(DEADLINE_MS))
      expect(delivery.outcome).toBe('delivered')
      await peer.arrived(1)
      expect(await peer.arrivals()).toMatchObject([{ event: 'E_NONE', values: [] }])
    })

    it.each(HOSTILE_VALUES.map(value => [JSON.stringify(value), value] as const))(
      'carries the value %s',
      async (_, value) => {
        const { transport, peer, sink } = await setUp()
        await whenUp(sink)
        const event = sampleEvent('E_VALUE', ['before', 'value', 'after'], ['<', value, '>'])
        expect((await sink.send(event, transport.deadline(DEADLINE_MS))).outcome).toBe('delivered')
        await peer.arrived(1)
        const [arrival] = await peer.arrivals()
        expect(arrival?.values).toEqual([arrives('<'), arrives(value), arrives('>')])
      },
    )

    it('carries half a surrogate pair, which cannot be bytes of UTF-8, as the replacement character at most', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const event = sampleEvent('E_HALF', ['v'], ['a\ud83db'])
      expect((await sink.send(event, transport.deadline(DEADLINE_MS))).outcome).toBe('delivered')
      await peer.arrived(1)
      const [arrival] = await peer.arrivals()
      // Within the process nothing makes bytes of it.
      expect([arrives('a\ufffdb'), 'a\ud83db']).toContain(arrival?.values[0])
    })

    it('carries a value of a mebibyte, or refuses it for good with a reason', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const value = 'mega"<é\\'.repeat(2 ** 17).slice(0, 2 ** 20)
      const delivery = await sink.send(sampleEvent('E_LARGE', ['v'], [value]), transport.deadline(DEADLINE_MS))
      if (delivery.outcome !== 'delivered') {
        expect(delivery).toMatchObject({ outcome: 'failed', error: { permanent: true } })
        return
      }
      await peer.arrived(1)
      const [arrival] = await peer.arrivals()
      expect(arrival?.values[0] === arrives(value)).toBe(true)
    })

    it('carries the id of the event', async context => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const event = sampleEvent('E_ID', null, [1])
      expect((await sink.send(event, transport.deadline(DEADLINE_MS))).outcome).toBe('delivered')
      await peer.arrived(1)
      const [arrival] = await peer.arrivals()
      if (arrival?.id === undefined) return context.skip()
      expect(arrival.id).toBe(event.id)
    })

    it.runIf(promises.ordered)('keeps the order of what it accepted', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      for (let from = 0; from < 200; from += BURST) {
        const numbers = Array.from({ length: BURST }, (_, i) => from + i)
        const deliveries = await sendAll(sink, transport, numbers)
        expect(deliveries.map(delivery => delivery.outcome)).toEqual(numbers.map(() => 'delivered'))
        await peer.arrived(from + BURST)
      }
      const seen = (await peer.arrivals()).map(arrival => arrival.values[0])
      expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => arrives(i)))
    })

    it('never waits beyond the deadline, and never throws, under a burst', async () => {
      const { transport, sink } = await setUp()
      const numbers = Array.from({ length: 2_000 }, (_, i) => i)
      const deliveries = await sendAll(sink, transport, numbers)
      for (const delivery of deliveries) expect(['delivered', 'failed', 'unknown']).toContain(delivery.outcome)
    })

    it('answers E_CLOSED once it is closed', async () => {
      const { transport, sink } = await setUp()
      await sink.close(AbortSignal.timeout(DEADLINE_MS))
      const delivery = await sink.send(sampleEvent('E_LATE', null, []), transport.deadline(DEADLINE_MS))
      expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_CLOSED' } })
    })

    it('can be closed twice', async () => {
      const { sink } = await setUp()
      const signal = AbortSignal.timeout(DEADLINE_MS)
      await Promise.all([sink.close(signal), sink.close(signal)])
      await sink.close(signal)
    })

    it('delivers what it accepted before it closes', async () => {
      const { transport, peer, sink } = await setUp()
      await whenUp(sink)
      const sent = sendAll(sink, transport, [1, 2, 3])
      await sink.close(AbortSignal.timeout(DEADLINE_MS))
      expect((await sent).map(delivery => delivery.outcome)).toEqual(['delivered', 'delivered', 'delivered'])
      await peer.arrived(3)
    })

    if (promises.noticesAbsence) describePeerLoss(setUp, subject)
    describeHang(setUp)
  })
}

type SetUp = () => Promise<{ transport: OpenTransport; peer: Peer; sink: Sink }>

function describePeerLoss(setUp: SetUp, subject: ConformanceSubject): void {
  it('fails before the deadline while the peer is absent', async context => {
    const { transport, peer } = await setUp()
    if (peer.stop === undefined) return context.skip()
    await peer.stop()
    const sink = transport.open(peer.socket)
    const delivery = await sink.send(sampleEvent('E_GONE', null, []), transport.deadline(DEADLINE_MS))
    expect(delivery.outcome).toBe('failed')
  })

  it('never calls an event delivered that the peer cut off', async context => {
    const { transport, peer, sink } = await setUp()
    if (peer.cut === undefined || subject.module.spec.promises.delivered !== 'confirmed') return context.skip()
    await whenUp(sink)
    await peer.cut()
    const delivery = await sink.send(sampleEvent('E_CUT', null, []), transport.deadline(DEADLINE_MS))
    expect(['failed', 'unknown']).toContain(delivery.outcome)
  })

  it('delivers again once the peer is back', async context => {
    const { transport, peer, sink } = await setUp()
    if (peer.stop === undefined || peer.start === undefined) return context.skip()
    await whenUp(sink)
    await peer.stop()
    await untilNotDelivered(sink, transport)
    await peer.start()
    await untilDelivered(sink, transport)
    await peer.arrived(1)
  })
}

function describeHang(setUp: SetUp): void {
  it('closes by the abort of its signal while the peer hangs', async context => {
    const { transport, peer, sink } = await setUp()
    if (peer.hang === undefined) return context.skip()
    await whenUp(sink)
    await peer.hang()
    const sent = sendAll(sink, transport, [1, 2, 3])
    await sink.close(AbortSignal.timeout(50))
    for (const delivery of await sent) expect(delivery.outcome).not.toBe('delivered')
  })
}

async function sendAll(sink: Sink, transport: OpenTransport, numbers: readonly number[]): Promise<readonly Delivery[]> {
  const deadlineMs = transport.deadline(DEADLINE_MS)
  return await Promise.all(numbers.map(number => sink.send(sampleEvent('E_N', ['n'], [number]), deadlineMs)))
}

/** Resolves once the sink can take events. */
export function whenUp(sink: Sink): Promise<void> {
  return new Promise(resolve => {
    const check = (): void => {
      if (sink.health.state === 'up') resolve()
    }
    sink.onHealth(check)
    check()
  })
}

async function untilDelivered(sink: Sink, transport: OpenTransport): Promise<void> {
  for (;;) {
    const delivery = await sink.send(sampleEvent('E_BACK', null, []), transport.deadline(DEADLINE_MS))
    if (delivery.outcome === 'delivered') return
    await transport.pause()
  }
}

async function untilNotDelivered(sink: Sink, transport: OpenTransport): Promise<void> {
  for (;;) {
    const delivery = await sink.send(sampleEvent('E_AWAY', null, []), transport.deadline(DEADLINE_MS))
    if (delivery.outcome !== 'delivered') return
    await transport.pause()
  }
}
