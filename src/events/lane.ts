import type { RaisedEvent } from './event.ts'
import type { EventStore } from './event-store.ts'
import { InlineLane } from './inline-lane.ts'
import { KeyedLane } from './keyed-lane.ts'
import type { DeliveryCounters, LaneContext } from './ledger.ts'
import { OrderedLane } from './ordered-lane.ts'
import type { DeliveryPolicy } from './policy.ts'
import { EventQueue } from './queue.ts'
import type { DeliveryError, Health, Sink } from './transport.ts'

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

/** What a lane is made of. */
export interface LaneInit {
  readonly socket: string
  readonly sink: Sink
  readonly policy: DeliveryPolicy
  readonly context: LaneContext
  /** Where its events wait; a queue in memory if absent. */
  readonly store?: EventStore | undefined
  /** Events are given to the sink inside `offer` and never tried again. */
  readonly isInline?: boolean
}

/** The lane a policy asks for. */
export function openLane({ socket, sink, policy, context, store, isInline = false }: LaneInit): Lane {
  if (isInline) return new InlineLane(socket, sink, policy, context)
  const waiting = store ?? new EventQueue(policy.maxQueued, policy.overflow, policy.maxQueuedBytes)
  return policy.key === null
    ? new OrderedLane(socket, sink, policy, context, waiting)
    : new KeyedLane(socket, sink, policy, context, waiting)
}
