import type { EventBus } from './bus.ts'
import type { RaisedEvent } from './event.ts'
import { fieldValue } from './filter.ts'
import type { Subscription } from './subscription.ts'
import type { Delivery } from './transport.ts'

/** One thing that happened to an event. */
export interface TrailStep {
  readonly event: RaisedEvent
  /** Null for the raise itself. */
  readonly subscription: Subscription | null
  readonly delivery: Delivery | null
  /** Wall clock, milliseconds. */
  readonly atMs: number
}

/** The latest raises and attempts to deliver, a bounded number of them, for those who look for an event. */
export class DeliveryTrail {
  readonly #steps: (TrailStep | undefined)[]
  readonly #nowMs: () => number
  #count = 0

  /** `size`: steps that are kept. */
  constructor(size: number, nowMs: () => number) {
    this.#steps = new Array<TrailStep | undefined>(size).fill(undefined)
    this.#nowMs = nowMs
  }

  /** Watches a bus until the returned function is called. */
  watch(bus: EventBus): () => void {
    return bus.watch((event, subscription, delivery) => {
      this.#steps[this.#count++ % this.#steps.length] = { event, subscription, delivery, atMs: this.#nowMs() }
    })
  }

  /** What is kept of the events of this id, or that carry this Call-ID, the oldest first. */
  find({
    id,
    callId,
  }: {
    readonly id?: string | undefined
    readonly callId?: string | undefined
  }): readonly TrailStep[] {
    return this.all().filter(({ event }) => {
      if (id !== undefined && event.id !== id) return false
      return (
        callId === undefined || event.callId === callId || fieldValue(event.names, event.values, 'callid') === callId
      )
    })
  }

  /** Everything that is kept, the oldest first. */
  all(): readonly TrailStep[] {
    const size = this.#steps.length
    const start = Math.max(0, this.#count - size)
    const steps: TrailStep[] = []
    for (let i = start; i < this.#count; i++) {
      const step = this.#steps[i % size]
      if (step !== undefined) steps.push(step)
    }
    return steps
  }
}
