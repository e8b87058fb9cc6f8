import type { DropReason } from './event-store.ts'

/** At every instant `raised` = `delivered` + `failed` + all `dropped` + queued + in flight. */
export interface DeliveryCounters {
  /** Events that matched. */
  raised: number
  delivered: number
  /** Dead letters: refused for good, or once too often. */
  failed: number
  dropped: Readonly<Record<DropReason, number>>
  /** Attempts that had to be repeated. */
  retried: number
  /** Attempts repeated although the receiver may have taken the event. */
  maybeDuplicate: number
}

/** What became of a subscription's events so far. `raised` is the sum of all the others but `retried`, `maybeDuplicate`. */
export interface SubscriptionCounters extends Readonly<DeliveryCounters> {
  readonly queued: number
  readonly inFlight: number
  /** How long the oldest has waited, milliseconds. */
  readonly oldestMs: number
}

/** One object for all who have dropped nothing: most never do. */
const NO_DROPS: Readonly<Record<DropReason, number>> = Object.freeze({
  overflow: 0,
  coalesced: 0,
  expired: 0,
  closed: 0,
})

export const noDeliveries = (): DeliveryCounters => ({
  raised: 0,
  delivered: 0,
  failed: 0,
  dropped: NO_DROPS,
  retried: 0,
  maybeDuplicate: 0,
})

/** Of a subscription that never had an event. */
export const NOTHING: SubscriptionCounters = Object.freeze({ ...noDeliveries(), queued: 0, inFlight: 0, oldestMs: 0 })

export function countDrop(counters: Pick<DeliveryCounters, 'dropped'>, reason: DropReason): void {
  if (counters.dropped === NO_DROPS) counters.dropped = { ...NO_DROPS }
  ;(counters.dropped as Record<DropReason, number>)[reason]++
}

/** Counters in the spelling of management: only what is not zero, beside the three that are always told. */
export function listed(counters: SubscriptionCounters): Readonly<Record<string, number>> {
  const { raised, delivered, queued, failed, inFlight, retried, maybeDuplicate, dropped } = counters
  const optional = {
    failed,
    in_flight: inFlight,
    retried,
    maybe_duplicate: maybeDuplicate,
    dropped_overflow: dropped.overflow,
    dropped_coalesced: dropped.coalesced,
    dropped_expired: dropped.expired,
    dropped_closed: dropped.closed,
  }
  return { raised, delivered, queued, ...Object.fromEntries(Object.entries(optional).filter(([, count]) => count > 0)) }
}
