import { AvpStore } from '../../script/avp.ts'
import type { RouteContext, Step, Target } from '../../script/context.ts'
import { SipMessage } from '../../sip/codec/message.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'
import type { InviteClient } from '../../sip/tx/invite-client.ts'
import type { NonInviteClient } from '../../sip/tx/non-invite-client.ts'
import type { TxTimers } from '../../sip/tx/timers.ts'
import type { MachineSetup } from '../../sip/tx/transaction-user.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Transaction } from './transaction.ts'

/** Most branches of one transaction (tm reference, behaviour 14). */
export const MAX_TRANSACTION_BRANCHES = 256

/** `wanted`: to be sent with the first provisional reply (RFC 3261 §9.1). */
export type CancelState = 'none' | 'wanted' | 'sent'

/** One way a request was forwarded: a client transaction with what was sent and what came back. Plain state. */
export class Branch implements MachineSetup {
  readonly transaction: Transaction
  readonly index: number
  /** Branch parameter of the Via it was sent with. */
  readonly id: string
  /** The request with what the branch_route changed for this branch only. */
  context: RouteContext
  /** Armed in the branch_route. */
  replyRoute: Step | null = null
  avps = new AvpStore()
  /** Addresses of the same target that have not been tried. */
  hops: readonly Hop[] = []
  hop: Hop | null = null
  socket: ListenSocket | null = null
  client: InviteClient<RouteContext> | NonInviteClient<RouteContext> | null = null
  timerC: Timer | null = null
  /** Last status received, or made here. */
  lastStatus = 0
  /** The same, if final; otherwise 0. */
  finalStatus = 0
  /** The final reply; null when it was made here. */
  reply: RouteContext | null = null
  hasReply = false
  /** How many replies its state machine has passed up. */
  passedUp = 0
  cancel: CancelState = 'none'
  cancelHeaders = ''
  /** A copy nobody waits for (t_replicate). */
  readonly isReplica: boolean
  /** Another address of the same target has taken over. */
  isSuperseded = false
  #sent: Buffer | null = null
  #sentMessage: SipMessage | null = null
  #tail: Promise<unknown> | null = null

  constructor(transaction: Transaction, index: number, context: RouteContext, isReplica: boolean) {
    this.transaction = transaction
    this.index = index
    this.id = `z9hG4bK${transaction.id}.${index.toString(16)}`
    this.context = context
    this.isReplica = isReplica
  }

  get clock(): Clock {
    return this.transaction.clock
  }
  get timers(): TxTimers {
    return this.transaction.timers
  }
  /** Whether the transport it is sent over repeats by itself what is lost. */
  get reliable(): boolean {
    return this.hop !== null && this.hop.proto !== 'udp'
  }
  get target(): Target {
    return this.context.target
  }
  get isPending(): boolean {
    return this.finalStatus === 0
  }
  get sent(): Buffer | null {
    return this.#sent
  }
  set sent(bytes: Buffer | null) {
    this.#sent = bytes
    this.#sentMessage = null
  }
  /** What was sent, to make its ACK and CANCEL from. */
  get sentMessage(): SipMessage | null {
    if (this.#sentMessage === null && this.#sent !== null) this.#sentMessage = SipMessage.parse(this.#sent)
    return this.#sentMessage
  }

  /** Runs steps that may wait one after the other, so that replies keep their order. */
  inOrder(step: () => void | Promise<void>): void {
    const result = this.#tail === null ? step() : this.#tail.then(step)
    if (!(result instanceof Promise)) return
    const tail = result.finally(() => {
      if (this.#tail === tail) this.#tail = null
    })
    this.#tail = tail
  }

  /** Ends the wait for a final reply. */
  stopTimerC(): void {
    this.timerC?.clear()
    this.timerC = null
  }
}
