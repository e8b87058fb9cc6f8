import type { RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import { acknowledgeProvisional } from './auto-prack.ts'
import { changed } from './changes.ts'
import { CreateFlag } from './create-flags.ts'
import { type Dialog, newLeg, type Transaction } from './dialog.ts'
import { contactOf, learnCallee, sdpOf } from './legs.ts'
import { advance, startRaceTimer } from './lifecycle.ts'
import { type DialogLink, linkOf } from './message-link.ts'
import type { DialogServices } from './services.ts'

/** Follows the transactions of dialogs. */
export function followTransactions(services: DialogServices): void {
  const { tm } = services
  tm.onCreated((t, m) => {
    const link = linkOf(m)
    if (link?.match === null) link.dialog.transaction = t
  })
  tm.onReply((t, branch, reply) => {
    const link = linkOf(t.request)
    if (link === undefined || reply.message.cseqMethod !== t.method) return
    if (link.match === null) takeReply(services, link.dialog, t, reply, branch.socket)
    else takeInDialogReply(services, link, t, reply)
  })
  tm.onFinal((t, { status, reply }) => {
    const link = linkOf(t.request)
    if (link === undefined || link.match !== null) return
    link.dialog.transaction = null
    if (status < 300) takeSuccess(services, link.dialog, t, reply)
    else takeFailure(services, link.dialog, reply)
  })
}

function takeReply(
  services: DialogServices,
  dialog: Dialog,
  t: Transaction,
  reply: RouteContext,
  socket: ListenSocket | null,
): void {
  const { status } = reply.message
  if (status <= 100 || status >= 300) return
  const callee = learnCallee(services, dialog, reply.message, socket)
  if (status < 200) {
    if (callee !== null) acknowledgeProvisional(services, dialog, callee, reply)
    if (reply.message.toTag !== '') advance(services, dialog, 'provisional')
  } else if (t.finalStatus !== 0) takeSuccess(services, dialog, t, reply)
}

function takeSuccess(services: DialogServices, dialog: Dialog, t: Transaction, reply: RouteContext | null): void {
  const tag = reply?.message.toTag ?? t.localToTag
  let leg = dialog.calleeByTag(tag)
  if (leg === undefined && reply === null) {
    leg = dialog.addCallee(newLeg({ tag }))
  }
  dialog.answered ??= leg ?? null
  if (!advance(services, dialog, 'success')) return
  if (t.isCancelled && (dialog.flags & CreateFlag.endOnRace) !== 0) startRaceTimer(services, dialog)
}

function takeFailure(services: DialogServices, dialog: Dialog, reply: RouteContext | null): void {
  if (reply !== null) learnCallee(services, dialog, reply.message, null)
  advance(services, dialog, 'failure')
}

/** A reply inside the dialog: gets the CSeq number of its request back, and may move the remote target. */
function takeInDialogReply(services: DialogServices, link: DialogLink, t: Transaction, reply: RouteContext): void {
  const { message } = reply
  if (link.cseqShift !== 0) replaceCseq(reply, t.initial.cseq)
  const { match } = link
  if (match === null || message.status < 200 || message.status >= 300 || !refreshesTarget(t.initial)) return
  const leg = match.direction === 'downstream' ? match.callee : link.dialog.caller
  const contact = contactOf(message) || leg.contact
  const sdp = sdpOf(message) || leg.sdp
  if (contact === leg.contact && sdp === leg.sdp) return
  leg.contact = contact
  leg.sdp = sdp
  changed(services, link.dialog, 'state')
}

/** RFC 3261 §12.2: requests that may move the remote target. */
export function refreshesTarget(request: SipMessage): boolean {
  return request.method === 'INVITE' || request.method === 'UPDATE' || request.method === 'SUBSCRIBE'
}

/** Writes another number into CSeq. */
export function replaceCseq(m: RouteContext, number: number): void {
  const { message } = m
  const header = message.find(HeaderId.cseq)
  if (header < 0) return
  const start = message.valueStart(header)
  const digits = /^\d+/.exec(message.headerValue(header))?.[0].length ?? 0
  if (digits > 0) m.edits.replace(start, start + digits, String(number))
}
