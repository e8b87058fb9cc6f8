import { DELIVERED, type Delivery, DeliveryError, unknown, type WireEvent } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { CompositeSink, type Member, weightier } from './composite-sink.ts'

/** How an event fares that did not reach enough children at once. */
interface Progress {
  /** What each child that is done with it said: that it has it, or that it never will. */
  readonly final: (Delivery | undefined)[]
}

/**
 * Sends every event to all children at once. It is delivered when `needed` of them have it: all for PARALLEL, fewer for
 * QUORUM, which does not wait for the others. When the event comes again, only the children that may still take it get it.
 *
 * A subscription's own PARALLEL does not come this way: the bus gives each of its children a queue (`Transport.fanOut`);
 * this is for one that another policy is made of.
 */
export class ParallelSink extends CompositeSink {
  readonly #needed: number
  readonly #progress = new WeakMap<WireEvent, Progress>()

  constructor(members: readonly Member[], clock: Clock, needed = members.length) {
    super(members, clock, needed)
    this.#needed = needed
  }

  protected override deliver(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    const final = this.#progress.get(event)?.final ?? []
    const results = this.sinks.map((child, i) => final[i] ?? child.send(event, deadlineMs))
    if (results.every(result => 'outcome' in result)) return this.#conclude(event, results)
    return this.#enough(event, results)
  }

  /** Resolves as soon as enough children have it, or all have answered. */
  #enough(event: WireEvent, results: readonly (Delivery | Promise<Delivery>)[]): Promise<Delivery> {
    return new Promise(resolve => {
      const deliveries: (Delivery | undefined)[] = new Array(results.length).fill(undefined)
      let left = results.length
      let having = 0
      const note = (i: number, delivery: Delivery): void => {
        deliveries[i] = delivery
        left--
        if (delivery.outcome === 'delivered' && ++having === this.#needed) resolve(this.#forget(event))
        else if (left === 0 && having < this.#needed)
          resolve(
            this.#conclude(
              event,
              deliveries.map(one => one ?? UNTOLD),
            ),
          )
      }
      for (const [i, result] of results.entries())
        if ('outcome' in result) note(i, result)
        else void result.then(delivery => note(i, delivery))
    })
  }

  #conclude(event: WireEvent, deliveries: readonly Delivery[]): Delivery {
    let having = 0
    let again: Delivery | undefined
    let never: Delivery | undefined
    const final = deliveries.map(delivery => {
      if (delivery.outcome === 'delivered') having++
      else if (delivery.error.permanent) never = delivery
      else {
        again = weightier(again, delivery)
        return undefined
      }
      return delivery
    })
    if (having >= this.#needed) return this.#forget(event)
    if (again === undefined) {
      this.#progress.delete(event)
      return never ?? UNTOLD
    }
    this.#progress.set(event, { final })
    return again
  }

  #forget(event: WireEvent): Delivery {
    this.#progress.delete(event)
    return DELIVERED
  }
}

const UNTOLD: Delivery = unknown(new DeliveryError('E_REFUSED', 'a sub-socket did not say what became of the event'))
