import type { Clock } from '../../util/clock.ts'
import type { TxTimers } from './timers.ts'

/** What every state machine is made with. */
export interface MachineSetup {
  readonly clock: Clock
  readonly timers: TxTimers
  /** Whether the transport repeats by itself what is lost: no retransmissions, and no waiting for them. */
  readonly reliable: boolean
}

/** Why a transaction ended without what it waited for. */
export type TxFailure = 'timeout' | 'transport'

/** What a server transaction asks of its owner, the transaction user of RFC 3261 §17. */
export interface ServerUser {
  /** Send this response. `attempt` is 0 the first time, then 1, 2 … for what timer G repeats. */
  transmit(response: Buffer, attempt: number): void
  /** The transaction has failed: no ACK came (`timeout`), or a response could not be sent (`transport`). */
  failed(reason: TxFailure): void
  /** The last call: nothing of the transaction is left, no timer runs. */
  terminated(): void
}

/** What a client transaction asks of its owner. `R` is a response in the owner's form. */
export interface ClientUser<R> {
  /** Send the request. `attempt` is 0 the first time. False: it is known at once that it did not go out. */
  transmit(attempt: number): boolean
  /** A response that belongs to the owner. */
  passUp(response: R): void
  /** No final response came (`timeout`), or the request could not be sent (`transport`). */
  failed(reason: TxFailure): void
  /** The last call: nothing of the transaction is left, no timer runs. */
  terminated(): void
}

/** The owner of an INVITE client transaction also sends the ACKs of negative answers. */
export interface InviteClientUser<R> extends ClientUser<R> {
  acknowledge(response: R): void
}
