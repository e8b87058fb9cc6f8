import type { RouteContext } from '../../script/context.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'

/** Stands where a request was that nobody will ask for any more. */
let nothing: RouteContext | null = null

/**
 * Lets go of what a transaction that has its final reply no longer needs: it stays only to absorb retransmissions, and
 * there are many of those. A call that was answered keeps its request where further 2xx, which may come, meet reply routes
 * or modules.
 */
export function shedLoad(services: TmServices, t: Transaction): void {
  if (t.finalStatus === 0 || t.replyPath !== null || t.caller !== null || !t.isScriptOver) return
  if (t.branches.some(branch => branch.isPending)) return
  // The transactions of RFC 2543 peers are told apart by more of the request than is kept (RFC 3261 §17.2.3).
  const isKnownByBranch = t.initial.topVia?.hasCookie === true
  const hasRoutes = t.routes.reply !== null || t.branches.some(branch => branch.replyRoute !== null)
  if (!t.isInvite) {
    if (isKnownByBranch && !hasRoutes) shedAll(services, t)
  } else if (t.finalStatus < 300) {
    const { reply, routed } = services.observers
    if (isKnownByBranch && !hasRoutes && reply.length + routed.length === 0) shedAll(services, t)
    else shedBranches(services, t)
  }
}

/** An accepted INVITE: neither ACK nor CANCEL is made from what was sent, nor is a reply chosen. */
function shedBranches(services: TmServices, t: Transaction): void {
  const { observers, script } = services
  for (const branch of t.branches) {
    if (branch.sent === null) continue
    branch.sent = null
    branch.reply = null
    if (observers.routed.length === 0) branch.context = nothing ??= script.dummyContext('request')
  }
}

function shedAll(services: TmServices, t: Transaction): void {
  t.replyPath = { hop: services.proxy.replyHop(t.request), socket: t.request.origin.socket }
  const husk = (nothing ??= services.script.dummyContext('request'))
  t.request = husk
  for (const branch of t.branches) {
    branch.sent = null
    branch.reply = null
    branch.context = husk
  }
}
