import type { Timer } from '../util/clock.ts'
import type { RaisedEvent } from './event.ts'
import type { EventStore } from './event-store.ts'
import { broken, countsAsAttempt, type LaneContext, sendTo, type Undelivered } from './ledger.ts'
import { backOffMs, type DeliveryPolicy } from './policy.ts'
import { QueuedLane } from './queued-lane.ts'
import type { Delivery, Outcomes, Sink } from './transport.ts'

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
export class OrderedLane extends QueuedLane {
  #state: State = 'idle'
  #taken = 0
  #window: number
  #flight: Flight | undefined
  #retries: Retry[] | undefined
  #failures = 0
  #timer: Timer | undefined

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, store: EventStore) {
    super(socket, sink, policy, context, store)
    this.#window = this.widest
    this.begin()
  }

  protected override get held(): number {
    return this.#retries?.length ?? 0
  }

  protected override get isPaused(): boolean {
    return this.#state === 'waiting'
  }

  override run(limit: number): number {
    if (this.#state !== 'ready') return 0
    const nowMs = this.context.clock.monotonicMs()
    const most = this.sink.sendAll === undefined ? Math.min(limit, MAX_SINGLES) : limit
    const flight = this.#take(Math.min(most, this.#window - this.sending), nowMs)
    const count = flight.events.length
    if (count > 0) this.#give(flight, nowMs + this.policy.sendTimeoutMs)
    if (this.#state === 'ready') this.#state = 'idle'
    this.checkLag(nowMs)
    this.#afterChange()
    return count
  }

  protected override wake(): void {
    if (this.#state !== 'idle' || this.store.length === 0 || this.sending >= this.#window) return
    this.#state = 'ready'
    this.context.scheduler.add(this)
  }

  #take(limit: number, nowMs: number): Flight {
    const store = this.store
    const oldestMs = nowMs - this.policy.maxAgeMs
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
        this.drop(event, 'expired')
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
    if (this.sink.sendAll === undefined) {
      this.#giveEach(flight, deadlineMs)
      return
    }
    let result: Outcomes | Promise<Outcomes>
    try {
      result = this.sink.sendAll(flight.events, deadlineMs)
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
        this.#toRetry(retryOf(flight, i, 0))
        continue
      }
      const result = sendTo(this.sink, event, deadlineMs)
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
      this.sending++
      return
    }
    const attempts = from.attempts === undefined ? undefined : [from.attempts[i] ?? 0]
    const single = { events: [event], since: [from.since[i] ?? 0], attempts, firstOrder: from.firstOrder + i, promise }
    this.#flight = single
    this.#track(single, promise)
  }

  #track(flight: Flight, promise: Promise<Outcomes>): void {
    this.sending += flight.events.length
    promise.then(
      outcomes => this.#land(flight, outcomes),
      cause => this.#land(flight, broken(cause)),
    )
  }

  #land(flight: Flight, outcomes: Outcomes): void {
    if (this.#flight === flight) this.#flight = undefined
    this.sending -= flight.events.length
    this.#concludeAll(flight, outcomes)
    this.#afterChange()
  }

  #concludeAll(flight: Flight, outcomes: Outcomes): void {
    const { events } = flight
    if ('outcome' in outcomes && outcomes.outcome === 'delivered' && this.store.settle === undefined) {
      this.ledger.allDelivered(events)
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
    this.settle(event, this.ledger.delivered(event))
    if (this.#failures > 0) this.#recover()
  }

  #concludeFailure(flight: Flight, i: number, event: RaisedEvent, delivery: Undelivered): void {
    const attempts = (flight.attempts?.[i] ?? 0) + (countsAsAttempt(delivery) ? 1 : 0)
    const isFinal = delivery.error.permanent || attempts >= this.policy.maxAttempts
    this.ledger.attemptFailed(event, delivery, !isFinal && !this.isClosing)
    if (isFinal) this.settle(event, this.ledger.deadLetter(event, delivery, Math.max(1, attempts)))
    else {
      this.#toRetry(retryOf(flight, i, attempts))
      this.#state = 'stalled'
    }
  }

  /** What every change leads to: order is restored, more is sent, waiters are told. */
  #afterChange(): void {
    if (this.#state === 'stalled' && this.sending === 0) this.#backOff()
    else this.wake()
    this.tellIdle()
  }

  #backOff(): void {
    this.#restoreOrder()
    if (this.isClosing) {
      this.giveUp()
      return
    }
    const error = this.lastError
    const isFull = error?.code === 'E_QUEUE_FULL'
    this.#failures++
    const pauseMs = backOffMs(isFull ? FULL_BACK_OFF_MS : this.policy.backOffMs, this.#failures)
    const nowMs = this.context.clock.monotonicMs()
    this.#state = 'waiting'
    if (!isFull && error !== undefined) this.trouble.begin(error, this.queued)
    this.checkLag(nowMs)
    const leftMs = this.store.headSinceMs + this.policy.maxAgeMs - nowMs + 1
    const delayMs = Math.max(1, Math.min(Math.max(pauseMs, error?.retryAfterMs ?? 0), leftMs))
    this.#timer = this.context.clock.after(delayMs, () => this.goOn())
  }

  /** Tries again: one event at first, so that a receiver that is still away costs one attempt and no order. */
  protected override goOn(): void {
    this.#timer?.clear()
    this.#window = 1
    this.#state = 'idle'
    this.expire()
    this.#afterChange()
  }

  #recover(): void {
    this.#failures = 0
    this.#window = this.widest
    this.trouble.end(this.queued)
  }

  protected override putBack(): void {
    this.#timer?.clear()
    this.#state = 'idle'
    this.#restoreOrder()
  }

  #restoreOrder(): void {
    const retries = this.#retries?.sort((a, b) => b.order - a.order) ?? []
    this.#retries = undefined
    for (const { event, sinceMs, attempts } of retries) this.store.unshift(event, sinceMs, attempts)
  }

  #toRetry(retry: Retry): void {
    ;(this.#retries ??= []).push(retry)
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
