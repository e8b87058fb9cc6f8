import type { RouteContext } from '../../script/context.ts'
import { InviteServer } from '../../sip/tx/invite-server.ts'
import { takeAckKey } from '../../sip/tx/key.ts'
import { receiveReply } from './branch-events.ts'
import { transactionOf } from './message-link.ts'
import type { TmServices } from './services.ts'
import { shedLoad } from './shed-load.ts'
import type { AckEntry, Transaction } from './transaction.ts'
import { respond } from './upstream.ts'

/**
 * A request, before the script sees it. True: it belongs to a transaction and goes no further: a retransmission, the
 * ACK of a negative reply, or the ACK of a 2xx made here.
 */
export function absorbRequest(services: TmServices, m: RouteContext): boolean {
  const known = services.tables.servers.find(m.message)
  if (m.message.method === 'ACK') return absorbAck(services, m, known)
  if (known === undefined) return false
  known.server?.receiveRequest()
  return true
}

function absorbAck(services: TmServices, m: RouteContext, known: Transaction | undefined): boolean {
  if (known?.server instanceof InviteServer && known.server.receiveAck()) return true
  return ackOf(services, m)?.isLocal === true
}

/** The 2xx an ACK acknowledges, if it went through a transaction that is still here. */
export function ackOf(services: TmServices, ack: RouteContext): AckEntry | undefined {
  const { callId, fromTag, cseq, toTag } = ack.message
  takeAckKey(callId, fromTag, cseq, toTag)
  return services.tables.acks.get()
}

/** A reply. True: it belongs to a transaction. */
export function matchReply(services: TmServices, m: RouteContext): boolean {
  const entry = services.tables.clients.find(m.message)
  if (entry === undefined) return false
  receiveReply(services, entry, m)
  return true
}

/** The script has ended for a request: a transaction it opened and did nothing with must not stay. */
export function afterScript(services: TmServices, m: RouteContext): void {
  const t = transactionOf(m)
  if (t === null || t.request !== m || t.caller !== null) return
  t.isScriptOver = true
  if (t.finalStatus !== 0 || t.isReleased) {
    if (t.holds === 0) shedLoad(services, t)
    return
  }
  if (t.branches.length > 0 || t.phantom !== null || t.holds > 0) return
  if (t.lastStatus > 100) {
    // Somebody said it would be answered: by management, by another call. The caller is not kept waiting for ever.
    t.idleTimer ??= services.clock.after(t.inviteMs, () => {
      respond(services, t, t.request, { status: 408, reason: 'Request Timeout' })
    })
    return
  }
  services.log.error('the script neither answered nor forwarded a request it opened a transaction for', {
    method: t.method,
    callid: t.initial.callId,
  })
  t.server?.abandon()
}
