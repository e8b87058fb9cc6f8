import type { RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { CreateFlag } from './create-flags.ts'
import type { Dialog, Leg } from './dialog.ts'
import { sendTo } from './local-requests.ts'
import type { DialogServices } from './services.ts'

/**
 * Answers a reliable provisional reply with a PRACK on behalf of the caller, who gets the reply as an ordinary one
 * (RFC 3262 §4). A repetition is answered again when auto_prack_interval has passed, unless the PRACK was answered.
 */
export function acknowledgeProvisional(
  services: DialogServices,
  dialog: Dialog,
  callee: Leg,
  reply: RouteContext,
): void {
  if ((dialog.flags & CreateFlag.autoPrack) === 0) return
  const { message } = reply
  const header = message.findNamed('RSeq')
  const number = header < 0 ? Number.NaN : Number(message.headerValue(header))
  if (!Number.isInteger(number) || !requires100rel(reply)) return
  hideReliability(reply)
  const { autoPrackCseqOffset, autoPrackIntervalS } = services.settings
  const nowMs = services.clock.monotonicMs()
  const last = callee.prack
  if (last?.number === number && (last.isAnswered || nowMs - last.sentMs < autoPrackIntervalS * 1000)) return
  const sent = { number, sentMs: nowMs, isAnswered: false }
  callee.prack = sent
  // The ACK keeps the number of its INVITE, whatever was sent between them.
  dialog.caller.invite ??= { cseq: dialog.caller.cseq, shift: dialog.raisedCseq }
  callee.added += autoPrackCseqOffset
  const headers = `RAck: ${number} ${message.cseq} ${message.cseqMethod}\r\n`
  void sendTo(services, dialog, 'callee', { method: 'PRACK', headers }, callee)?.then(({ status }) => {
    sent.isAnswered = status < 300
    if (status >= 300)
      services.log.often().warn('a PRACK made here was refused', { callid: dialog.origin.callId, status })
  })
}

function requires100rel({ message }: RouteContext): boolean {
  for (let i = message.find(HeaderId.require); i >= 0; i = message.find(HeaderId.require, i + 1))
    if (optionsIn(message.headerValue(i)).includes('100rel')) return true
  return false
}

/** Takes out what would make the caller send a PRACK of its own. */
function hideReliability({ message, edits }: RouteContext): void {
  for (let i = message.findNamed('RSeq'); i >= 0; i = message.findNamed('RSeq', i + 1))
    edits.remove(message.headerStart(i), message.headerEnd(i))
  for (let i = message.find(HeaderId.require); i >= 0; i = message.find(HeaderId.require, i + 1)) {
    const options = optionsIn(message.headerValue(i))
    const left = options.filter(option => option !== '100rel')
    if (left.length === 0) edits.remove(message.headerStart(i), message.headerEnd(i))
    else if (left.length < options.length) edits.replace(message.valueStart(i), message.valueEnd(i), left.join(', '))
  }
}

const optionsIn = (value: string): readonly string[] => value.split(',').map(option => option.trim().toLowerCase())
