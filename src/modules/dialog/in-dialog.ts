import type { RouteContext } from '../../script/context.ts'
import { changed } from './changes.ts'
import { type Match, matchTags } from './dialog-table.ts'
import { contactOf, sdpOf } from './legs.ts'
import { advance, EndReason } from './lifecycle.ts'
import { linkMessage, linkOf } from './message-link.ts'
import type { DialogServices } from './services.ts'
import { DialogState } from './states.ts'
import { refreshesTarget, replaceCseq } from './transactions.ts'

/** How a request may find its dialog. */
export interface MatchWays {
  /** By the parameter of our Record-Route. */
  readonly byId: boolean
  /** By Call-ID and tags. */
  readonly byTags: boolean
}

/**
 * Ties a request to the dialog it is inside of, and does what it means for that. False: there is none. A promise where
 * another module has to wait for something before the request can go on.
 */
export function matchRequest(services: DialogServices, m: RouteContext, ways: MatchWays): boolean | Promise<boolean> {
  const known = linkOf(m)
  if (known !== undefined) return known.match !== null
  if (!m.message.isRequest || m.message.toTag === '') return false
  const match = findMatch(services, m, ways)
  return match !== null && takeAndTell(services, m, match)
}

/** The same for a request that carries the id of its dialog elsewhere than in a Route. */
export function matchRequestById(services: DialogServices, m: RouteContext, text: string): boolean | Promise<boolean> {
  const known = linkOf(m)
  if (known !== undefined) return known.match !== null
  const dialog = services.table.findText(text)
  if (dialog === undefined || !m.message.isRequest) return false
  const match = matchTags(dialog, m.message.fromTag, m.message.toTag)
  return match !== null && takeAndTell(services, m, match)
}

function takeAndTell(services: DialogServices, m: RouteContext, match: Match): boolean | Promise<boolean> {
  take(services, m, match)
  const { within } = services.observers
  if (within.length === 0) return true
  const pending = within.map(observe => observe(m, match)).filter(one => one instanceof Promise)
  return pending.length === 0 ? true : Promise.all(pending).then(() => true)
}

function findMatch(services: DialogServices, m: RouteContext, ways: MatchWays): Match | null {
  const { callId, fromTag, toTag } = m.message
  if (ways.byId) {
    const cookie = services.rr.param(m, services.settings.rrParam)
    const dialog = cookie === null ? undefined : services.table.findText(cookie)
    const match = dialog?.origin.callId === callId ? matchTags(dialog, fromTag, toTag) : null
    if (match !== null) return match
  }
  return ways.byTags ? services.table.match(callId, fromTag, toTag) : null
}

function take(services: DialogServices, m: RouteContext, match: Match): void {
  const { message } = m
  const { dialog, direction, callee } = match
  const sender = direction === 'downstream' ? dialog.caller : callee
  const receiver = direction === 'downstream' ? callee : dialog.caller
  const previousCseq = sender.cseq
  const isAck = message.method === 'ACK'
  const cseqShift = isAck && sender.invite?.cseq === message.cseq ? sender.invite.shift : receiver.added
  if (message.method === 'INVITE') sender.invite = { cseq: message.cseq, shift: cseqShift }
  linkMessage(m, { dialog, direction, match, previousCseq, cseqShift })
  if (cseqShift !== 0) replaceCseq(m, message.cseq + cseqShift)
  if (!isAck) sender.cseq = Math.max(sender.cseq, message.cseq)
  if (refreshesTarget(message)) sender.contact = contactOf(message) || sender.contact
  const sdp = sdpOf(message)
  if (sdp !== '') sender.sdp = sdp
  if (isAck) advance(services, dialog, 'ack')
  else if (message.method === 'BYE') takeBye(services, m, match)
  if (!isAck || sdp !== '') changed(services, dialog, 'state')
}

function takeBye(services: DialogServices, m: RouteContext, { dialog, direction, callee }: Match): void {
  if (dialog.state === DialogState.unconfirmed || dialog.state === DialogState.early) {
    dialog.hasByeSeen = true
    return
  }
  // After forking, the caller ends the calls it does not want; the one that was answered first goes on.
  if (dialog.answered !== null && callee !== dialog.answered) return
  if (!dialog.isActive) return
  dialog.endReason = direction === 'upstream' ? EndReason.upstreamBye : EndReason.downstreamBye
  advance(services, dialog, 'bye', m)
}

/** An ACK whose route did not follow its Route set still confirms the call. */
export function takeUnmatched(services: DialogServices, m: RouteContext): void {
  if (m.message.method !== 'ACK' || linkOf(m) !== undefined) return
  void matchRequest(services, m, { byId: false, byTags: services.settings.matchesByTags })
}

/** Another module has raised the CSeq number of this request by one: later ones to the same party count on from there. */
export function raiseCseq(m: RouteContext): void {
  const link = linkOf(m)
  if (link === undefined) return
  const { dialog, match } = link
  if (match === null) {
    dialog.raisedCseq++
    dialog.caller.invite = { cseq: m.message.cseq, shift: dialog.raisedCseq }
    return
  }
  const isDownstream = match.direction === 'downstream'
  const [sender, receiver] = isDownstream ? [dialog.caller, match.callee] : [match.callee, dialog.caller]
  receiver.added++
  if (m.message.method === 'INVITE') sender.invite = { cseq: m.message.cseq, shift: receiver.added }
}
