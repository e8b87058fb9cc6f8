import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_ALARM } from '../../src/events/alarm-events.ts'
import type { Lane } from '../../src/events/lane.ts'
import { openLane } from '../../src/events/open-lane.ts'
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/events/policy.ts'
import { DeliveryScheduler } from '../../src/events/scheduler.ts'
import { DELIVERED, type Delivery, type WireEvent } from '../../src/events/transport.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { AWAY, DOUBTFUL, IMPOSSIBLE, MemorySink, REFUSED } from './memory-transport.ts'

const NAMES = ['n', 'callid']
const keyOf = (event: WireEvent): string => String(event.values[1])

function setUp(policy: Partial<DeliveryPolicy> = {}) {
  const clock = new VirtualClock()
  const sink = new MemorySink()
  const dead: [unknown, number][] = []
  const lane = openLane({
    socket: 'mem:x',
    sink,
    policy: { ...DEFAULT_POLICY, key: 'callid', ...policy },
    context: {
      clock,
      log: silentLog,
      scheduler: new DeliveryScheduler(clock),
      observer: () => undefined,
      alarm: NO_ALARM,
      deadLetter: (_, event, __, attempts) => dead.push([event.values[0], attempts]),
    },
  })
  const offer = (n: number, key: string | null): void =>
    lane.offer(sampleEvent('E', NAMES, [n, key]), clock.monotonicMs())
  return { clock, sink, lane, offer, dead }
}

/** Lets the event loop turn until whatever was started has come to its end. */
async function settled(clock: VirtualClock): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await clock.advance(0)
}

function accounted({ counters, queued, inFlight }: Lane): number {
  const { delivered, failed, dropped } = counters
  return delivered + failed + queued + inFlight + Object.values(dropped).reduce((sum, count) => sum + count, 0)
}

describe('a lane with a key', () => {
  it('holds up only the key whose event fails', async () => {
    const { clock, sink, offer } = setUp()
    let refusals = 0
    sink.answer = event => (event.values[0] === 1 && refusals++ < 3 ? REFUSED : DELIVERED)
    offer(1, 'a')
    offer(2, 'a')
    offer(3, 'b')
    offer(4, null)
    await clock.advance(0)
    expect(sink.values).toEqual([3, 4])
    await clock.advance(10_000)
    expect(sink.values).toEqual([3, 4, 1, 2])
  })

  it('has one event of a key on its way at a time, and many keys', async () => {
    const { clock, sink, lane, offer } = setUp()
    const waiting: ((delivery: Delivery) => void)[] = []
    sink.answer = () => new Promise(resolve => waiting.push(resolve))
    for (let n = 0; n < 30; n++) offer(n, `key${n % 10}`)
    await clock.advance(0)
    expect(sink.attempts.map(event => event.values[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect([lane.inFlight, lane.queued]).toEqual([10, 20])
    waiting[3]?.(DELIVERED)
    await settled(clock)
    expect(sink.attempts.at(-1)?.values[0]).toBe(13)
  })

  it('waits as a whole while the receiver is away, and goes on when it is up', async () => {
    const { clock, sink, lane, offer } = setUp({ maxAttempts: 1 })
    sink.answer = () => AWAY
    for (let n = 0; n < 6; n++) offer(n, `key${n % 3}`)
    await clock.advance(120_000)
    expect(lane.queued).toBe(6)
    sink.answer = () => DELIVERED
    sink.turn('up')
    await clock.advance(0)
    expect(sink.values.toSorted()).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('gives an event up after so many attempts, and goes on with its key', async () => {
    const { clock, sink, offer, dead } = setUp({ maxAttempts: 3 })
    sink.answer = event => (event.values[0] === 1 ? DOUBTFUL : event.values[0] === 3 ? IMPOSSIBLE : DELIVERED)
    for (const n of [1, 2, 3]) offer(n, 'a')
    await clock.advance(60_000)
    expect(dead).toEqual([
      [1, 3],
      [3, 1],
    ])
    expect(sink.values).toEqual([2])
  })

  it('keeps the order of each key and accounts for every event, whatever the receiver answers', async () => {
    const answer = fc.constantFrom(DELIVERED, DELIVERED, REFUSED, DOUBTFUL, AWAY, IMPOSSIBLE)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), answer, isLate: fc.boolean() }), { maxLength: 60 }),
        async steps => {
          const { clock, sink, lane, offer } = setUp({ maxInFlight: 4 })
          const answers = steps.map(step => step)
          sink.answer = () => {
            const next = answers.shift()
            if (next === undefined) return DELIVERED
            return next.isLate ? Promise.resolve(next.answer) : next.answer
          }
          for (const [n, { key }] of steps.entries()) {
            offer(n, key)
            expect(accounted(lane)).toBe(n + 1)
            if (n % 7 === 6) await clock.advance(5)
          }
          for (let minute = 0; minute < 100; minute++) await clock.advance(60_000)
          expect(accounted(lane)).toBe(steps.length)
          expect([lane.queued, lane.inFlight]).toEqual([0, 0])
          for (const key of ['a', 'b', 'c']) {
            const seen = sink.taken.filter(event => keyOf(event) === key).map(event => event.values[0] as number)
            expect(seen).toEqual(seen.toSorted((one, two) => one - two))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('drops and counts what waits when it ends for good', async () => {
    const { clock, sink, lane, offer } = setUp()
    sink.answer = event => (event.values[0] === 0 ? REFUSED : AWAY)
    for (let n = 0; n < 4; n++) offer(n, `key${n % 2}`)
    await clock.advance(0)
    await lane.close(AbortSignal.abort(), true)
    expect(lane.counters.dropped.closed).toBe(4)
    expect(accounted(lane)).toBe(4)
  })
})
