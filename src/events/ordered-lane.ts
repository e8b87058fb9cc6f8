import type { Timer } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { RaisedEvent } from './event.ts'
import type { DropReason, EventStore, StoreListener } from './event-store.ts'
import type { Lane } from './lane.ts'
import { broken, countsAsAttempt, type LaneContext, Ledger, TroubleWatch, type Undelivered } from './ledger.ts'
import { backOffMs, type DeliveryPolicy } from './policy.ts'
import type { Runnable } from './scheduler.ts'
import type { Delivery, DeliveryError, Health, Outcomes, Sink } from './transport.ts'

/** Events given one by one in a turn: for some sinks each is work. */
const MAX_SINGLES = 64
/** A receiver that is merely full is asked again sooner. */
const FULL_BACK_OFF_MS = { first: 2, longest: 50 } as const

/** Events on their way together: given to the sink at once, or sharing a promise. */
interface Flight {
  readonly events: RaisedEvent[]
  /** Since when each has waited. */
  readonly since: number[]
  /** How often each was tried before; absent while none was. */
  attempts: number[] | undefined
  /** Grows with each event taken: what order is restored by. */
  readonly firstOrder: number
  promise: Promise<Outcomes> | undefined
}

/** An event that is to be tried again. */
interface Retry {
  readonly event: RaisedEvent
  readonly sinceMs: number
  readonly attempts: number
  readonly order: number
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

/** Sends all events in order; after a failure they are put back in order, so that a retry overtakes nothing. */
export class OrderedLane implements Lane, Runnable, StoreListener {
  readonly socket: string
  readonly #sink: Sink
  readonly #policy: DeliveryPolicy
  readonly #context: LaneContext
  readonly #store: EventStore
  readonly #ledger: Ledger
  readonly #trouble: TroubleWatch
  #state: State = 'idle'
  #isClosing = false
  #endsForGood = false
  /** It has given up what waits: that is dropped, or left in its store for the next run. */
  #hasGivenUp = false
  #taken = 0
  #inFlight = 0
  #window: number
  #flight: Flight | undefined
  #retries: Retry[] = []
  #failures = 0
  #timer: Timer | undefined
  #idleWaiters: (() => void)[] = []

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, store: EventStore) {
    this.socket = socket
    this.#sink = sink
    this.#policy = policy
    this.#context = context
    this.#store = store
    this.#ledger = new Ledger(socket, context)
    this.#trouble = new TroubleWatch(socket, sink, context)
    this.#window = this.#widest
    store.attach(this)
    // What an earlier run left behind counts as raised in this one.
    this.counters.raised = store.length
    sink.onHealth(() => {
      if (this.#state === 'waiting' && sink.health.state === 'up') this.#goOn()
    })
    this.#wake()
  }

  get counters(): Ledger['counters'] {
    return this.#ledger.counters
  }
  get health(): Health {
    return this.#sink.health
  }
  get queued(): number {
    return this.#store.length + this.#retries.length
  }
  get inFlight(): number {
    return this.#inFlight
  }
  get oldestMs(): number {
    const sinceMs = this.#store.headSinceMs
    return sinceMs === Number.POSITIVE_INFINITY ? 0 : this.#context.clock.monotonicMs() - sinceMs
  }
  get lastError(): DeliveryError | undefined {
    return this.#ledger.lastError
  }
  get lastErrorAtMs(): number {
    return this.#ledger.lastErrorAtMs
  }

  ready(): void {
    this.#wake()
  }

  dropped(event: RaisedEvent, reason: DropReason): void {
    this.#ledger.drop(event, reason)
  }

  offer(event: RaisedEvent, nowMs: number): void {
    this.counters.raised++
    if (this.#isClosing) {
      this.#ledger.drop(event, 'closed')
      return
    }
    this.#store.push(event, nowMs)
    if (this.#state === 'idle') this.#wake()
    else if (this.#state === 'waiting') this.#checkLag(nowMs)
  }

  run(limit: number): number {
    if (this.#state !== 'ready') return 0
    const nowMs = this.#context.clock.monotonicMs()
    const most = this.#sink.sendAll === undefined ? Math.min(limit, MAX_SINGLES) : limit
    const flight = this.#take(Math.min(most, this.#window - this.#inFlight), nowMs)
    const count = flight.events.length
    if (count > 0) this.#give(flight, nowMs + this.#policy.sendTimeoutMs)
    if (this.#state === 'ready') this.#state = 'idle'
    this.#checkLag(nowMs)
    this.#afterChange()
    return count
  }

  expire(): void {
    const oldestMs = this.#context.clock.monotonicMs() - this.#policy.maxAgeMs
    while (this.#store.headSinceMs < oldestMs) {
      const event = this.#store.shift()
      if (event === undefined) return
      this.#drop(event, 'expired')
    }
  }

  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => this.#idleWaiters.push(resolve))
  }

  async close(signal: AbortSignal, forGood: boolean): Promise<void> {
    this.#isClosing = true
    this.#endsForGood = forGood
    if (this.#state === 'waiting') this.#giveUp()
    await settledBefore(this.whenIdle(), signal)
    this.#giveUp()
    this.#store.close?.(forGood)
    await this.#sink.close(signal)
  }

  /** Most events on their way at once while all is well. */
  get #widest(): number {
    return Math.min(this.#policy.maxInFlight, this.#sink.window ?? Number.POSITIVE_INFINITY)
  }

  get #isIdle(): boolean {
    return this.#inFlight === 0 && this.#retries.length === 0 && (this.#store.length === 0 || this.#hasGivenUp)
  }

  #wake(): void {
    if (this.#state !== 'idle' || this.#store.length === 0 || this.#inFlight >= this.#window) return
    this.#state = 'ready'
    this.#context.scheduler.add(this)
  }

  #take(limit: number, nowMs: number): Flight {
    const store = this.#store
    const oldestMs = nowMs - this.#policy.maxAgeMs
    // Of their size from the start: arrays that grow leave several behind.
    const events = new Array<RaisedEvent>(Math.min(limit, store.length))
    const since = new Array<number>(events.length)
    const flight: Flight = { events, since, attempts: undefined, firstOrder: this.#taken, promise: undefined }
    let count = 0
    while (count < events.length) {
      const sinceMs = store.headSinceMs
      const attempts = store.headAttempts
      const event = store.shift()
      if (event === undefined) break
      if (sinceMs < oldestMs) {
        this.#drop(event, 'expired')
        continue
      }
      if (attempts > 0) (flight.attempts ??= new Array<number>(events.length).fill(0))[count] = attempts
      events[count] = event
      since[count++] = sinceMs
    }
    // Some were too old, or cannot be had yet.
    if (count < events.length) for (const array of [events, since]) array.length = count
    if (flight.attempts !== undefined) flight.attempts.length = count
    this.#taken += count
    return flight
  }

  #give(flight: Flight, deadlineMs: number): void {
    if (this.#sink.sendAll === undefined) {
      this.#giveEach(flight, deadlineMs)
      return
    }
    let result: Outcomes | Promise<Outcomes>
    try {
      result = this.#sink.sendAll(flight.events, deadlineMs)
    } catch (cause) {
      result = broken(cause)
    }
    if (result instanceof Promise) this.#track(flight, result)
    else this.#concludeAll(flight, result)
  }

  /** For sinks that take one event at a time. After a failure at once the rest is not tried. */
  #giveEach(flight: Flight, deadlineMs: number): void {
    const { events } = flight
    for (let i = 0; i < events.length; i++) {
      const event = events[i]
      if (event === undefined) break
      if (this.#state === 'stalled') {
        this.#retries.push(retryOf(flight, i, 0))
        continue
      }
      let result: Delivery | Promise<Delivery>
      try {
        result = this.#sink.send(event, deadlineMs)
      } catch (cause) {
        result = broken(cause)
      }
      if ('outcome' in result) this.#conclude(flight, i, result)
      else this.#trackOne(flight, i, result)
    }
  }

  /** Neighbours that share a promise share a flight. */
  #trackOne(from: Flight, i: number, promise: Promise<Delivery>): void {
    const event = from.events[i] as RaisedEvent
    const open = this.#flight
    if (open?.promise === promise && open.firstOrder + open.events.length === from.firstOrder + i) {
      open.events.push(event)
      open.since.push(from.since[i] ?? 0)
      open.attempts?.push(from.attempts?.[i] ?? 0)
      this.#inFlight++
      return
    }
    const attempts = from.attempts === undefined ? undefined : [from.attempts[i] ?? 0]
    const single = { events: [event], since: [from.since[i] ?? 0], attempts, firstOrder: from.firstOrder + i, promise }
    this.#flight = single
    this.#track(single, promise)
  }

  #track(flight: Flight, promise: Promise<Outcomes>): void {
    this.#inFlight += flight.events.length
    promise.then(
      outcomes => this.#land(flight, outcomes),
      cause => this.#land(flight, broken(cause)),
    )
  }

  #land(flight: Flight, outcomes: Outcomes): void {
    if (this.#flight === flight) this.#flight = undefined
    this.#inFlight -= flight.events.length
    this.#concludeAll(flight, outcomes)
    this.#afterChange()
  }

  #concludeAll(flight: Flight, outcomes: Outcomes): void {
    const { events } = flight
    if ('outcome' in outcomes && outcomes.outcome === 'delivered' && this.#store.settle === undefined) {
      this.#ledger.allDelivered(events)
      if (this.#failures > 0) this.#recover()
      return
    }
    for (let i = 0; i < events.length; i++)
      this.#conclude(flight, i, 'outcome' in outcomes ? outcomes : (outcomes[i] ?? broken('no outcome was given')))
  }

  #conclude(flight: Flight, i: number, delivery: Delivery): void {
    const event = flight.events[i] as RaisedEvent
    if (delivery.outcome !== 'delivered') {
      this.#concludeFailure(flight, i, event, delivery)
      return
    }
    this.#settle(event, this.#ledger.delivered(event))
    if (this.#failures > 0) this.#recover()
  }

  #concludeFailure(flight: Flight, i: number, event: RaisedEvent, delivery: Undelivered): void {
    const attempts = (flight.attempts?.[i] ?? 0) + (countsAsAttempt(delivery) ? 1 : 0)
    const isFinal = delivery.error.permanent || attempts >= this.#policy.maxAttempts
    this.#ledger.attemptFailed(event, delivery, !isFinal && !this.#isClosing)
    if (isFinal) this.#settle(event, this.#ledger.deadLetter(event, delivery, Math.max(1, attempts)))
    else {
      this.#retries.push(retryOf(flight, i, attempts))
      this.#state = 'stalled'
    }
  }

  /** What every change leads to: order is restored, more is sent, waiters are told. */
  #afterChange(): void {
    if (this.#state === 'stalled' && this.#inFlight === 0) this.#backOff()
    else this.#wake()
    this.#tellIdle()
  }

  #backOff(): void {
    const retries = this.#retries.sort((a, b) => b.order - a.order)
    this.#retries = []
    for (const { event, sinceMs, attempts } of retries) this.#store.unshift(event, sinceMs, attempts)
    if (this.#isClosing) {
      this.#giveUp()
      return
    }
    const error = this.lastError
    const isFull = error?.code === 'E_QUEUE_FULL'
    this.#failures++
    const pauseMs = backOffMs(isFull ? FULL_BACK_OFF_MS : this.#policy.backOffMs, this.#failures)
    const nowMs = this.#context.clock.monotonicMs()
    this.#state = 'waiting'
    if (!isFull && error !== undefined) this.#trouble.begin(error, this.queued)
    this.#checkLag(nowMs)
    const leftMs = this.#store.headSinceMs + this.#policy.maxAgeMs - nowMs + 1
    const delayMs = Math.max(1, Math.min(Math.max(pauseMs, error?.retryAfterMs ?? 0), leftMs))
    this.#timer = this.#context.clock.after(delayMs, () => this.#goOn())
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
    this.#failures = 0
    this.#window = this.#widest
    this.#trouble.end(this.queued)
  }

  #checkLag(nowMs: number): void {
    const oldestMs = this.#store.length === 0 ? 0 : nowMs - this.#store.headSinceMs
    this.#trouble.lag(this.#policy, this.#store.length, oldestMs)
  }

  #drop(event: RaisedEvent, reason: DropReason): void {
    this.#settle(event, this.#ledger.drop(event, reason))
  }

  /** What waits is dropped, unless its store keeps it for the next run. */
  #giveUp(): void {
    this.#timer?.clear()
    this.#state = 'idle'
    const retries = this.#retries.splice(0).sort((a, b) => b.order - a.order)
    for (const { event, sinceMs, attempts } of retries) this.#store.unshift(event, sinceMs, attempts)
    if (this.#endsForGood || this.#store.close === undefined)
      for (let event = this.#store.shift(); event !== undefined; event = this.#store.shift())
        this.#drop(event, 'closed')
    this.#hasGivenUp = true
    this.#tellIdle()
  }

  /** The outcome comes as a value, so that it is in the books whether or not the store wants to know. */
  #settle(event: RaisedEvent, delivery: Delivery): void {
    this.#store.settle?.(event, delivery)
  }

  #tellIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}

function retryOf(flight: Flight, i: number, attempts: number): Retry {
  const event = flight.events[i] as RaisedEvent
  return {
    event,
    sinceMs: flight.since[i] ?? 0,
    attempts: Math.max(attempts, flight.attempts?.[i] ?? 0),
    order: flight.firstOrder + i,
  }
}
