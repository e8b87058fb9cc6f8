import type { RouteContext } from '../../script/context.ts'
import { cancelPending } from './cancel-branch.ts'
import { linkOf } from './message-link.ts'
import { RelayFlag } from './relay-flags.ts'
import { dropPhantom } from './release.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'
import { respond } from './upstream.ts'

/** The INVITE transaction a CANCEL is about, or undefined (RFC 3261 §9.2). */
export function inviteOf(services: TmServices, cancel: RouteContext): Transaction | undefined {
  return services.tables.servers.find(cancel.message, 'INVITE')
}

/** The caller's CANCEL: ends the INVITE's branches, or answers it at once when nothing was sent. */
export function cancelByCaller(
  services: TmServices,
  invite: Transaction,
  cancel: RouteContext,
  relayFlags: number,
): void {
  const headers = linkOf(cancel).cancelHeaders + passedReasons(cancel, invite.relayFlags | relayFlags)
  cancelPendingInvite(services, invite, headers)
}

/** Ends the branches of an INVITE, or answers it at once when nothing was sent. False: it has ended already. */
export function cancelPendingInvite(services: TmServices, invite: Transaction, headers: string): boolean {
  // "If it has, the CANCEL request has no effect on the processing of the original request" (RFC 3261 §9.2): it has a
  // final response.
  if (invite.finalStatus !== 0 || invite.isCancelled) return false
  invite.isCancelled = true
  dropPhantom(invite)
  cancelPending(services, invite, headers)
  // "If the UAS has not issued a final response for the original request, its behavior depends on the method of the
  // original request. If the original request was an INVITE, the UAS SHOULD immediately respond to the INVITE with a 487
  // (Request Terminated)." (RFC 3261 §9.2) Where branches are pending, theirs is waited for.
  if (!invite.branches.some(b => b.isPending && !b.isReplica))
    respond(services, invite, invite.request, { status: 487, reason: 'Request Terminated' })
  return true
}

/** Cancels a request made here. False: it has ended. */
export function cancelOwn(services: TmServices, t: Transaction, headers: string): boolean {
  if (t.finalStatus !== 0) return false
  t.isCancelled = true
  cancelPending(services, t, headers)
  return true
}

function passedReasons(cancel: RouteContext, flags: number): string {
  if ((flags & RelayFlag.passReason) === 0) return ''
  const { message } = cancel
  let lines = ''
  for (let i = message.findNamed('Reason'); i >= 0; i = message.findNamed('Reason', i + 1))
    lines += `Reason: ${message.headerValue(i)}\r\n`
  return lines
}
