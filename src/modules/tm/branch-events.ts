import type { RouteContext, Step } from '../../script/context.ts'
import type { TxFailure } from '../../sip/tx/transaction-user.ts'
import { andThen } from '../../util/and-then.ts'
import { timerQueuesOf } from '../../util/timer-queues.ts'
import type { Branch } from './branch.ts'
import { COMPLETED_ELSEWHERE, cancelBranch, cancelPending, NO_ANSWER } from './cancel-branch.ts'
import { sendCancel } from './client.ts'
import { concludeIfComplete } from './conclude.ts'
import { inTurn } from './in-turn.ts'
import { bind } from './message-link.ts'
import { releaseIfDone } from './release.ts'
import type { BranchEvents, ClientEntry, TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'
import { relayReply, respond } from './upstream.ts'

/** Decides what the replies and failures of branches mean for their transactions. */
export function branchEvents(services: () => TmServices): BranchEvents {
  return {
    reply: (branch, reply) => takeReply(services(), branch, reply),
    failed: (branch, reason) => takeFailure(services(), branch, reason),
  }
}

/** A reply was received for a client transaction: it sees the state machine, and the reply routes if it got that far. */
export function receiveReply(services: TmServices, entry: ClientEntry, reply: RouteContext): void {
  services.stats.received_replies.value++
  const { branch } = entry
  // It has shed its request: whatever comes now is a repetition, and no route waits for it.
  if (branch.transaction.replyPath !== null) {
    entry.receive(reply)
    return
  }
  bind(reply, branch.transaction, branch)
  reply.request = branch.transaction.request
  if (services.settings.sharesAvpsWithReplies) reply.avps = branch.transaction.request.avps
  const before = branch.passedUp
  entry.receive(reply)
  // What the state machine absorbed (a repeated negative reply) still runs the reply routes, and then goes no further.
  if (branch.passedUp === before && reply.message.cseqMethod !== 'CANCEL')
    branch.inOrder(() => andThen(runReplyRoutes(services, branch, reply), () => {}))
}

function takeReply(services: TmServices, branch: Branch, reply: RouteContext): void {
  const t = branch.transaction
  branch.passedUp++
  t.holds++
  const { status } = reply.message
  if (status < 200) noteProvisional(services, branch, status)
  else branch.stopTimerC()
  branch.hasReply = true
  branch.inOrder(() =>
    andThen(runReplyRoutes(services, branch, reply), () => {
      t.holds--
      decide(services, branch, reply)
      releaseIfDone(services, t)
    }),
  )
}

function noteProvisional(services: TmServices, branch: Branch, status: number): void {
  if (branch.cancel === 'wanted') sendCancel(services, branch)
  const isLouder = status >= 180 && status > branch.lastStatus
  if (!branch.hasReply || services.settings.restartsTimerCOnEachReply || isLouder) startTimerC(services, branch)
  branch.lastStatus = status
}

/** Timer C of RFC 3261 §16.6 step 11 and §16.8. */
function startTimerC(services: TmServices, branch: Branch): void {
  const t = branch.transaction
  if (!t.isInvite || !branch.isPending) return
  branch.stopTimerC()
  branch.timerC = timerQueuesOf(services.clock).after(t.inviteMs, () => {
    branch.timerC = null
    if (!branch.isPending) return
    services.stats.timeout_finalresponse_inv.value++
    // "If the client transaction has received a provisional response, the proxy MUST generate a CANCEL request matching
    // that transaction." (RFC 3261 §16.8)
    cancelBranch(services, branch, NO_ANSWER)
    endLocally(services, branch, 408)
  })
}

/** The route armed in the branch_route first, then that of the transaction. */
function runReplyRoutes(services: TmServices, branch: Branch, reply: RouteContext): void | Promise<void> {
  const t = branch.transaction
  for (const observe of services.observers.reply) observe(t, branch, reply)
  const routes = andThen(runRoute(services, branch.replyRoute, reply), () => runRoute(services, t.routes.reply, reply))
  if (services.observers.routed.length === 0) return routes
  return andThen(routes, () =>
    andThen(
      inTurn(services.observers.routed, observe => observe(t, branch, reply)),
      () => {},
    ),
  )
}

function runRoute(services: TmServices, route: Step | null, reply: RouteContext): void | Promise<void> {
  if (route === null) return
  return andThen(services.script.run(route, reply), () => {})
}

function decide(services: TmServices, branch: Branch, reply: RouteContext): void {
  const { status } = reply.message
  if (branch.isReplica) {
    if (status >= 200) branch.finalStatus = status
  } else if (status < 200) relayProvisional(services, branch, reply)
  else if (status < 300) takeSuccess(services, branch, reply)
  else takeNegative(services, branch, reply)
}

function relayProvisional(services: TmServices, branch: Branch, reply: RouteContext): void {
  // "the following responses MUST be forwarded immediately: - Any provisional response other than 100 (Trying)"
  // (RFC 3261 §16.7 step 5)
  if (reply.message.status > 100 && !reply.dropped && branch.isPending) relayReply(services, branch.transaction, reply)
}

function takeSuccess(services: TmServices, branch: Branch, reply: RouteContext): void {
  const t = branch.transaction
  branch.lastStatus = reply.message.status
  branch.finalStatus = reply.message.status
  branch.reply = reply
  // A reply with no Via but ours leads nowhere: without one from here the caller, and the transaction, would wait forever.
  if (!relayReply(services, t, reply) && t.finalStatus === 0)
    respond(services, t, t.request, { status: 500, reason: 'Server Internal Error' })
  // "If the forwarded response was a final response, the proxy MUST generate a CANCEL request for all pending client
  // transactions associated with this response context." (RFC 3261 §16.7 step 10)
  cancelPending(services, t, COMPLETED_ELSEWHERE)
}

function takeNegative(services: TmServices, branch: Branch, reply: RouteContext): void {
  const t = branch.transaction
  if (!branch.isPending) return
  branch.lastStatus = reply.message.status
  branch.finalStatus = reply.message.status
  branch.reply = reply
  if (reply.message.status >= 600 && services.settings.blocksOn6xx) close(services, t)
  concludeIfComplete(services, t)
}

function close(services: TmServices, t: Transaction): void {
  // "If a 6xx response is received, it is not immediately forwarded, but the stateful proxy SHOULD cancel all client
  // pending transactions […] and it MUST NOT create any new branches in this context." (RFC 3261 §16.7 step 5)
  t.isClosed = true
  cancelPending(services, t, '')
}

function takeFailure(services: TmServices, branch: Branch, reason: TxFailure): void {
  branch.stopTimerC()
  if (!branch.isPending) return
  if (reason === 'timeout') services.stats.timeout_finalresponse.value++
  // "If the transport layer notifies a proxy of an error when it tries to forward a request […], the proxy MUST behave
  // as if the forwarded request received a 503 (Service Unavailable) response." (RFC 3261 §16.9)
  endLocally(services, branch, reason === 'timeout' ? 408 : 503)
}

/** Gives a branch a final status that nobody sent. */
export function endLocally(services: TmServices, branch: Branch, status: number): void {
  branch.stopTimerC()
  branch.lastStatus = status
  branch.finalStatus = status
  concludeIfComplete(services, branch.transaction)
  releaseIfDone(services, branch.transaction)
}
