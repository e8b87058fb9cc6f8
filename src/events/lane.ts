import type { DeliveryCounters, SubscriptionCounters } from './counters.ts'
import type { RaisedEvent } from './event.ts'
import type { DeliveryError, Health } from './transport.ts'

/** One receiver's way: a store where events wait, and the pump that empties it into a sink. */
export interface Lane {
  /** Canonical text of where it leads. */
  readonly socket: string
  readonly counters: DeliveryCounters
  readonly health: Health
  /** Events that wait, those to be repeated included. */
  readonly queued: number
  readonly inFlight: number
  /** How long the event at the head has waited, milliseconds; 0 when none waits. */
  readonly oldestMs: number
  readonly lastError: DeliveryError | undefined
  /** Wall-clock time of `lastError`. */
  readonly lastErrorAtMs: number
  /** Takes an event on its way; never waits, never throws. `nowMs` is the monotonic clock. */
  offer(event: RaisedEvent, nowMs: number): void
  /** Drops what has grown too old. For listings, so that they tell the truth while a receiver is away. */
  expire(): void
  /** Resolves once nothing is queued or in flight. */
  whenIdle(): Promise<void>
  /**
   * Takes no more events; sends those that wait as long as the receiver takes them at the first attempt, drops the rest
   * (a durable store keeps them unless it ends `forGood`), then closes the sink. Resolves at the latest a moment after
   * `signal` aborts.
   */
  close(signal: AbortSignal, forGood: boolean): Promise<void>
}

/** A lane's books, as they are now. */
export function countersOf({ counters, queued, inFlight, oldestMs }: Lane): SubscriptionCounters {
  return { ...counters, dropped: { ...counters.dropped }, queued, inFlight, oldestMs }
}
