import {
  type BreakerState,
  type ChildReport,
  type Delivery,
  DeliveryError,
  failed,
  type Health,
  type Sink,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))
const RANK = { down: 0, connecting: 1, up: 2 } as const

/** A sink that another is made of. */
export interface Member {
  /** Canonical text of its address. */
  readonly socket: string
  readonly sink: Sink
}

/** What the policies share: a sink made of sinks. */
export abstract class CompositeSink implements Sink {
  protected readonly sinks: readonly Sink[]
  protected readonly clock: Clock
  readonly #listeners: (() => void)[] = []
  readonly #members: readonly Member[]
  readonly #needed: number
  #health: Health
  #closing: Promise<void> | undefined

  /** It is up when so many of the children are. */
  constructor(members: readonly Member[], clock: Clock, needed: number) {
    this.#members = members
    this.sinks = members.map(({ sink }) => sink)
    this.clock = clock
    this.#needed = needed
    this.#health = { state: this.#state(), sinceMs: clock.monotonicMs() }
    for (const child of this.sinks) child.onHealth(() => this.#childChanged(child))
  }

  get health(): Health {
    return this.#health
  }

  /** As few as the slowest of the children. */
  get window(): number | undefined {
    const windows = this.sinks.map(child => child.window ?? Number.POSITIVE_INFINITY)
    const least = Math.min(...windows)
    return least === Number.POSITIVE_INFINITY ? undefined : least
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    return this.#closing === undefined ? this.deliver(event, deadlineMs) : CLOSED
  }

  async flush(signal: AbortSignal): Promise<void> {
    await Promise.all(this.sinks.map(child => child.flush(signal)))
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= Promise.all(this.sinks.map(child => child.close(signal))).then(() => undefined)
    return this.#closing
  }

  children(): readonly ChildReport[] {
    return this.#members.map(({ socket, sink }, i) => ({
      socket,
      health: sink.health,
      breaker: this.breakerOf(i),
      children: sink.children?.() ?? [],
    }))
  }

  /** Where the policy leaves children out that fail. */
  protected breakerOf(_member: number): BreakerState | undefined {
    return undefined
  }

  protected abstract deliver(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery>

  #childChanged(child: Sink): void {
    const state = this.#state()
    const hasChanged = state !== this.#health.state
    const sinceMs = hasChanged ? this.clock.monotonicMs() : this.#health.sinceMs
    this.#health = { state, sinceMs, lastError: child.health.lastError ?? this.#health.lastError }
    // Also when the whole stays as it was: with one more child up, what failed before may work now.
    if (hasChanged || child.health.state === 'up') for (const listener of this.#listeners) listener()
  }

  #state(): Health['state'] {
    const best = this.sinks.map(child => child.health.state).sort((a, b) => RANK[b] - RANK[a])
    return best[this.#needed - 1] ?? 'down'
  }
}

/** The outcome that decides between two that are not `delivered`: doubt before hope, hope before refusal for good. */
export function weightier(a: Delivery | undefined, b: Delivery): Delivery {
  if (a === undefined || a.outcome === 'delivered') return b
  if (b.outcome === 'delivered' || a.outcome === 'unknown') return a
  if (b.outcome === 'unknown') return b
  return a.error.permanent ? b : a
}
