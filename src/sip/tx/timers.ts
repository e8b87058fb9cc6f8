/**
 * The times the transaction state machines run by, in milliseconds. RFC 3261 names its timers A to K and RFC 6026 adds
 * L and M; where OpenSIPS gives a whole group one setting (tm reference, parameters), that setting rules the group.
 */
export interface TxTimers {
  /** First retransmission, timers A, E and G: `T1_timer`. */
  readonly t1Ms: number
  /** Longest interval between retransmissions: `T2_timer`. */
  readonly t2Ms: number
  /** How long an answer, or the ACK of a negative one, is waited for, timers B, F and H: `fr_timeout`. */
  readonly finalMs: number
  /** How long retransmissions are absorbed after the end, timers D, I, J, K, L and M: `wt_timer`. */
  readonly waitMs: number
}

/** The values OpenSIPS has by default. */
export const DEFAULT_TX_TIMERS: TxTimers = { t1Ms: 500, t2Ms: 4000, finalMs: 30_000, waitMs: 5000 }
