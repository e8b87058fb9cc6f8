import { type Delivery, DeliveryError, failed, type Sink, type WireEvent } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Counter } from '../../src/util/spec.ts'
import { CompositeSink, weightier } from './composite-sink.ts'

/** Counts what a policy cannot tell through its outcome. */
export interface SequenceCounters {
  /** Events that another child got after one had failed. */
  readonly failovers: Counter
  /** Of these, events that the one before may have taken too. */
  readonly maybeDuplicates: Counter
}

const NO_CHILD: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'there is no sub-socket to send to'))

/** Tries children one after the other until one has the event. Which ones, and in which order, the policy says. */
abstract class SequenceSink extends CompositeSink {
  readonly #counters: SequenceCounters

  constructor(children: readonly Sink[], clock: Clock, counters: SequenceCounters) {
    super(children, clock, 'any is up')
    this.#counters = counters
  }

  /** The children to try now, in order; never empty. */
  protected abstract candidates(): readonly Sink[]
  protected abstract succeeded(child: Sink): void
  protected abstract failedOn(child: Sink): void

  protected override deliver(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    return this.#tryFrom(0, this.candidates(), event, deadlineMs, undefined)
  }

  /** `before` is what the children already tried came to. Each child left gets an equal share of the time left. */
  #tryFrom(
    start: number,
    children: readonly Sink[],
    event: WireEvent,
    deadlineMs: number,
    before: Delivery | undefined,
  ): Delivery | Promise<Delivery> {
    let sofar = before
    for (let i = start; i < children.length; i++) {
      const child = children[i]
      if (child === undefined) break
      const nowMs = this.clock.monotonicMs()
      const result = child.send(event, nowMs + Math.max(0, deadlineMs - nowMs) / (children.length - i))
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

  #judge(child: Sink, delivery: Delivery, before: Delivery | undefined): Delivery {
    if (delivery.outcome !== 'delivered') {
      this.failedOn(child)
      return weightier(before, delivery)
    }
    this.succeeded(child)
    if (before !== undefined) this.#counters.failovers.value++
    if (before?.outcome === 'unknown') this.#counters.maybeDuplicates.value++
    return delivery
  }
}

/**
 * The first child that takes the event has it. One that failed rests for a while, or until it says that it is up; when
 * all rest, all are tried.
 */
export class FailoverSink extends SequenceSink {
  readonly #restMs: number
  readonly #restsUntilMs = new Map<Sink, number>()

  constructor(children: readonly Sink[], clock: Clock, counters: SequenceCounters, restMs: number) {
    super(children, clock, counters)
    this.#restMs = restMs
    for (const child of children)
      child.onHealth(() => {
        if (child.health.state === 'up') this.#restsUntilMs.delete(child)
      })
  }

  protected override candidates(): readonly Sink[] {
    if (this.#restsUntilMs.size === 0) return this.children
    const nowMs = this.clock.monotonicMs()
    const rested = this.children.filter(child => (this.#restsUntilMs.get(child) ?? 0) <= nowMs)
    return rested.length === 0 ? this.children : rested
  }

  protected override succeeded(child: Sink): void {
    if (this.#restsUntilMs.size > 0) this.#restsUntilMs.delete(child)
  }

  protected override failedOn(child: Sink): void {
    this.#restsUntilMs.set(child, this.clock.monotonicMs() + this.#restMs)
  }
}

/** Each event starts one child further on; children that are not up are left out while another is. */
export class RoundRobinSink extends SequenceSink {
  #turn = 0

  protected override candidates(): readonly Sink[] {
    const from = this.#turn
    this.#turn = (from + 1) % this.children.length
    const inTurn = [...this.children.slice(from), ...this.children.slice(0, from)]
    const up = inTurn.filter(child => child.health.state === 'up')
    return up.length === 0 ? inTurn : up
  }

  protected override succeeded(): void {}
  protected override failedOn(): void {}
}
