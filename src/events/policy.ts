/**
 * What a full queue gives up. `coalesce`: the event that waits with the same value of a field; where there is none, the
 * oldest. `spool`: nothing, the events go to disk.
 */
export type Overflow = 'drop-oldest' | 'drop-newest' | 'spool' | { readonly coalesce: string }

/** How a subscription keeps and retries its events. */
export interface DeliveryPolicy {
  /** Most events that wait in memory. */
  readonly maxQueued: number
  /** Most memory of the events that wait, roughly; infinite for no bound. */
  readonly maxQueuedBytes: number
  /** An event that has waited longer is dropped instead of sent. */
  readonly maxAgeMs: number
  /** When an event has waited so long, or the queue is half full, E_EVI_LAG is raised. */
  readonly lagAgeMs: number
  readonly overflow: Overflow
  /** Most events given to the sink whose outcome is not known yet. */
  readonly maxInFlight: number
  /** Time the sink has for one attempt. */
  readonly sendTimeoutMs: number
  /**
   * Attempts after which an event is a dead letter; infinite: only age ends it. An attempt that failed because there is
   * no connection, or no room, does not count: such events wait.
   */
  readonly maxAttempts: number
  /** Pauses between attempts: from `first` doubling to `longest`, each cut or stretched by up to a quarter. */
  readonly backOffMs: { readonly first: number; readonly longest: number }
  /** Order is kept only between events with the same value of this field; null: between all. */
  readonly key: string | null
  /** On disk before it is offered to the sink, off the disk when the sink has it. */
  readonly durable: boolean
}

/** Kept for an hour and 65 536 events; then the oldest go, because the newest describe the state that is. */
export const DEFAULT_POLICY: DeliveryPolicy = {
  maxQueued: 65_536,
  maxQueuedBytes: 256 * 2 ** 20,
  maxAgeMs: 3_600_000,
  lagAgeMs: 60_000,
  overflow: 'drop-oldest',
  maxInFlight: 1024,
  sendTimeoutMs: 10_000,
  maxAttempts: Number.POSITIVE_INFINITY,
  backOffMs: { first: 100, longest: 30_000 },
  key: null,
  durable: false,
}

/** The pause before attempt `attempt` + 1 (the first attempt is 1). */
export function backOffMs({ first, longest }: DeliveryPolicy['backOffMs'], attempt: number): number {
  return Math.min(longest, first * 2 ** Math.min(Math.max(0, attempt - 1), 24)) * (0.75 + Math.random() / 2)
}

/** How far behind a lane is: `late` is told by E_EVI_LAG, and again only after it has been `calm`. */
export function lagOf({ maxQueued, lagAgeMs }: DeliveryPolicy, queued: number, oldestMs: number): 'late' | 'calm' | '' {
  if (queued > maxQueued / 2 || oldestMs > lagAgeMs) return 'late'
  return queued <= maxQueued / 8 && oldestMs <= lagAgeMs / 2 ? 'calm' : ''
}
