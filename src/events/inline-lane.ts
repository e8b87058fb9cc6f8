import { settledBefore } from '../util/settled-before.ts'
import type { RaisedEvent } from './event.ts'
import type { Lane } from './lane.ts'
import { broken, type LaneContext, Ledger, sendTo } from './ledger.ts'
import type { DeliveryPolicy } from './policy.ts'
import type { Delivery, DeliveryError, Health, Sink } from './transport.ts'

/** Gives each event to the sink inside the raise, once (`event_route[E, sync]`). */
export class InlineLane implements Lane {
  readonly socket: string
  readonly #sink: Sink
  readonly #policy: DeliveryPolicy
  readonly #ledger: Ledger
  readonly #running = new Set<Promise<unknown>>()
  #isClosing = false

  constructor(socket: string, sink: Sink, policy: DeliveryPolicy, context: LaneContext) {
    this.socket = socket
    this.#sink = sink
    this.#policy = policy
    this.#ledger = new Ledger(socket, context)
  }

  get counters(): Ledger['counters'] {
    return this.#ledger.counters
  }
  get health(): Health {
    return this.#sink.health
  }
  readonly queued = 0
  readonly oldestMs = 0
  get inFlight(): number {
    return this.#running.size
  }
  get lastError(): DeliveryError | undefined {
    return this.#ledger.lastError
  }
  get lastErrorAtMs(): number {
    return this.#ledger.lastErrorAtMs
  }

  offer(event: RaisedEvent, nowMs: number): void {
    this.counters.raised++
    if (this.#isClosing) {
      this.#ledger.drop(event, 'closed')
      return
    }
    const result = sendTo(this.#sink, event, nowMs + this.#policy.sendTimeoutMs)
    if ('outcome' in result) this.#conclude(event, result)
    else this.#follow(event, result)
  }

  expire(): void {}

  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    await settledBefore(this.whenIdle(), signal)
    await this.#sink.close(signal)
  }

  #follow(event: RaisedEvent, result: Promise<Delivery>): void {
    const done: Promise<void> = result.catch(broken).then(delivery => {
      this.#running.delete(done)
      this.#conclude(event, delivery)
    })
    this.#running.add(done)
  }

  #conclude(event: RaisedEvent, delivery: Delivery): void {
    if (delivery.outcome === 'delivered') {
      this.#ledger.delivered(event)
      return
    }
    this.#ledger.attemptFailed(event, delivery, false)
    this.#ledger.deadLetter(event, delivery, 1)
  }
}
