import type { EventStore } from './event-store.ts'
import { InlineLane } from './inline-lane.ts'
import { KeyedLane } from './keyed-lane.ts'
import type { Lane } from './lane.ts'
import type { LaneContext } from './ledger.ts'
import { OrderedLane } from './ordered-lane.ts'
import type { DeliveryPolicy } from './policy.ts'
import { EventQueue } from './queue.ts'
import type { Sink } from './transport.ts'

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
