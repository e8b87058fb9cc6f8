import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { LocalFailure } from '../../sip/tx/failure-reply.ts'
import type { Branch } from './branch.ts'
import { type ArmedRoutes, NO_ROUTES, type Transaction } from './transaction.ts'

/** What tm keeps with each message a script runs for. */
export interface MessageLink {
  transaction: Transaction | null
  /** In branch, onreply and failure routes: the branch it is about. */
  branch: Branch | null
  /** Armed before there was a transaction. */
  armed: ArmedRoutes
  /** `$T_fr_timeout` and `$T_fr_inv_timeout` set before there was a transaction, in ms. */
  finalMs: number | null
  inviteMs: number | null
  /** Header lines for the CANCELs this CANCEL causes (t_add_cancel_reason). */
  cancelHeaders: string
  /** Why the last function failed, for sl_reply_error. */
  failure: LocalFailure | null
  /** The transaction another part has put at the disposal of this message: t_inject_branches adds to it. */
  remote: Transaction | null
  /** A copy of a message made here, shown to a route: nothing is sent for it. */
  isObservation: boolean
}

const slot = messageSlot<MessageLink>()

/** What tm keeps with `m`; made on first use. */
export function linkOf(m: RouteContext): MessageLink {
  const known = slot.get(m)
  if (known !== undefined) return known
  const link: MessageLink = {
    transaction: null,
    branch: null,
    armed: NO_ROUTES,
    finalMs: null,
    inviteMs: null,
    cancelHeaders: '',
    failure: null,
    remote: null,
    isObservation: false,
  }
  slot.set(m, link)
  return link
}

/** Binds a message made for a transaction to it. */
export function bind(m: RouteContext, transaction: Transaction, branch: Branch | null): void {
  slot.set(m, undefined)
  const link = linkOf(m)
  link.transaction = transaction
  link.branch = branch
}

/** The transaction of a message, or null. */
export function transactionOf(m: RouteContext): Transaction | null {
  return slot.get(m)?.transaction ?? null
}

/** The branch of a message, or null. */
export function branchOf(m: RouteContext): Branch | null {
  return slot.get(m)?.branch ?? null
}
