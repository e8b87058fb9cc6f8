import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_ALARM } from '../../src/events/alarm-events.ts'
import type { Lane } from '../../src/events/lane.ts'
import { openLane } from '../../src/events/open-lane.ts'
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/events/policy.ts'
import { DeliveryScheduler } from '../../src/events/scheduler.ts'
import { DELIVERED, type Delivery } from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { AWAY, DOUBTFUL, IMPOSSIBLE, MemorySink, REFUSED } from './memory-transport.ts'

const ABORTED = AbortSignal.abort()
const NEVER = new AbortController().signal

function setUp(policy: Partial<DeliveryPolicy> = {}, isInline = false, log: Log = silentLog) {
  const clock = new VirtualClock()
  const sink = new MemorySink()
  const outcomes: string[] = []
  const context = {
    clock,
    log,
    scheduler: new DeliveryScheduler(clock),
    observer: () => (_: unknown, delivery: Delivery) => void outcomes.push(delivery.outcome),
    alarm: NO_ALARM,
    deadLetter: () => undefined,
  }
  const lane = openLane({ socket: 'mem:x', sink, policy: { ...DEFAULT_POLICY, ...policy }, context, isInline })
  const offer = (...values: number[]): void => {
    for (const value of values) lane.offer(sampleEvent('E', ['n'], [value]), clock.monotonicMs())
  }
  return { clock, sink, lane, offer, outcomes }
}

/** What every event is counted as, right now. */
function accounted(lane: Lane): number {
  const { delivered, failed, dropped } = lane.counters
  return delivered + failed + dropped.overflow + dropped.expired + dropped.closed + lane.queued + lane.inFlight
}

describe('a lane', () => {
  it('returns before it sends', async () => {
    const { clock, sink, lane, offer } = setUp()
    offer(1, 2)
    expect(sink.attempts).toHaveLength(0)
    expect(lane.queued).toBe(2)
    await clock.advance(0)
    expect(sink.values).toEqual([1, 2])
    expect(lane.counters).toMatchObject({ raised: 2, delivered: 2 })
  })

  it('keeps order when an attempt fails in the middle', async () => {
    const { clock, sink, offer } = setUp()
    let refusals = 0
    sink.answer = event => (event.values[0] === 2 && refusals++ < 2 ? REFUSED : DELIVERED)
    offer(1, 2, 3, 4)
    await clock.advance(5_000)
    expect(sink.values).toEqual([1, 2, 3, 4])
    expect(refusals).toBe(3)
  })

  it('puts back in order what was in flight when an attempt failed', async () => {
    const { clock, sink, lane, offer } = setUp()
    const settle: ((delivery: Delivery) => void)[] = []
    sink.answer = () => new Promise(resolve => settle.push(resolve))
    offer(1, 2, 3, 4)
    await clock.advance(0)
    expect(lane.inFlight).toBe(4)
    settle[2]?.(REFUSED)
    settle[0]?.(DELIVERED)
    await clock.advance(0)
    expect(sink.attempts).toHaveLength(4)
    settle[3]?.(DOUBTFUL)
    settle[1]?.(REFUSED)
    await clock.advance(0)
    expect(lane.queued).toBe(3)
    sink.answer = () => DELIVERED
    await clock.advance(1_000)
    expect(sink.values).toEqual([1, 2, 3, 4])
    expect(lane.counters).toMatchObject({ delivered: 4, retried: 3, maybeDuplicate: 1 })
  })

  it('tries again with one event at first', async () => {
    const { clock, sink, offer } = setUp()
    sink.answer = () => Promise.resolve(REFUSED)
    offer(1, 2, 3)
    await clock.advance(0)
    expect(sink.attempts).toHaveLength(3)
    await clock.advance(150)
    expect(sink.attempts).toHaveLength(4)
  })

  it('waits longer after each failure, up to 30 s', async () => {
    const { clock, sink, offer } = setUp()
    const times: number[] = []
    sink.answer = () => {
      times.push(clock.monotonicMs())
      return REFUSED
    }
    offer(1)
    await clock.advance(300_000)
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    expect(pauses[0]).toBeLessThan(130)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(37_500)
    expect(pauses.at(-1)).toBeGreaterThan(20_000)
  })

  it('goes on at once when the sink says it is up', async () => {
    const { clock, sink, offer } = setUp()
    sink.turn('down')
    sink.answer = () => AWAY
    offer(1, 2)
    await clock.advance(60_000)
    sink.answer = () => DELIVERED
    sink.turn('up')
    await clock.advance(0)
    expect(sink.values).toEqual([1, 2])
  })

  it('warns of a receiver that is away once, and not while it is connected to for the first time', async () => {
    const lines: string[] = []
    const log: Log = { ...silentLog, warn: text => void lines.push(text), notice: text => void lines.push(text) }
    const { clock, sink, offer } = setUp({}, false, log)
    sink.answer = () => AWAY
    sink.turn('connecting')
    offer(1)
    await clock.advance(1_000)
    expect(lines).toEqual([])
    sink.turn('down')
    await clock.advance(60_000)
    expect(lines).toEqual(['event delivery held up'])
    sink.answer = () => DELIVERED
    await clock.advance(60_000)
    expect(lines).toEqual(['event delivery held up', 'event delivery resumed'])
  })

  it('asks a receiver that is merely full again within milliseconds', async () => {
    const { clock, sink, offer } = setUp()
    let room = 1
    sink.answer = () =>
      room-- > 0 ? DELIVERED : { outcome: 'failed', error: Object.assign(new Error(), FULL_ERROR) as never }
    offer(1, 2)
    await clock.advance(0)
    room = 5
    await clock.advance(5)
    expect(sink.values).toEqual([1, 2])
  })

  it('does not repeat what was refused for good', async () => {
    const { clock, sink, lane, offer } = setUp()
    sink.answer = event => (event.values[0] === 1 ? IMPOSSIBLE : DELIVERED)
    offer(1, 2)
    await clock.advance(0)
    expect(sink.values).toEqual([2])
    expect(lane.counters).toMatchObject({ raised: 2, delivered: 1, failed: 1, retried: 0 })
    expect(lane.lastError?.code).toBe('E_TOO_LARGE')
  })

  it('drops what has waited too long, by time and not only when it is sent', async () => {
    const { clock, sink, lane, offer } = setUp({ maxAgeMs: 1_000 })
    sink.turn('down')
    sink.answer = () => AWAY
    offer(1, 2)
    await clock.advance(900)
    offer(3)
    await clock.advance(200)
    expect(lane.counters.dropped.expired).toBe(2)
    expect(lane.queued).toBe(1)
  })

  it('drops the oldest when the queue is full', async () => {
    const { clock, sink, lane, offer } = setUp({ maxQueued: 3 })
    offer(1, 2, 3, 4, 5)
    await clock.advance(0)
    expect(sink.values).toEqual([3, 4, 5])
    expect(lane.counters.dropped.overflow).toBe(2)
  })

  it('gives no more than its window to a slow sink', async () => {
    const { clock, sink, lane, offer } = setUp({ maxInFlight: 2 })
    const settle: (() => void)[] = []
    sink.answer = () => new Promise(resolve => settle.push(() => resolve(DELIVERED)))
    offer(1, 2, 3, 4)
    await clock.advance(0)
    expect(lane.inFlight).toBe(2)
    settle[0]?.()
    await clock.advance(0)
    await clock.advance(0)
    expect(sink.attempts).toHaveLength(3)
  })

  it('takes one outcome for events that share a promise', async () => {
    const { clock, sink, lane, offer } = setUp()
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    sink.answer = () => promise
    offer(1, 2, 3)
    await clock.advance(0)
    expect(lane.inFlight).toBe(3)
    resolve(DELIVERED)
    await clock.advance(0)
    expect(lane.counters.delivered).toBe(3)
  })

  it('counts a sink that throws or rejects as a refusal for good', async () => {
    const { clock, sink, lane, offer } = setUp()
    sink.answer = event => {
      if (event.values[0] === 1) throw new Error('broken')
      return Promise.reject(new Error('broken too'))
    }
    sink.send = event => sink.answer(event, 0)
    offer(1, 2)
    await clock.advance(0)
    expect(lane.counters).toMatchObject({ failed: 2, delivered: 0 })
  })

  it('yields to the event loop between batches', async () => {
    const { sink, offer, clock } = setUp()
    offer(...Array.from({ length: 5_000 }, (_, i) => i))
    await new Promise(resolve => setImmediate(resolve))
    expect(sink.taken.length).toBeLessThan(2_000)
    await clock.advance(0)
    for (let turn = 0; turn < 20; turn++) await clock.advance(0)
    expect(sink.values).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
  })

  it('delivers inside the raise where it is inline, and never repeats', () => {
    const { sink, lane, offer, clock } = setUp({}, true)
    offer(1)
    expect(sink.values).toEqual([1])
    sink.answer = () => REFUSED
    offer(2)
    expect(lane.counters).toMatchObject({ raised: 2, delivered: 1, failed: 1 })
    expect(clock.pending).toBe(0)
  })

  it('sends what waits before it closes', async () => {
    const { sink, lane, offer } = setUp()
    offer(1, 2)
    await lane.close(NEVER, true)
    expect(sink.values).toEqual([1, 2])
    expect(sink.isClosed).toBe(true)
    offer(3)
    expect(lane.counters.dropped.closed).toBe(1)
  })

  it('closes without the events of a receiver that is away', async () => {
    const { sink, lane, offer, clock } = setUp()
    sink.answer = () => AWAY
    offer(1, 2)
    await clock.advance(10)
    await lane.close(NEVER, true)
    expect(lane.counters.dropped.closed).toBe(2)
    expect(accounted(lane)).toBe(2)
  })

  it('closes by the abort of its signal while the sink hangs', async () => {
    const { sink, lane, offer, clock } = setUp({ maxInFlight: 1 })
    sink.answer = () => new Promise(() => undefined)
    offer(1, 2)
    await clock.advance(0)
    await lane.close(ABORTED, true)
    expect(lane.counters.dropped.closed).toBe(1)
    expect(lane.inFlight).toBe(1)
  })

  it('accounts for every event at every instant, and keeps order', async () => {
    const outcome = fc.constantFrom<Delivery>(DELIVERED, DELIVERED, DELIVERED, REFUSED, DOUBTFUL, IMPOSSIBLE, AWAY)
    const step = fc.oneof(
      fc.record({ do: fc.constant('offer' as const), n: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ do: fc.constant('advance' as const), n: fc.integer({ min: 0, max: 2_000 }) }),
      fc.record({ do: fc.constant('settle' as const), n: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('up' as const), n: fc.constant(0) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.infiniteStream(fc.tuple(outcome, fc.boolean())),
        async (steps, answers) => {
          const { clock, sink, lane, offer } = setUp({ maxQueued: 30, maxAgeMs: 5_000, maxInFlight: 7 })
          const unsettled: (() => void)[] = []
          sink.answer = () => {
            const [delivery, isLater] = answers.next().value
            return isLater ? new Promise(resolve => unsettled.push(() => resolve(delivery))) : delivery
          }
          let next = 0
          const check = (): void => expect(accounted(lane)).toBe(lane.counters.raised)
          for (const { do: action, n } of steps) {
            if (action === 'offer') offer(...Array.from({ length: n }, () => next++))
            if (action === 'advance') await clock.advance(n)
            if (action === 'settle') for (const settle of unsettled.splice(0, n)) settle()
            if (action === 'up') sink.turn('up')
            check()
            await clock.advance(0)
            check()
          }
          sink.answer = () => DELIVERED
          for (let i = 0; i < 8; i++) {
            for (const settle of unsettled.splice(0)) settle()
            await clock.advance(1_500)
            check()
          }
          expect(lane.queued + lane.inFlight).toBe(0)
          expect(lane.counters.raised).toBe(next)
        },
      ),
      { numRuns: 60 },
    )
  })
})

const FULL_ERROR = { code: 'E_QUEUE_FULL', permanent: false }
