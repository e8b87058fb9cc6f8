import type { BreakerState, Delivery } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'

/** When a child is left alone, and for how long. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number
  readonly restMs: number
}

/**
 * Whether a child is worth trying. Closed: it takes events. Open: it failed, and rests. Half-open: it has rested, or says
 * that it is up; one event is tried on it, and its outcome closes or opens it again.
 */
export class Breaker {
  readonly #clock: Clock
  readonly #settings: BreakerSettings
  #failures = 0
  /** Undefined while closed. */
  #restsUntilMs: number | undefined
  #isProbing = false

  constructor(clock: Clock, settings: BreakerSettings) {
    this.#clock = clock
    this.#settings = settings
  }

  get state(): BreakerState {
    if (this.#restsUntilMs === undefined) return 'closed'
    return this.#clock.monotonicMs() < this.#restsUntilMs ? 'open' : 'half-open'
  }

  /** Whether the next event may be tried: not while it rests, nor while another event is trying it out. */
  get isWilling(): boolean {
    if (this.#restsUntilMs === undefined) return true
    return !this.#isProbing && this.#clock.monotonicMs() >= this.#restsUntilMs
  }

  /** An event is given to the child. */
  begin(): void {
    if (this.#restsUntilMs !== undefined) this.#isProbing = true
  }

  /** What became of it. Any failure counts, as in OpenSIPS, also when the event was only too large for the child. */
  end(delivery: Delivery): void {
    this.#isProbing = false
    if (delivery.outcome === 'delivered') this.#close()
    else if (++this.#failures >= this.#settings.failures)
      this.#restsUntilMs = this.#clock.monotonicMs() + this.#settings.restMs
  }

  /** The child says that it is up. */
  wake(): void {
    if (this.#restsUntilMs === undefined) return
    this.#restsUntilMs = this.#clock.monotonicMs()
    this.#isProbing = false
  }

  #close(): void {
    this.#failures = 0
    this.#restsUntilMs = undefined
  }
}
