import type { Timer } from '../util/clock.ts'
import type { RaisedEvent } from './event.ts'
import type { EventStore } from './event-store.ts'
import { broken, countsAsAttempt, type LaneContext, sendTo, type Undelivered } from './ledger.ts'
import { backOffMs, type DeliveryPolicy } from './policy.ts'
import { QueuedLane } from './queued-lane.ts'
import { type Delivery, keyReader, type Sink } from './transport.ts'

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
export class KeyedLane extends QueuedLane {
  readonly #keyOf: ReturnType<typeof keyReader>
  /** Keys with an event under way, and what waits behind it. */
  readonly #busy = new Map<string, Item[]>()
  #parked = 0
  /** Heads of their keys, to be sent before anything is taken from the store. */
  readonly #next: Item[] = []
  /** Heads of their keys that wait for their pause to end. */
  readonly #resting = new Map<Item, Timer>()
  #isScheduled = false
  /** The receiver is away: nothing is sent until this ends or the sink is up. */
  #pause: Timer | undefined
  #failures = 0

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, store: EventStore) {
    super(socket, sink, policy, context, store)
    this.#keyOf = keyReader(policy.key ?? '')
    this.begin()
  }

  protected override get held(): number {
    return this.#parked + this.#next.length + this.#resting.size
  }

  protected override get isPaused(): boolean {
    return this.#pause !== undefined
  }

  protected override get waitingSinceMs(): number {
    const [resting] = this.#resting.keys()
    const heads = [this.#next[0], resting].map(item => item?.sinceMs ?? Number.POSITIVE_INFINITY)
    return Math.min(this.store.headSinceMs, ...heads)
  }

  override run(limit: number): number {
    this.#isScheduled = false
    const nowMs = this.context.clock.monotonicMs()
    const deadlineMs = nowMs + this.policy.sendTimeoutMs
    let sent = 0
    while (sent < limit && this.#canSend) {
      const item = this.#next.shift() ?? this.#take()
      if (item === undefined) break
      sent++
      if (nowMs - item.sinceMs > this.policy.maxAgeMs) this.#finish(item, this.ledger.drop(item.event, 'expired'))
      else this.#send(item, deadlineMs)
    }
    this.checkLag(this.context.clock.monotonicMs())
    this.wake()
    this.tellIdle()
    return sent
  }

  get #canSend(): boolean {
    return this.#pause === undefined && this.sending < this.widest && !this.hasGivenUp
  }

  protected override wake(): void {
    const hasMore = this.#next.length > 0 || (this.store.length > 0 && this.#parked < MAX_PARKED)
    if (this.#isScheduled || !hasMore || !this.#canSend) return
    this.#isScheduled = true
    this.context.scheduler.add(this)
  }

  /** The next event in the store whose key is free; those of busy keys are parked behind them. */
  #take(): Item | undefined {
    while (this.#parked < MAX_PARKED) {
      const sinceMs = this.store.headSinceMs
      const attempts = this.store.headAttempts
      const event = this.store.shift()
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
    const result = sendTo(this.sink, item.event, deadlineMs)
    if ('outcome' in result) {
      this.#conclude(item, result)
      return
    }
    this.sending++
    const land = (delivery: Delivery): void => {
      this.sending--
      this.#conclude(item, delivery)
      this.wake()
      this.tellIdle()
    }
    result.then(land, cause => land(broken(cause)))
  }

  #conclude(item: Item, delivery: Delivery): void {
    if (delivery.outcome === 'delivered') {
      this.#failures = 0
      this.trouble.end(this.queued)
      this.#finish(item, this.ledger.delivered(item.event))
      return
    }
    if (countsAsAttempt(delivery)) item.attempts++
    const isFinal = delivery.error.permanent || item.attempts >= this.policy.maxAttempts
    this.ledger.attemptFailed(item.event, delivery, !isFinal && !this.isClosing)
    if (isFinal) this.#finish(item, this.ledger.deadLetter(item.event, delivery, Math.max(1, item.attempts)))
    else if (this.isClosing) this.#leave(item)
    else if (countsAsAttempt(delivery)) this.#rest(item, delivery)
    else this.#holdAll(item, delivery)
  }

  /** There is no time to try again: what its store does not keep is dropped, with all that waits. */
  #leave(item: Item): void {
    this.#next.unshift(item)
    this.giveUp()
  }

  /** The event is done with: the next of its key may go. */
  #finish(item: Item, delivery: Delivery): void {
    this.settle(item.event, delivery)
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
    this.trouble.begin(error, this.queued)
    const pauseMs = Math.max(backOffMs(this.policy.backOffMs, item.attempts), error.retryAfterMs ?? 0)
    const leftMs = item.sinceMs + this.policy.maxAgeMs - this.context.clock.monotonicMs() + 1
    const timer = this.context.clock.after(Math.max(1, Math.min(pauseMs, leftMs)), () => {
      this.#resting.delete(item)
      this.#next.push(item)
      this.wake()
    })
    this.#resting.set(item, timer)
  }

  /** Nobody takes anything for now. */
  #holdAll(item: Item, { error }: Undelivered): void {
    this.#next.unshift(item)
    if (this.#pause !== undefined) return
    this.#failures++
    const isFull = error.code === 'E_QUEUE_FULL'
    if (!isFull) this.trouble.begin(error, this.queued)
    const pauseMs = isFull ? Math.min(50, 2 ** this.#failures) : backOffMs(this.policy.backOffMs, this.#failures)
    this.#pause = this.context.clock.after(Math.max(pauseMs, error.retryAfterMs ?? 0), () => this.goOn())
    this.checkLag(this.context.clock.monotonicMs())
  }

  protected override goOn(): void {
    this.#pause?.clear()
    this.#pause = undefined
    this.expire()
    this.wake()
    this.tellIdle()
  }

  protected override putBack(): void {
    this.#pause?.clear()
    this.#pause = undefined
    for (const timer of this.#resting.values()) timer.clear()
    const items = [...this.#next, ...this.#resting.keys(), ...[...this.#busy.values()].flat()]
    this.#next.length = 0
    this.#resting.clear()
    this.#busy.clear()
    this.#parked = 0
    for (const { event, sinceMs, attempts } of items.sort((a, b) => b.sinceMs - a.sinceMs))
      this.store.unshift(event, sinceMs, attempts)
  }
}
