import type { Branch } from './branch.ts'
import { sendCancel } from './client.ts'
import { RelayFlag } from './relay-flags.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'

/** Why a branch is cancelled: as Reason header lines (RFC 3326). */
export const COMPLETED_ELSEWHERE = 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'
export const NO_ANSWER = 'Reason: SIP;cause=480;text="NO_ANSWER"\r\n'

/** Cancels one branch: at once, or as soon as a provisional reply allows it. Does nothing to one that has ended. */
export function cancelBranch(services: TmServices, branch: Branch, headers: string): void {
  if (!branch.transaction.isInvite || !branch.isPending || branch.client === null || branch.cancel !== 'none') return
  branch.cancelHeaders = headers
  // "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather, the client MUST wait for
  // the arrival of a provisional response before sending the request." (RFC 3261 §9.1)
  if (branch.hasReply) sendCancel(services, branch)
  else branch.cancel = 'wanted'
}

/** Cancels every pending branch but `except`. */
export function cancelPending(
  services: TmServices,
  t: Transaction,
  headers: string,
  except: Branch | null = null,
): void {
  if (headers === COMPLETED_ELSEWHERE && asksNotToCancel(t)) return
  for (const branch of t.branches) if (branch !== except) cancelBranch(services, branch, headers)
}

/** A caller may want all phones to go on ringing (RFC 3841 §9.1), where the script allows it. */
function asksNotToCancel(t: Transaction): boolean {
  if ((t.relayFlags & RelayFlag.allowNoCancel) === 0) return false
  const message = t.initial
  for (let i = message.findNamed('Request-Disposition'); i >= 0; i = message.findNamed('Request-Disposition', i + 1)) {
    const directives = message
      .headerValue(i)
      .split(',')
      .map(d => d.trim().toLowerCase())
    if (directives.includes('no-cancel')) return true
  }
  return false
}
