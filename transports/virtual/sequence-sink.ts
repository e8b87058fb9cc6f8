import { type BreakerState, type Delivery, DeliveryError, failed, type WireEvent } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Counter } from '../../src/util/spec.ts'
import { Breaker, type BreakerSettings } from './breaker.ts'
import { CompositeSink, type Member, weightier } from './composite-sink.ts'
import type { Picker } from './pickers.ts'

/** Counts what a policy cannot tell through its outcome. */
export interface SequenceCounters {
  /** Events that another child got after one had failed. */
  readonly failovers: Counter
  /** Of these, events that the one before may have taken too. */
  readonly maybeDuplicates: Counter
}

const NO_CHILD: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'there is no sub-socket to send to'))

interface Child extends Member {
  readonly breaker: Breaker
}

/**
 * Tries children one after the other until one has the event; in which order, the picker says. One that failed is left out
 * until its breaker lets an event try it again. When all are left out all are tried: the event is held by whoever sent
 * it here, and the first child that comes back has it.
 */
export class SequenceSink extends CompositeSink {
  readonly #children: readonly Child[]
  readonly #pick: Picker
  readonly #counters: SequenceCounters

  constructor(
    members: readonly Member[],
    clock: Clock,
    pick: Picker,
    counters: SequenceCounters,
    settings: BreakerSettings,
  ) {
    super(members, clock, 1)
    this.#pick = pick
    this.#counters = counters
    this.#children = members.map(member => ({ ...member, breaker: new Breaker(clock, settings) }))
    for (const { sink, breaker } of this.#children)
      sink.onHealth(() => {
        if (sink.health.state === 'up') breaker.wake()
      })
  }

  protected override breakerOf(member: number): BreakerState | undefined {
    return this.#children[member]?.breaker.state
  }

  protected override deliver(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    const inOrder: Child[] = []
    for (const i of this.#pick(event)) {
      const member = this.#children[i]
      if (member !== undefined) inOrder.push(member)
    }
    const willing = inOrder.filter(({ breaker }) => breaker.isWilling)
    return this.#tryFrom(0, willing.length === 0 ? inOrder : willing, event, deadlineMs, undefined)
  }

  /** `before` is what the children already tried came to. Each child left gets an equal share of the time left. */
  #tryFrom(
    start: number,
    children: readonly Child[],
    event: WireEvent,
    deadlineMs: number,
    before: Delivery | undefined,
  ): Delivery | Promise<Delivery> {
    let sofar = before
    for (let i = start; i < children.length; i++) {
      const child = children[i]
      if (child === undefined) break
      const nowMs = this.clock.monotonicMs()
      child.breaker.begin()
      const result = child.sink.send(event, nowMs + Math.max(0, deadlineMs - nowMs) / (children.length - i))
      if (!('outcome' in result)) {
        const earlier = sofar
        return result.then(delivery => {
          const verdict = this.#judge(child, delivery, earlier)
          return delivery.outcome === 'delivered' ? verdict : this.#tryFrom(i + 1, children, event, deadlineMs, verdict)
        })
      }
      sofar = this.#judge(child, result, sofar)
      if (result.outcome === 'delivered') return sofar
    }
    return sofar ?? NO_CHILD
  }

  #judge({ breaker }: Child, delivery: Delivery, before: Delivery | undefined): Delivery {
    breaker.end(delivery)
    if (delivery.outcome !== 'delivered') return weightier(before, delivery)
    if (before !== undefined) this.#counters.failovers.value++
    if (before?.outcome === 'unknown') this.#counters.maybeDuplicates.value++
    return delivery
  }
}
