import type { Log } from '../log/log.ts'
import type { Clock, Timer } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { RaisedEvent } from './event.ts'
import { EventQueue, type Overflow, type QueuedEvent } from './queue.ts'
import type { DeliveryScheduler, Runnable } from './scheduler.ts'
import { type Delivery, DeliveryError, failed, type Health, type Sink } from './transport.ts'

/** How a subscription keeps and retries its events. */
export interface DeliveryPolicy {
  /** Most events that wait. */
  readonly maxQueued: number
  /** An event that has waited longer is dropped instead of sent. */
  readonly maxAgeMs: number
  readonly overflow: Overflow
  /** Most events given to the sink whose outcome is not known yet. */
  readonly maxInFlight: number
  /** Time the sink has for one attempt. */
  readonly sendTimeoutMs: number
}

/** Kept for an hour and 65 536 events; then the oldest go, because the newest describe the state that is. */
export const DEFAULT_POLICY: DeliveryPolicy = {
  maxQueued: 65_536,
  maxAgeMs: 3_600_000,
  overflow: 'drop-oldest',
  maxInFlight: 1024,
  sendTimeoutMs: 10_000,
}

/** Why an event was given up: the queue was full, it grew too old, or the subscription ended. */
export type DropReason = 'overflow' | 'expired' | 'closed'

/** At every instant `raised` = `delivered` + `failed` + all `dropped` + queued + in flight. */
export interface DeliveryCounters {
  /** Events that matched. */
  raised: number
  delivered: number
  /** Refused for good: the same event would be refused again. */
  failed: number
  readonly dropped: Record<DropReason, number>
  /** Attempts that had to be repeated. */
  retried: number
  /** Attempts repeated although the receiver may have taken the event. */
  maybeDuplicate: number
}

/** Told of each outcome, drops included. */
export type DeliveryObserver = (event: RaisedEvent, delivery: Delivery) => void

/** What lanes share. */
export interface LaneContext {
  readonly clock: Clock
  readonly log: Log
  readonly scheduler: DeliveryScheduler
  readonly observe: DeliveryObserver
}

const BACK_OFF_MS = { first: 100, longest: 30_000 } as const
/** A receiver that is merely full is asked again sooner. */
const FULL_BACK_OFF_MS = { first: 2, longest: 50 } as const
/** At least this long between two log lines about one lane's drops. */
const DROP_LOG_MS = 10_000

const DROPPED: Readonly<Record<DropReason, Delivery>> = {
  overflow: failed(new DeliveryError('E_QUEUE_FULL', 'the queue of the subscription is full', { permanent: true })),
  expired: failed(new DeliveryError('E_EXPIRED', 'the event waited longer than allowed', { permanent: true })),
  closed: failed(new DeliveryError('E_CLOSED', 'the subscription has ended', { permanent: true })),
}

/** Events whose outcome one promise tells. */
interface Flight {
  readonly promise: Promise<Delivery>
  readonly items: QueuedEvent[]
}

type State =
  /** Nothing to do, or the window is full. */
  | 'idle'
  /** Has its turn coming. */
  | 'ready'
  /** An attempt failed; what is in flight must settle before order can be restored. */
  | 'stalled'
  /** Until the back-off ends or the sink is up. */
  | 'waiting'

/**
 * One receiver's way: a queue, and the pump that empties it into a sink. Events leave in order; after a failure they
 * are put back in order, so that a retry overtakes nothing. Offering an event never waits and never throws.
 */
export class Lane implements Runnable {
  readonly counters: DeliveryCounters = {
    raised: 0,
    delivered: 0,
    failed: 0,
    dropped: { overflow: 0, expired: 0, closed: 0 },
    retried: 0,
    maybeDuplicate: 0,
  }
  /** Canonical text of where it leads. */
  readonly socket: string
  readonly #sink: Sink
  readonly #policy: DeliveryPolicy
  readonly #context: LaneContext
  readonly #isInline: boolean
  readonly #queue: EventQueue
  #state: State = 'idle'
  #isClosing = false
  #order = 0
  #inFlight = 0
  #window: number
  #flight: Flight | undefined
  #retries: QueuedEvent[] = []
  #attempt = 0
  #timer: Timer | undefined
  #lastError: DeliveryError | undefined
  #lastErrorAtMs = 0
  #isReported = false
  #dropsUnlogged = 0
  #dropsLoggedMs = Number.NEGATIVE_INFINITY
  #idleWaiters: (() => void)[] = []

  /** `isInline`: events are given to the sink inside {@link offer} and never retried. */
  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, isInline: boolean) {
    this.socket = socket
    this.#sink = sink
    this.#policy = policy
    this.#context = context
    this.#isInline = isInline
    this.#queue = new EventQueue(policy.maxQueued, policy.overflow)
    this.#window = policy.maxInFlight
    sink.onHealth(() => {
      if (this.#state === 'waiting' && sink.health.state === 'up') this.#goOn()
    })
  }

  get health(): Health {
    return this.#sink.health
  }
  /** Events that wait, those to be repeated included. */
  get queued(): number {
    return this.#queue.length + this.#retries.length
  }
  get inFlight(): number {
    return this.#inFlight
  }
  get lastError(): DeliveryError | undefined {
    return this.#lastError
  }
  /** Wall-clock time of `lastError`. */
  get lastErrorAtMs(): number {
    return this.#lastErrorAtMs
  }

  /** Takes an event on its way. `nowMs` is the monotonic clock. */
  offer(event: RaisedEvent, nowMs: number): void {
    this.counters.raised++
    const item: QueuedEvent = { event, sinceMs: nowMs, order: this.#order++ }
    if (this.#isClosing) this.#drop(item, 'closed')
    else if (this.#isInline) this.#send(item, nowMs + this.#policy.sendTimeoutMs)
    else this.#enqueue(item)
  }

  run(limit: number): number {
    if (this.#state !== 'ready') return 0
    const nowMs = this.#context.clock.monotonicMs()
    const deadlineMs = nowMs + this.#policy.sendTimeoutMs
    let sent = 0
    for (; sent < limit && this.#state === 'ready' && this.#inFlight < this.#window; sent++) {
      const item = this.#queue.shift()
      if (item === undefined) break
      if (nowMs - item.sinceMs > this.#policy.maxAgeMs) this.#drop(item, 'expired')
      else this.#send(item, deadlineMs)
    }
    if (this.#state === 'ready') this.#state = 'idle'
    this.#afterChange()
    return sent
  }

  /** Drops what has grown too old. For listings, so that they tell the truth while a receiver is away. */
  expire(): void {
    const oldestMs = this.#context.clock.monotonicMs() - this.#policy.maxAgeMs
    for (let item = this.#queue.peek(); item !== undefined && item.sinceMs < oldestMs; item = this.#queue.peek()) {
      this.#queue.shift()
      this.#drop(item, 'expired')
    }
  }

  /** Resolves once nothing is queued or in flight. */
  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => this.#idleWaiters.push(resolve))
  }

  /**
   * Takes no more events; sends those that wait as long as the receiver takes them at the first attempt, drops the rest,
   * then closes the sink. Resolves at the latest a moment after `signal` aborts.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    if (this.#state === 'waiting') this.#giveUp()
    await settledBefore(this.whenIdle(), signal)
    this.#giveUp()
    await this.#sink.close(signal)
  }

  get #isIdle(): boolean {
    return this.#inFlight === 0 && this.#queue.length === 0 && this.#retries.length === 0
  }

  #enqueue(item: QueuedEvent): void {
    const dropped = this.#queue.push(item)
    if (dropped !== undefined) this.#drop(dropped, 'overflow')
    this.#wake()
  }

  #wake(): void {
    if (this.#state !== 'idle' || this.#queue.length === 0 || this.#inFlight >= this.#window) return
    this.#state = 'ready'
    this.#context.scheduler.add(this)
  }

  #send(item: QueuedEvent, deadlineMs: number): void {
    let result: Delivery | Promise<Delivery>
    try {
      result = this.#sink.send(item.event, deadlineMs)
    } catch (cause) {
      result = failed(broken(cause))
    }
    if ('outcome' in result) this.#conclude(item, result)
    else this.#track(item, result)
  }

  #track(item: QueuedEvent, promise: Promise<Delivery>): void {
    this.#inFlight++
    if (this.#flight?.promise === promise) {
      this.#flight.items.push(item)
      return
    }
    const flight: Flight = { promise, items: [item] }
    this.#flight = flight
    promise.then(
      delivery => this.#land(flight, delivery),
      cause => this.#land(flight, failed(broken(cause))),
    )
  }

  #land(flight: Flight, delivery: Delivery): void {
    if (this.#flight === flight) this.#flight = undefined
    this.#inFlight -= flight.items.length
    for (const item of flight.items) this.#conclude(item, delivery)
    this.#afterChange()
  }

  #conclude(item: QueuedEvent, delivery: Delivery): void {
    if (delivery.outcome === 'delivered') {
      this.counters.delivered++
      if (this.#attempt > 0) this.#recover()
    } else this.#concludeFailure(item, delivery)
    this.#context.observe(item.event, delivery)
  }

  #concludeFailure(item: QueuedEvent, delivery: Exclude<Delivery, { outcome: 'delivered' }>): void {
    this.#lastError = delivery.error
    this.#lastErrorAtMs = this.#context.clock.nowMs()
    if (this.#isInline || delivery.error.permanent) {
      this.counters.failed++
      return
    }
    if (this.#isClosing) {
      this.#drop(item, 'closed')
      return
    }
    this.counters.retried++
    if (delivery.outcome === 'unknown') this.counters.maybeDuplicate++
    this.#retries.push(item)
    this.#state = 'stalled'
  }

  /** What every change leads to: order is restored, more is sent, waiters are told. */
  #afterChange(): void {
    if (this.#state === 'stalled' && this.#inFlight === 0) this.#backOff()
    else this.#wake()
    this.#tellIdle()
  }

  #backOff(): void {
    const retries = this.#retries.sort((a, b) => a.order - b.order)
    this.#retries = []
    for (const item of this.#queue.unshift(retries)) this.#drop(item, 'overflow')
    if (this.#isClosing) {
      this.#giveUp()
      return
    }
    const isFull = this.#lastError?.code === 'E_QUEUE_FULL'
    const { first, longest } = isFull ? FULL_BACK_OFF_MS : BACK_OFF_MS
    const delayMs = Math.min(longest, first * 2 ** Math.min(this.#attempt, 16)) * (0.75 + Math.random() / 2)
    this.#attempt++
    this.#state = 'waiting'
    if (!isFull) this.#reportTrouble()
    this.#timer = this.#context.clock.after(Math.max(1, Math.min(delayMs, this.#oldestLeftMs())), () => this.#goOn())
  }

  /** Time until the event that has waited longest is too old. */
  #oldestLeftMs(): number {
    const oldest = this.#queue.peek()
    if (oldest === undefined) return this.#policy.maxAgeMs
    return oldest.sinceMs + this.#policy.maxAgeMs - this.#context.clock.monotonicMs() + 1
  }

  /** Tries again: one event at first, so that a receiver that is still away costs one attempt and no order. */
  #goOn(): void {
    this.#timer?.clear()
    this.#window = 1
    this.#state = 'idle'
    this.expire()
    this.#afterChange()
  }

  #recover(): void {
    this.#attempt = 0
    this.#window = this.#policy.maxInFlight
    if (!this.#isReported) return
    this.#isReported = false
    this.#context.log.notice('event delivery resumed', { socket: this.socket, queued: this.queued })
  }

  /** A receiver that is being connected to for the first time is no trouble yet. */
  #reportTrouble(): void {
    const { state, lastError } = this.#sink.health
    if (this.#isReported || (state === 'connecting' && lastError === undefined)) return
    this.#isReported = true
    const error = this.#lastError
    this.#context.log.warn('event delivery held up', { socket: this.socket, code: error?.code, reason: error?.message })
  }

  #giveUp(): void {
    this.#timer?.clear()
    this.#state = 'idle'
    for (const item of this.#retries.splice(0)) this.#drop(item, 'closed')
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) this.#drop(item, 'closed')
    this.#tellIdle()
  }

  #drop(item: QueuedEvent, reason: DropReason): void {
    this.counters.dropped[reason]++
    this.#context.observe(item.event, DROPPED[reason])
    this.#dropsUnlogged++
    const nowMs = this.#context.clock.monotonicMs()
    if (nowMs - this.#dropsLoggedMs < DROP_LOG_MS) return
    this.#context.log.warn('events dropped', { socket: this.socket, reason, events: this.#dropsUnlogged })
    this.#dropsLoggedMs = nowMs
    this.#dropsUnlogged = 0
  }

  #tellIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}

/** What a sink that breaks its contract by throwing is taken to mean: this event cannot be sent. */
function broken(cause: unknown): DeliveryError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DeliveryError('E_REFUSED', `the transport failed: ${reason}`, { cause, permanent: true })
}
