import { settledBefore } from '../util/settled-before.ts'
import type { RaisedEvent } from './event.ts'
import type { DropReason, EventStore, StoreListener } from './event-store.ts'
import type { Lane } from './lane.ts'
import { type LaneContext, Ledger, TroubleWatch } from './ledger.ts'
import type { DeliveryPolicy } from './policy.ts'
import type { Runnable } from './scheduler.ts'
import type { Delivery, DeliveryError, Health, Sink } from './transport.ts'

/** What lanes have in common whose events wait in a store. How they are taken from it and sent, each kind says. */
export abstract class QueuedLane implements Lane, Runnable, StoreListener {
  readonly socket: string
  protected readonly sink: Sink
  protected readonly policy: DeliveryPolicy
  protected readonly context: LaneContext
  protected readonly store: EventStore
  protected readonly ledger: Ledger
  protected readonly trouble: TroubleWatch
  protected sending = 0
  protected isClosing = false
  /** It has given up what waits: that is dropped, or left in its store for the next run. */
  protected hasGivenUp = false
  #endsForGood = false
  #idleWaiters: (() => void)[] | undefined

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext, store: EventStore) {
    this.socket = socket
    this.sink = sink
    this.policy = policy
    this.context = context
    this.store = store
    this.ledger = new Ledger(socket, context)
    this.trouble = new TroubleWatch(socket, sink, context)
  }

  /** Asks the scheduler for a turn if there is something to send and it may be sent now. */
  protected abstract wake(): void
  /** Nothing is sent until a pause ends or the sink is up. */
  protected abstract get isPaused(): boolean
  /** The pause is over. */
  protected abstract goOn(): void
  /** Ends all pauses, and puts into the store what was taken from it and is not with the sink. */
  protected abstract putBack(): void
  /** Events out of the store that are not with the sink. */
  protected abstract get held(): number
  abstract run(limit: number): number

  /** To be called when all of the lane is made: events of an earlier run may wait already. */
  protected begin(): void {
    this.store.attach(this)
    // What an earlier run left behind counts as raised in this one.
    this.counters.raised = this.store.length
    this.sink.onHealth(() => {
      if (this.isPaused && this.sink.health.state === 'up') this.goOn()
    })
    this.wake()
  }

  get counters(): Ledger['counters'] {
    return this.ledger.counters
  }
  get health(): Health {
    return this.sink.health
  }
  get queued(): number {
    return this.store.length + this.held
  }
  get inFlight(): number {
    return this.sending
  }
  get oldestMs(): number {
    return this.#waitedMs(this.context.clock.monotonicMs())
  }
  get lastError(): DeliveryError | undefined {
    return this.ledger.lastError
  }
  get lastErrorAtMs(): number {
    return this.ledger.lastErrorAtMs
  }

  ready(): void {
    this.wake()
  }

  adopted(): void {
    this.counters.raised++
    this.wake()
  }

  dropped(event: RaisedEvent, reason: DropReason): void {
    this.ledger.drop(event, reason)
  }

  offer(event: RaisedEvent, nowMs: number): void {
    this.counters.raised++
    if (this.isClosing) {
      this.ledger.drop(event, 'closed')
      return
    }
    this.store.push(event, nowMs)
    if (this.isPaused) this.checkLag(nowMs)
    else this.wake()
  }

  expire(): void {
    const oldestMs = this.context.clock.monotonicMs() - this.policy.maxAgeMs
    while (this.store.headSinceMs < oldestMs) {
      const event = this.store.shift()
      if (event === undefined) return
      this.drop(event, 'expired')
    }
  }

  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise(resolve => (this.#idleWaiters ??= []).push(resolve))
  }

  async close(signal: AbortSignal, forGood: boolean): Promise<void> {
    this.isClosing = true
    this.#endsForGood = forGood
    if (this.isPaused) this.giveUp()
    await settledBefore(this.whenIdle(), signal)
    this.giveUp()
    this.store.close?.(forGood)
    await this.sink.close(signal)
  }

  /** Most events on their way at once while all is well. */
  protected get widest(): number {
    return Math.min(this.policy.maxInFlight, this.sink.window ?? Number.POSITIVE_INFINITY)
  }

  /** Since when the event has waited that has waited longest; infinite when none is known to. */
  protected get waitingSinceMs(): number {
    return this.store.headSinceMs
  }

  protected checkLag(nowMs: number): void {
    this.trouble.lag(this.policy, this.queued, this.#waitedMs(nowMs))
  }

  protected drop(event: RaisedEvent, reason: DropReason): void {
    this.settle(event, this.ledger.drop(event, reason))
  }

  /** The outcome comes as a value, so that it is in the books whether or not the store wants to know. */
  protected settle(event: RaisedEvent, delivery: Delivery): void {
    this.store.settle?.(event, delivery)
  }

  /** What waits is dropped, unless its store keeps it for the next run. */
  protected giveUp(): void {
    this.hasGivenUp = true
    this.putBack()
    if (this.#endsForGood || this.store.close === undefined)
      for (let event = this.store.shift(); event !== undefined; event = this.store.shift()) this.drop(event, 'closed')
    this.tellIdle()
  }

  protected tellIdle(): void {
    const waiters = this.#idleWaiters
    if (waiters === undefined || !this.#isIdle) return
    this.#idleWaiters = undefined
    for (const resolve of waiters) resolve()
  }

  get #isIdle(): boolean {
    return this.sending === 0 && (this.hasGivenUp || this.queued === 0)
  }

  #waitedMs(nowMs: number): number {
    const sinceMs = this.waitingSinceMs
    return sinceMs === Number.POSITIVE_INFINITY ? 0 : nowMs - sinceMs
  }
}
