import type { RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { andThen } from '../../util/and-then.ts'
import { bestReply } from './best-reply.ts'
import type { Branch } from './branch.ts'
import { cancelPending } from './cancel-branch.ts'
import { failureContext, keepAfterFailure } from './contexts.ts'
import { failOver } from './relay.ts'
import { dropPhantom, releaseIfDone } from './release.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'
import { endSilently, relayReply, respond } from './upstream.ts'

/** The reply a transaction is to end with: that of a branch, or a status of our own. */
interface Choice {
  readonly finalStatus: number
  readonly branch: Branch | null
}

/**
 * Chooses the best reply once every branch has ended (RFC 3261 §16.7 step 6): tries a further address of the target,
 * runs the failure_route, and sends the choice to the caller unless one of them went on.
 */
export function concludeIfComplete(services: TmServices, t: Transaction): void {
  if (t.finalStatus !== 0 || t.isReleased || t.holds > 0 || !isComplete(services, t)) return
  const choice = choose(t)
  if (choice.branch !== null && deservesFailover(choice.branch) && failOver(services, choice.branch)) return
  // It has had its say.
  dropPhantom(t)
  const reply = choice.branch?.reply ?? null
  for (const observe of services.observers.failed) observe(t, choice.finalStatus, reply)
  const route = t.routes.failure
  if (route === null) {
    sendChoice(services, t, choice)
    return
  }
  // Armed for one run: the route arms itself again if it wants to.
  t.routes = { ...t.routes, failure: null }
  t.chosenStatus = choice.finalStatus
  t.firstBranch = t.branches.length
  const m = failureContext(t, choice.branch)
  t.holds++
  void andThen(services.script.run(route, m), () => {
    t.holds--
    keepAfterFailure(t, m)
    afterFailureRoute(services, t, choice)
  })
}

function afterFailureRoute(services: TmServices, t: Transaction, choice: Choice): void {
  const hasGoneOn = t.branches.length > t.firstBranch || t.phantom !== null
  if (t.finalStatus === 0 && !hasGoneOn) sendChoice(services, t, choice)
  else concludeIfComplete(services, t)
  releaseIfDone(services, t)
}

function isComplete(services: TmServices, t: Transaction): boolean {
  // Other branches of such a request cannot be cancelled, so nothing is gained by waiting for them.
  if (t.isClosed && !t.isInvite) return true
  if (t.phantom !== null && !t.phantom.isExpired) return false
  const { minorBranchBit } = services.settings
  return t.group.every(b => !b.isPending || b.isReplica || (b.target.flags & minorBranchBit) !== 0)
}

function choose(t: Transaction): Choice {
  const ended = t.group.filter(b => !b.isPending && !b.isReplica && !b.isSuperseded)
  const choices: Choice[] = ended.map(branch => ({ finalStatus: branch.finalStatus, branch }))
  // The branch that was waited for and never came counts as one that did not answer.
  if (t.phantom !== null || choices.length === 0) choices.push({ finalStatus: 408, branch: null })
  const best = bestReply(choices, t.isCancelled) ?? { finalStatus: 408, branch: null }
  // Nobody answered because the caller did not let them.
  if (t.isCancelled && best.finalStatus === 408 && (best.branch?.reply ?? null) === null)
    return { finalStatus: 487, branch: best.branch }
  return best
}

function deservesFailover(branch: Branch): boolean {
  return branch.finalStatus === 503 || (branch.finalStatus === 408 && !branch.hasReply)
}

function sendChoice(services: TmServices, t: Transaction, choice: Choice): void {
  const reply = choice.branch?.reply ?? null
  // "A transaction-stateful SIP element MUST NOT send a response with Status-Code of 408 to a non-INVITE request."
  // (RFC 4320 §4.2)
  const isKeptBack = choice.finalStatus === 408 && !t.isInvite && !services.settings.sendsNonInvite408
  if (isKeptBack && t.caller === null) endSilently(services, t, 408)
  else if (reply === null) sendOwn(services, t, choice.finalStatus)
  else if (!relayReply(services, t, reply, changesTo(services, t, choice, reply))) sendOwn(services, t, 500)
  // Branches nobody waits for end with the others.
  cancelPending(services, t, '')
}

const REASONS: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  487: 'Request Terminated',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
}

function sendOwn(services: TmServices, t: Transaction, status: number): void {
  respond(services, t, t.request, { status, reason: REASONS[status] ?? 'Failure' })
}

function changesTo(
  services: TmServices,
  t: Transaction,
  choice: Choice,
  reply: RouteContext,
): { status?: number; headers?: string } {
  const { status } = reply.message
  // "a proxy which receives a 503 (Service Unavailable) response SHOULD NOT forward it upstream unless it can determine
  // that any subsequent requests it might proxy will also generate a 503." (RFC 3261 §16.7 step 6)
  if (status === 503 && services.settings.translates503) return { status: 500 }
  if (status === 401 || status === 407) return { headers: challengesOfOthers(t, choice.branch) }
  return {}
}

/** The challenges of the other branches (RFC 3261 §16.7 step 7), as the lines they came in. */
function challengesOfOthers(t: Transaction, chosen: Branch | null): string {
  let lines = ''
  for (const { reply, finalStatus } of t.branches) {
    if (reply === null || reply === chosen?.reply || (finalStatus !== 401 && finalStatus !== 407)) continue
    const { message } = reply
    for (let i = 0; i < message.headerCount; i++) {
      const id = message.headerId(i)
      if (id === HeaderId.wwwAuthenticate || id === HeaderId.proxyAuthenticate)
        lines += `${message.headerName(i)}: ${message.headerValue(i)}\r\n`
    }
  }
  return lines
}
