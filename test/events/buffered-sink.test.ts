import { describe, expect, it } from 'vitest'
import { BufferedSink } from '../../src/events/buffered-sink.ts'
import { textMessage } from '../../src/events/text.ts'
import {
  DELIVERED,
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  type Link,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'

const NEVER = new AbortController().signal
const LOST = new DeliveryError('E_REFUSED', 'no')
const EVENT = sampleEvent('E', null, [])

/** A link that connects and writes as the test says. */
class TestLink implements Link {
  maxBatch = 4
  maxInFlight = 2
  codec?: EventCodec
  connects: {
    signal: AbortSignal
    onLost: (error: DeliveryError) => void
    up: () => void
    fail: (error: Error) => void
  }[] = []
  writes: { batch: readonly WireEvent[]; settle: (result: Delivery | readonly Delivery[]) => void }[] = []
  closes = 0
  connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    return new Promise((resolve, reject) => this.connects.push({ signal, onLost, up: () => resolve(), fail: reject }))
  }
  write(batch: readonly WireEvent[]): Promise<Delivery | readonly Delivery[]> {
    return new Promise(resolve => this.writes.push({ batch: [...batch], settle: resolve }))
  }
  async close(): Promise<void> {
    this.closes++
    const lost = unknown(new DeliveryError('E_NOT_CONNECTED', 'closed'))
    for (const write of this.writes) write.settle(lost)
  }
}

async function setUp(change: Partial<TestLink> = {}, isUp = true) {
  const clock = new VirtualClock()
  const link = Object.assign(new TestLink(), change)
  const sink = new BufferedSink(link, clock, silentLog)
  if (isUp) link.connects[0]?.up()
  await clock.advance(0)
  const send = (n = 1, ms = 10_000): Promise<Delivery>[] =>
    Array.from({ length: n }, () => Promise.resolve(sink.send(EVENT, clock.monotonicMs() + ms)))
  return { clock, link, sink, send }
}

describe('a buffered sink', () => {
  it('refuses at once while there is no connection', async () => {
    const { sink, clock } = await setUp({}, false)
    expect(sink.health.state).toBe('connecting')
    expect(sink.send(EVENT, clock.monotonicMs() + 1)).toMatchObject({
      outcome: 'failed',
      error: { code: 'E_NOT_CONNECTED' },
    })
  })

  it('collects the events of a turn into batches, within its limits', async () => {
    const { send, link, clock } = await setUp()
    const sent = send(11)
    await clock.advance(0)
    expect(link.writes.map(write => write.batch.length)).toEqual([4, 4])
    link.writes[0]?.settle(DELIVERED)
    await clock.advance(0)
    expect(link.writes.map(write => write.batch.length)).toEqual([4, 4, 3])
    link.writes[1]?.settle(DELIVERED)
    link.writes[2]?.settle(DELIVERED)
    expect((await Promise.all(sent)).every(delivery => delivery === DELIVERED)).toBe(true)
  })

  it('gives each event its own outcome', async () => {
    const { send, link, clock } = await setUp()
    const refusal = failed(new DeliveryError('E_REFUSED', 'no'))
    const sent = send(3)
    await clock.advance(0)
    link.writes[0]?.settle([DELIVERED, refusal])
    expect((await Promise.all(sent)).map(delivery => delivery.outcome)).toEqual(['delivered', 'failed', 'unknown'])
  })

  it('takes several events at once, and tells of them together', async () => {
    const { sink, link, clock } = await setUp({ maxBatch: 4 })
    const deadlineMs = clock.monotonicMs() + 1_000
    const events = [EVENT, EVENT, EVENT]
    const first = sink.sendAll?.(events, deadlineMs)
    const single = sink.send(EVENT, deadlineMs)
    const long = sink.sendAll?.([...events, ...events], deadlineMs)
    await clock.advance(0)
    expect(link.writes.map(({ batch }) => batch.length)).toEqual([4, 4])
    expect(events).toHaveLength(3)
    link.writes[0]?.settle([DELIVERED, unknown(LOST), DELIVERED, failed(LOST)])
    expect(await first).toMatchObject([{ outcome: 'delivered' }, { outcome: 'unknown' }, { outcome: 'delivered' }])
    expect(await single).toMatchObject({ outcome: 'failed' })
    link.writes[1]?.settle(DELIVERED)
    await clock.advance(0)
    link.writes[2]?.settle(failed(LOST))
    const outcomes = (await long) as readonly Delivery[]
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([...Array(4).fill('delivered'), 'failed', 'failed'])
  })

  it('refuses an event that its form cannot carry, and sends the others', async () => {
    const { sink, link, clock } = await setUp({ codec: textMessage })
    const bad = sampleEvent('E', ['a::b'], [1])
    const sent = sink.sendAll?.([EVENT, bad, EVENT], clock.monotonicMs() + 1_000)
    await clock.advance(0)
    expect(link.writes[0]?.batch).toHaveLength(2)
    link.writes[0]?.settle(DELIVERED)
    expect(await sent).toMatchObject([
      { outcome: 'delivered' },
      { outcome: 'failed', error: { code: 'E_UNENCODABLE', permanent: true } },
      { outcome: 'delivered' },
    ])
  })

  it('connects again after a loss, with growing pauses', async () => {
    const { link, clock, sink } = await setUp({}, false)
    link.connects[0]?.fail(new Error('refused'))
    await clock.advance(0)
    expect(sink.health).toMatchObject({ state: 'down', lastError: { message: 'refused' } })
    const times: number[] = []
    for (let i = 1; i < 12; i++) {
      for (let waited = 0; link.connects.length === i && waited < 40; waited++) await clock.advance(1_000)
      times.push(clock.monotonicMs())
      link.connects[i]?.fail(new Error('refused'))
      await clock.advance(0)
    }
    const pauses = times.map((time, i) => time - (times[i - 1] ?? 0))
    expect(pauses[1]).toBeLessThanOrEqual(1_000)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(6_000)
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(2_000)
  })

  it('settles running writes as unknown and waiting ones as failed when the connection is lost', async () => {
    const { send, link, clock, sink } = await setUp({ maxInFlight: 1, maxBatch: 1 })
    const sent = send(2)
    await clock.advance(0)
    link.connects[0]?.onLost(new DeliveryError('E_NOT_CONNECTED', 'reset'))
    expect((await Promise.all(sent)).map(delivery => delivery.outcome)).toEqual(['unknown', 'failed'])
    expect(sink.health.state).toBe('down')
    await clock.advance(1_000)
    link.connects[1]?.up()
    await clock.advance(0)
    expect(sink.health.state).toBe('up')
  })

  it('ignores what an earlier connection reports late', async () => {
    const { link, clock, sink } = await setUp()
    link.connects[0]?.onLost(new DeliveryError('E_NOT_CONNECTED', 'reset'))
    await clock.advance(1_000)
    link.connects[1]?.up()
    await clock.advance(0)
    link.connects[0]?.onLost(new DeliveryError('E_NOT_CONNECTED', 'again'))
    expect(sink.health.state).toBe('up')
  })

  it('holds a hung write to its deadline and makes a new connection', async () => {
    const { send, link, clock, sink } = await setUp()
    link.close = () => new Promise(() => undefined)
    const sent = send(1, 500)
    await clock.advance(501)
    expect(await sent[0]).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
    expect(sink.health.state).toBe('down')
    await clock.advance(5_000)
    expect(link.connects).toHaveLength(2)
  })

  it('fails what found no room before its deadline', async () => {
    const { send, clock } = await setUp({ maxInFlight: 1, maxBatch: 1 })
    const [, second] = send(2, 500)
    await clock.advance(501)
    expect(await second).toMatchObject({ outcome: 'failed', error: { code: 'E_QUEUE_FULL' } })
  })

  it('gives up an attempt to connect that hangs', async () => {
    const { link, clock, sink } = await setUp({}, false)
    await clock.advance(10_001)
    expect(link.connects[0]?.signal.aborted).toBe(true)
    expect(sink.health.state).toBe('down')
  })

  it('is full at a bound', async () => {
    const { sink, clock } = await setUp({ maxBatch: 1_000_000 })
    const deadlineMs = clock.monotonicMs() + 1_000
    for (let i = 0; i < 16_384; i++) sink.send(EVENT, deadlineMs)
    expect(sink.send(EVENT, deadlineMs)).toMatchObject({ outcome: 'failed', error: { code: 'E_QUEUE_FULL' } })
  })

  it('flushes, closes once, and refuses afterwards', async () => {
    const { send, link, sink, clock } = await setUp()
    const sent = send(1)
    await clock.advance(0)
    const closing = sink.close(NEVER)
    expect(sink.close(NEVER)).toBe(closing)
    link.writes[0]?.settle(DELIVERED)
    await closing
    expect((await sent[0])?.outcome).toBe('delivered')
    expect(link.closes).toBe(1)
    expect(sink.send(EVENT, 1)).toMatchObject({ outcome: 'failed', error: { code: 'E_CLOSED' } })
  })

  it('closes by the abort of the signal while everything hangs', async () => {
    const { send, link, sink, clock } = await setUp()
    link.close = () => new Promise(() => undefined)
    const sent = send(2)
    await clock.advance(0)
    await sink.close(AbortSignal.abort())
    expect((await Promise.all(sent)).map(delivery => delivery.outcome)).toEqual(['unknown', 'unknown'])
  })

  it('closes while it connects', async () => {
    const { link, sink } = await setUp({}, false)
    await sink.close(NEVER)
    expect(link.connects[0]?.signal.aborted).toBe(true)
    expect(link.closes).toBe(1)
  })

  it('takes a link that throws for one that refused', async () => {
    const { send, link, clock } = await setUp()
    link.write = () => {
      throw new Error('bug')
    }
    const sent = send(1)
    await clock.advance(0)
    expect(await sent[0]).toMatchObject({ outcome: 'unknown', error: { message: 'bug' } })
  })
})
