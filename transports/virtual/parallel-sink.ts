import { DELIVERED, type Delivery, type Sink, type WireEvent } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { CompositeSink, weightier } from './composite-sink.ts'

/** Which children are done with an event that is to be sent again, and whether one refused it for good. */
interface Progress {
  readonly isDone: boolean[]
  refusal: Delivery | undefined
}

/**
 * Sends every event to all children; the outcome is the worst of theirs. When the event comes again, only the children
 * that may still take it get it. A subscription's own PARALLEL does not come this way: the bus gives each of its
 * children a queue (`Transport.fanOut`); this is for a PARALLEL that another sink is made of.
 */
export class ParallelSink extends CompositeSink {
  readonly #progress = new WeakMap<WireEvent, Progress>()

  constructor(children: readonly Sink[], clock: Clock) {
    super(children, clock, 'all are up')
  }

  protected override deliver(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    const progress = this.#progress.get(event)
    const results = this.children.map((child, i) =>
      progress?.isDone[i] === true ? DELIVERED : child.send(event, deadlineMs),
    )
    return results.every(result => 'outcome' in result)
      ? this.#conclude(event, results, progress)
      : Promise.all(results).then(deliveries => this.#conclude(event, deliveries, progress))
  }

  #conclude(event: WireEvent, deliveries: readonly Delivery[], known: Progress | undefined): Delivery {
    if (known === undefined && deliveries.every(delivery => delivery.outcome === 'delivered')) return DELIVERED
    const progress = known ?? { isDone: [], refusal: undefined }
    let again: Delivery | undefined
    for (const [i, delivery] of deliveries.entries()) {
      progress.isDone[i] = delivery.outcome === 'delivered' || delivery.error.permanent
      if (delivery.outcome === 'delivered') continue
      if (delivery.error.permanent) progress.refusal = delivery
      else again = weightier(again, delivery)
    }
    if (again === undefined) this.#progress.delete(event)
    else this.#progress.set(event, progress)
    return again ?? progress.refusal ?? DELIVERED
  }
}
