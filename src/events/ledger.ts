import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { countDrop, type DeliveryCounters, noDeliveries } from './counters.ts'
import type { RaisedEvent } from './event.ts'
import type { DropReason } from './event-store.ts'
import { type DeliveryPolicy, lagOf } from './policy.ts'
import type { DeliveryScheduler } from './scheduler.ts'
import { DELIVERED, type Delivery, DeliveryError, failed, type Sink } from './transport.ts'

/** What an event comes to in the end. */
export type Fate = 'delivered' | 'failed' | DropReason

/** Told of each outcome, drops included. */
export type DeliveryObserver = (event: RaisedEvent, delivery: Delivery) => void

/** What a lane tells those who look after it. `socket` is the canonical text of where it leads. */
export interface LaneAlarm {
  /** Deliveries have begun to fail and are held up. */
  heldUp(socket: string, error: DeliveryError, queued: number): void
  /** They go on after having been held up for `downMs`. */
  recovered(socket: string, downMs: number, queued: number): void
  /** Many events wait, or one for long. */
  lagging(socket: string, queued: number, oldestMs: number): void
  /** An event was given up: dead letter or dropped, by the code of the error. */
  lost(socket: string, event: RaisedEvent, error: DeliveryError, attempts: number): void
}

/** What lanes share. */
export interface LaneContext {
  readonly clock: Clock
  readonly log: Log
  readonly scheduler: DeliveryScheduler
  /** Who wants to know every outcome, now; undefined when nobody does. */
  observer(): DeliveryObserver | undefined
  readonly alarm: LaneAlarm
  /** Somebody adds up several lanes and is told the fate of each event. */
  readonly isTallied?: boolean
  settled?(event: RaisedEvent, fate: Fate): void
  /** Takes what was given up because it was refused. */
  deadLetter(socket: string, event: RaisedEvent, error: DeliveryError, attempts: number): void
}

export type Undelivered = Exclude<Delivery, { outcome: 'delivered' }>

const GIVEN_UP: Readonly<Record<DropReason, DeliveryError>> = {
  overflow: new DeliveryError('E_QUEUE_FULL', 'the queue of the subscription is full', { permanent: true }),
  coalesced: new DeliveryError('E_QUEUE_FULL', 'a later event of the same key took its place', { permanent: true }),
  expired: new DeliveryError('E_EXPIRED', 'the event waited longer than allowed', { permanent: true }),
  closed: new DeliveryError('E_CLOSED', 'the subscription has ended', { permanent: true }),
}
const DROPPED = Object.fromEntries(
  Object.entries(GIVEN_UP).map(([reason, error]) => [reason, failed(error)]),
) as unknown as Readonly<Record<DropReason, Undelivered>>

/** The books of one lane: what became of each event, and who is told. */
export class Ledger {
  readonly counters: DeliveryCounters = noDeliveries()
  readonly socket: string
  readonly #context: LaneContext
  readonly #often: Log
  lastError: DeliveryError | undefined
  /** Wall-clock time of `lastError`. */
  lastErrorAtMs = 0

  constructor(socket: string, context: LaneContext) {
    this.socket = socket
    this.#context = context
    this.#often = context.log.often(socket)
  }

  delivered(event: RaisedEvent): Delivery {
    this.counters.delivered++
    this.#context.settled?.(event, 'delivered')
    this.#context.observer()?.(event, DELIVERED)
    return DELIVERED
  }

  allDelivered(events: readonly RaisedEvent[]): void {
    this.counters.delivered += events.length
    if (this.#context.isTallied) for (const event of events) this.#context.settled?.(event, 'delivered')
    const observe = this.#context.observer()
    if (observe !== undefined) for (const event of events) observe(event, DELIVERED)
  }

  /** An attempt failed and will be repeated, or not. */
  attemptFailed(event: RaisedEvent, delivery: Undelivered, isRepeated: boolean): void {
    this.lastError = delivery.error
    this.lastErrorAtMs = this.#context.clock.nowMs()
    if (!isRepeated) return
    this.counters.retried++
    if (delivery.outcome === 'unknown') this.counters.maybeDuplicate++
    this.#context.observer()?.(event, delivery)
  }

  /** The event is a dead letter after so many attempts. */
  deadLetter(event: RaisedEvent, delivery: Undelivered, attempts: number): Delivery {
    this.counters.failed++
    this.#context.settled?.(event, 'failed')
    this.#context.observer()?.(event, delivery)
    this.#context.deadLetter(this.socket, event, delivery.error, attempts)
    this.#context.alarm.lost(this.socket, event, delivery.error, attempts)
    return delivery
  }

  drop(event: RaisedEvent, reason: DropReason): Delivery {
    const delivery = DROPPED[reason]
    countDrop(this.counters, reason)
    this.#context.settled?.(event, reason)
    this.#context.observer()?.(event, delivery)
    if (reason !== 'coalesced') this.#tellDrop(event, reason)
    return delivery
  }

  #tellDrop(event: RaisedEvent, reason: DropReason): void {
    this.#context.alarm.lost(this.socket, event, GIVEN_UP[reason], 0)
    this.#often.warn('events dropped', { socket: this.socket, reason })
  }
}

/** Times of trouble of one lane: told once when they begin and once when they end. */
export class TroubleWatch {
  readonly #context: LaneContext
  readonly #socket: string
  readonly #sink: Sink
  #sinceMs: number | undefined
  #isLagging = false

  constructor(socket: string, sink: Sink, context: LaneContext) {
    this.#socket = socket
    this.#sink = sink
    this.#context = context
  }

  /** A receiver that is being connected to for the first time is no trouble yet. */
  begin(error: DeliveryError, queued: number): void {
    const { state, lastError } = this.#sink.health
    if (this.#sinceMs !== undefined || (state === 'connecting' && lastError === undefined)) return
    this.#sinceMs = this.#context.clock.monotonicMs()
    const { code, message: reason } = error
    this.#context.log.warn('event delivery held up', { socket: this.#socket, code, reason })
    this.#context.alarm.heldUp(this.#socket, error, queued)
  }

  end(queued: number): void {
    if (this.#sinceMs === undefined) return
    const downMs = this.#context.clock.monotonicMs() - this.#sinceMs
    this.#sinceMs = undefined
    this.#context.log.notice('event delivery resumed', { socket: this.#socket, queued })
    this.#context.alarm.recovered(this.#socket, downMs, queued)
  }

  /** Tells when more waits, or for longer, than should. */
  lag(policy: DeliveryPolicy, queued: number, oldestMs: number): void {
    const lag = lagOf(policy, queued, oldestMs)
    if (lag === 'late' && !this.#isLagging) this.#context.alarm.lagging(this.#socket, queued, oldestMs)
    if (lag !== '') this.#isLagging = lag === 'late'
  }
}

/** What a sink that breaks its contract by throwing is taken to mean: this event cannot be sent. */
export function broken(cause: unknown): Undelivered {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const error = new DeliveryError('E_REFUSED', `the transport failed: ${reason}`, { cause, permanent: true })
  return { outcome: 'failed', error }
}

/** Gives an event to a sink, also to one that breaks its contract. */
export function sendTo(sink: Sink, event: RaisedEvent, deadlineMs: number): Delivery | Promise<Delivery> {
  try {
    return sink.send(event, deadlineMs)
  } catch (cause) {
    return broken(cause)
  }
}

/**
 * Whether an attempt says something about the event, and not only that nobody could take any. A connection that is lost
 * while the event is on it does: an event may be what breaks its receiver.
 */
export function countsAsAttempt({ outcome, error }: Undelivered): boolean {
  return outcome === 'unknown' || (error.code !== 'E_NOT_CONNECTED' && error.code !== 'E_QUEUE_FULL')
}
