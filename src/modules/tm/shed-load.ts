import type { RouteContext } from '../../script/context.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'

/** Stands where a request was that nobody will ask for any more. */
let nothing: RouteContext | null = null

/**
 * Lets go of what a transaction that has its final reply no longer needs: it stays only to absorb retransmissions, and
 * there are many of those. A call that was answered keeps its request, since further 2xx may come and run reply routes.
 */
export function shedLoad(services: TmServices, t: Transaction): void {
  if (t.finalStatus === 0 || t.replyPath !== null || t.caller !== null || !t.isScriptOver) return
  if (t.branches.some(branch => branch.isPending)) return
  if (t.isInvite) {
    if (t.finalStatus < 300) shedBranches(services, t)
  } else if (t.routes.reply === null && t.branches.every(branch => branch.replyRoute === null)) shedAll(services, t)
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
