import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { NOTHING, type SubscriptionCounters } from './counters.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { RaisedEvent } from './event.ts'
import { FanOutTally } from './fan-out-tally.ts'
import { countersOf, type Lane } from './lane.ts'
import type { DeliveryObserver, Fate, LaneAlarm, LaneContext } from './ledger.ts'
import type { DeliveryScheduler } from './scheduler.ts'
import type { PooledSink } from './sink-pool.ts'
import type { Subscription } from './subscription.ts'
import type { DeliveryError } from './transport.ts'

/** What the ways of all subscriptions share. */
export interface WayParts {
  readonly clock: Clock
  readonly log: Log
  readonly scheduler: DeliveryScheduler
  readonly deadLetters: DeadLetters
  /** Who watches the deliveries of this subscription now. */
  readonly observerOf: (subscription: Subscription) => DeliveryObserver | undefined
  /** Whom the lanes of subscriptions to this event tell of trouble. */
  alarmOf(event: string): LaneAlarm
  /** The lane to one of the sinks a subscription holds, which becomes the lane's. */
  openLane(subscription: Subscription, way: PooledSink, context: LaneContext): Lane
}

/** The ways a subscription's events take, each with its queue and books. Made for its first event: most never get one. */
export class Ways implements LaneContext {
  readonly lanes: readonly Lane[]
  readonly alarm: LaneAlarm
  readonly #parts: WayParts
  readonly #subscription: Subscription
  /** What became of each event as a whole, where it goes several ways. */
  readonly #tally: FanOutTally | undefined

  /** `isTallied`: what becomes of each event is remembered until all of its ways are done with it. */
  constructor(parts: WayParts, subscription: Subscription, held: readonly PooledSink[], isTallied: boolean) {
    this.#parts = parts
    this.#subscription = subscription
    this.alarm = parts.alarmOf(subscription.event)
    this.#tally = isTallied ? new FanOutTally(held.length) : undefined
    this.lanes = held.map(way => parts.openLane(subscription, way, this))
  }

  get clock(): Clock {
    return this.#parts.clock
  }
  get log(): Log {
    return this.#parts.log
  }
  get scheduler(): DeliveryScheduler {
    return this.#parts.scheduler
  }

  observer(): DeliveryObserver | undefined {
    return this.#parts.observerOf(this.#subscription)
  }

  get isTallied(): boolean {
    return this.#tally !== undefined
  }

  settled(event: RaisedEvent, fate: Fate): void {
    this.#tally?.end(event, fate)
  }

  deadLetter(socket: string, event: RaisedEvent, error: DeliveryError, attempts: number): void {
    const { deadLetters, clock } = this.#parts
    const { event: subscribed, filterText } = this.#subscription
    deadLetters.add({ event, subscribed, filterText, socket, error, attempts, diedAtMs: clock.nowMs() })
  }

  /** Gives an event its ways. `nowMs` is the monotonic clock. */
  offer(event: RaisedEvent, nowMs: number): void {
    this.#tally?.begin(event)
    for (const lane of this.lanes) lane.offer(event, nowMs)
  }

  /** Gives an event that one of the ways refused to that way again. False when there is no such way. */
  offerAgain(event: RaisedEvent, socket: string, nowMs: number): boolean {
    const lane = this.lanes.find(one => one.socket === socket)
    if (lane === undefined) return false
    this.#tally?.begin(event, 1)
    lane.offer(event, nowMs)
    return true
  }

  /** Each event counts once, however many ways it goes: kept on disk, as on the way that is furthest behind. */
  get counters(): SubscriptionCounters {
    if (this.#tally !== undefined) return this.#tally.counters(this.lanes)
    const [first, ...others] = this.lanes
    if (first === undefined) return NOTHING
    return countersOf(others.reduce((a, b) => (b.counters.delivered < a.counters.delivered ? b : a), first))
  }
}
