import type { RouteContext, Target, Verdict } from '../../script/context.ts'
import type { AsyncCall } from '../../script/environment.ts'
import type { LocalFailure } from '../../sip/tx/failure-reply.ts'
import { andThen } from '../../util/and-then.ts'
import { cancelPendingInvite } from './caller-cancel.ts'
import { isDummy, NewTransaction, newTransaction } from './create.ts'
import { expectBranches, giveUpBranch, injectBranches, targetOfEvent, waitForNewBranches } from './inject.ts'
import type { LocalRequest, RequestSender } from './local-request.ts'
import { linkOf, transactionOf } from './message-link.ts'
import type { Observers, TmServices } from './services.ts'
import { type RelayRequest, relay, reply } from './stateful.ts'
import type { LocalOutcome, Transaction } from './transaction.ts'
import type { OwnReply } from './upstream.ts'

export type { Branch } from './branch.ts'
export type { LocalRequest } from './local-request.ts'
export type { SentReply } from './services.ts'
export type { RelayRequest } from './stateful.ts'
export type { LocalOutcome, Transaction } from './transaction.ts'
export type { OwnReply } from './upstream.ts'

/** What other modules may do with transactions. */
export interface TmApi {
  /** The transaction of a message, or null. */
  current(m: RouteContext): Transaction | null
  /** t_newtran. */
  newTransaction(m: RouteContext): Verdict
  /** t_relay. */
  relay(m: RouteContext, request?: RelayRequest): Verdict | Promise<Verdict>
  /** t_reply. */
  reply(m: RouteContext, own: OwnReply): Verdict
  /** Sends a request of our own; local_route runs for it. Never rejects. */
  request(request: LocalRequest): Promise<LocalOutcome>
  /** Gives up a pending INVITE, as its sender's CANCEL would: header lines for the CANCELs. False: it has ended. */
  cancel(transaction: Transaction, headers: string): boolean
  /** t_wait_for_new_branches, without a bound on their number. False: the transaction cannot wait. */
  waitForBranches(transaction: Transaction): boolean
  /** Waits for so many more branches, of any request, as long as for a final reply. False: the transaction has ended. */
  expectBranches(transaction: Transaction, count: number): boolean
  /** One of those does not come. */
  giveUpBranch(transaction: Transaction): void
  /** t_inject_branches: adds a branch to a transaction. Gives its codes. */
  inject(transaction: Transaction, branch: Target): Verdict | Promise<Verdict>
  /** The target that the AVPs of a contact event describe; null when one that is never empty is missing. */
  eventTarget(m: RouteContext): Target | null
  /** Lets t_inject_branches in the route of `m` add to `transaction` (event_routing). */
  attach(m: RouteContext, transaction: Transaction): void
  /** Why the last tm function failed for this message, for sl_reply_error; null when it did not. */
  lastFailure(m: RouteContext): LocalFailure | null
  /** Called when a request has opened a transaction. Callbacks must not throw. */
  onCreated(callback: Observers['created'][number]): void
  /** Called for each reply received on a branch, before it is decided upon. */
  onReply(callback: Observers['reply'][number]): void
  /** Called for each reply when its reply routes have run, before it is decided upon: the last who may change it. */
  onReplyRouted(callback: Observers['routed'][number]): void
  /** Called once for each transaction, when the final reply has been sent to the caller. */
  onFinal(callback: Observers['final'][number]): void
  /** Called when all branches have failed, before the failure_route. */
  onFailed(callback: Observers['failed'][number]): void
  /**
   * Takes over an `async()` statement of a script: opens the transaction if a request has none, so that it is found
   * while the function waits, and then runs the resume route on the same message. Where no transaction can be opened
   * the resume route runs at once with −1.
   */
  startAsync(m: RouteContext, call: AsyncCall): Verdict | Promise<Verdict>
}

/** The API on the running module. */
export function tmApi(services: TmServices, sender: RequestSender): TmApi {
  const { observers } = services
  return {
    current: transactionOf,
    newTransaction: m => newTransaction(services, m),
    relay: (m, request) => relay(services, m, request),
    reply: (m, own) => reply(services, m, own),
    request: request => sender.send(request),
    cancel: (transaction, headers) => cancelPendingInvite(services, transaction, headers),
    attach: (m, transaction) => {
      linkOf(m).remote = transaction
    },
    waitForBranches: transaction => waitForNewBranches(services, transaction, Number.POSITIVE_INFINITY),
    expectBranches: (transaction, count) => expectBranches(services, transaction, count),
    giveUpBranch: transaction => giveUpBranch(services, transaction),
    inject: (transaction, branch) =>
      injectBranches(services, transaction, [branch], { cancelsOthers: false, isLast: false }),
    eventTarget: m => targetOfEvent(services, m),
    lastFailure: m => linkOf(m).failure,
    onCreated: callback => void observers.created.push(callback),
    onReply: callback => void observers.reply.push(callback),
    onReplyRouted: callback => void observers.routed.push(callback),
    onFinal: callback => void observers.final.push(callback),
    onFailed: callback => void observers.failed.push(callback),
    startAsync: (m, call) => startAsync(services, m, call),
  }
}

function startAsync(services: TmServices, m: RouteContext, call: AsyncCall): Verdict | Promise<Verdict> {
  const needsTransaction =
    m.kind === 'request' && m.message.method !== 'ACK' && !isDummy(m) && transactionOf(m) === null
  if (needsTransaction) {
    const created = newTransaction(services, m)
    if (created === NewTransaction.retransmission) return 0
    if (created !== NewTransaction.created) return call.resume(m, -1)
  }
  return andThen(call.start(m), rc => call.resume(m, rc))
}
