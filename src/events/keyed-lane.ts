import type { Timer } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { RaisedEvent } from './event.ts'
import type { DropReason, EventStore, StoreListener } from './event-store.ts'
import type { Lane } from './lane.ts'
import { broken, countsAsAttempt, type LaneContext, Ledger, TroubleWatch, type Undelivered } from './ledger.ts'
import { backOffMs, type DeliveryPolicy } from './policy.ts'
import type { Runnable } from './scheduler.ts'
import { type Delivery, type DeliveryError, type Health, keyReader, type Sink } from './transport.ts'

/** Events taken from the store while earlier ones of their key are not done. Beyond it the lane waits for these. */
const MAX_PARKED = 4096

interface Item {
  readonly event: RaisedEvent
  readonly key: string | undefined
  readonly sinceMs: number
  attempts: number
}

/**
 * Keeps order only between events of one key: each key has one event on its way at a time, while keys go side by side.
 * An event that is refused holds up its key alone; a receiver that is away, or full, holds up all.
 */
export class KeyedLane implements Lane, Runnable, StoreListener {
  readonly socket: string
  readonly #sink: Sink
  readonly #policy: DeliveryPolicy
  readonly #context: LaneContext
  readonly #store: EventStore
  readonly #ledger: Ledger
  readonly #trouble: TroubleWatch
  readonly #keyOf: ReturnType<typeof keyReader>
  /** Keys with an event under way, and what waits behind it. */
  readonly #busy = new Map<string, Item[]>()
  #parked = 0
  /** Heads of their keys, to be sent before anything is taken from the store. */
  readonly #next: Item[] = []
  /** Heads of their keys that wait for their pause to end. */
  readonly #resting = new Map<Item, Timer>()
  #inFlight = 0
  #isScheduled = false
  /** The receiver is away: nothing is sent until this ends or the sink is up. */
  #pause: Timer | undefined
  #failures = 0
  #isClosing = false
  #endsForGood = false
  #hasGivenUp = false
  #idleWaiters: (() => void)[] = []

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, store: EventStore) {
    this.socket = socket
    this.#sink = sink
    this.#policy = policy
    this.#context = context
    this.#store = store
    this.#ledger = new Ledger(socket, context)
    this.#trouble = new TroubleWatch(socket, sink, context)
    this.#keyOf = keyReader(policy.key ?? '')
    store.attach(this)
    this.counters.raised = store.length
    sink.onHealth(() => {
      if (this.#pause !== undefined && sink.health.state === 'up') this.#goOn()
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
    return this.#store.length + this.#parked + this.#next.length + this.#resting.size
  }
  get inFlight(): number {
    return this.#inFlight
  }
  get oldestMs(): number {
    const [resting] = this.#resting.keys()
    const heads = [this.#next[0], resting].map(item => item?.sinceMs ?? Number.POSITIVE_INFINITY)
    const sinceMs = Math.min(this.#store.headSinceMs, ...heads)
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
    if (this.#pause !== undefined) this.#checkLag()
    this.#wake()
  }

  run(limit: number): number {
    this.#isScheduled = false
    const nowMs = this.#context.clock.monotonicMs()
    const deadlineMs = nowMs + this.#policy.sendTimeoutMs
    let sent = 0
    while (sent < limit && this.#canSend) {
      const item = this.#next.shift() ?? this.#take()
      if (item === undefined) break
      sent++
      if (nowMs - item.sinceMs > this.#policy.maxAgeMs) this.#finish(item, this.#ledger.drop(item.event, 'expired'))
      else this.#send(item, deadlineMs)
    }
    this.#checkLag()
    this.#wake()
    this.#tellIdle()
    return sent
  }

  expire(): void {
    const oldestMs = this.#context.clock.monotonicMs() - this.#policy.maxAgeMs
    while (this.#store.headSinceMs < oldestMs) {
      const event = this.#store.shift()
      if (event === undefined) return
      this.#settle(event, this.#ledger.drop(event, 'expired'))
    }
  }

  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => this.#idleWaiters.push(resolve))
  }

  async close(signal: AbortSignal, forGood: boolean): Promise<void> {
    this.#isClosing = true
    this.#endsForGood = forGood
    if (this.#pause !== undefined) this.#giveUp()
    await settledBefore(this.whenIdle(), signal)
    this.#giveUp()
    this.#store.close?.(forGood)
    await this.#sink.close(signal)
  }

  get #isIdle(): boolean {
    return this.#inFlight === 0 && (this.#hasGivenUp || this.queued === 0)
  }

  get #canSend(): boolean {
    const window = Math.min(this.#policy.maxInFlight, this.#sink.window ?? Number.POSITIVE_INFINITY)
    return this.#pause === undefined && this.#inFlight < window && !this.#hasGivenUp
  }

  #wake(): void {
    const hasMore = this.#next.length > 0 || (this.#store.length > 0 && this.#parked < MAX_PARKED)
    if (this.#isScheduled || !hasMore || !this.#canSend) return
    this.#isScheduled = true
    this.#context.scheduler.add(this)
  }

  /** The next event in the store whose key is free; those of busy keys are parked behind them. */
  #take(): Item | undefined {
    while (this.#parked < MAX_PARKED) {
      const sinceMs = this.#store.headSinceMs
      const attempts = this.#store.headAttempts
      const event = this.#store.shift()
      if (event === undefined) return undefined
      const item: Item = { event, key: this.#keyOf(event), sinceMs, attempts }
      if (item.key === undefined) return item
      const behind = this.#busy.get(item.key)
      if (behind === undefined) {
        this.#busy.set(item.key, [])
        return item
      }
      behind.push(item)
      this.#parked++
    }
    return undefined
  }

  #send(item: Item, deadlineMs: number): void {
    let result: Delivery | Promise<Delivery>
    try {
      result = this.#sink.send(item.event, deadlineMs)
    } catch (cause) {
      result = broken(cause)
    }
    if ('outcome' in result) {
      this.#conclude(item, result)
      return
    }
    this.#inFlight++
    const land = (delivery: Delivery): void => {
      this.#inFlight--
      this.#conclude(item, delivery)
      this.#wake()
      this.#tellIdle()
    }
    result.then(land, cause => land(broken(cause)))
  }

  #conclude(item: Item, delivery: Delivery): void {
    if (delivery.outcome === 'delivered') {
      this.#failures = 0
      this.#trouble.end(this.queued)
      this.#finish(item, this.#ledger.delivered(item.event))
      return
    }
    if (countsAsAttempt(delivery)) item.attempts++
    const isFinal = delivery.error.permanent || item.attempts >= this.#policy.maxAttempts
    this.#ledger.attemptFailed(item.event, delivery, !isFinal && !this.#isClosing)
    if (isFinal) this.#finish(item, this.#ledger.deadLetter(item.event, delivery, Math.max(1, item.attempts)))
    else if (this.#isClosing) this.#finish(item, this.#ledger.drop(item.event, 'closed'))
    else if (countsAsAttempt(delivery)) this.#rest(item, delivery)
    else this.#holdAll(item, delivery)
  }

  /** The event is done with: the next of its key may go. */
  #finish(item: Item, delivery: Delivery): void {
    this.#settle(item.event, delivery)
    if (item.key === undefined) return
    const next = this.#busy.get(item.key)?.shift()
    if (next === undefined) this.#busy.delete(item.key)
    else {
      this.#parked--
      this.#next.push(next)
    }
  }

  /** The event, and with it its key, waits before it is tried again. */
  #rest(item: Item, { error }: Undelivered): void {
    this.#trouble.begin(error, this.queued)
    const pauseMs = Math.max(backOffMs(this.#policy.backOffMs, item.attempts), error.retryAfterMs ?? 0)
    const leftMs = item.sinceMs + this.#policy.maxAgeMs - this.#context.clock.monotonicMs() + 1
    const timer = this.#context.clock.after(Math.max(1, Math.min(pauseMs, leftMs)), () => {
      this.#resting.delete(item)
      this.#next.push(item)
      this.#wake()
    })
    this.#resting.set(item, timer)
  }

  /** Nobody takes anything for now. */
  #holdAll(item: Item, { error }: Undelivered): void {
    this.#next.unshift(item)
    if (this.#pause !== undefined) return
    this.#failures++
    const isFull = error.code === 'E_QUEUE_FULL'
    if (!isFull) this.#trouble.begin(error, this.queued)
    const pauseMs = isFull ? Math.min(50, 2 ** this.#failures) : backOffMs(this.#policy.backOffMs, this.#failures)
    this.#pause = this.#context.clock.after(Math.max(pauseMs, error.retryAfterMs ?? 0), () => this.#goOn())
    this.#checkLag()
  }

  #goOn(): void {
    this.#pause?.clear()
    this.#pause = undefined
    this.expire()
    this.#wake()
    this.#tellIdle()
  }

  #checkLag(): void {
    this.#trouble.lag(this.#policy, this.queued, this.oldestMs)
  }

  /** What waits is dropped, unless its store keeps it for the next run. */
  #giveUp(): void {
    this.#hasGivenUp = true
    this.#pause?.clear()
    const waiting = [...this.#next, ...this.#resting.keys(), ...[...this.#busy.values()].flat()]
    for (const timer of this.#resting.values()) timer.clear()
    this.#next.length = 0
    this.#resting.clear()
    this.#busy.clear()
    this.#parked = 0
    const isKept = !this.#endsForGood && this.#store.close !== undefined
    for (const { event } of waiting) if (!isKept) this.#settle(event, this.#ledger.drop(event, 'closed'))
    if (!isKept)
      for (let event = this.#store.shift(); event !== undefined; event = this.#store.shift())
        this.#settle(event, this.#ledger.drop(event, 'closed'))
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
