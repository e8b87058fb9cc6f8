import type { LocalReply } from '../../proxy/proxy.ts'
import type { RouteContext } from '../../script/context.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { InviteServer } from '../../sip/tx/invite-server.ts'
import { takeAckKey } from '../../sip/tx/key.ts'
import { NonInviteServer } from '../../sip/tx/non-invite-server.ts'
import { redirectContacts } from '../../sip/tx/redirect.ts'
import type { ServerUser, TxFailure } from '../../sip/tx/transaction-user.ts'
import { MAX_TRANSACTION_BRANCHES } from './branch.ts'
import { dropPhantom, releaseIfDone } from './release.ts'
import type { TmServices } from './services.ts'
import { countEnd } from './statistics.ts'
import type { Transaction } from './transaction.ts'

/** Puts the state machine towards the sender under a transaction. */
export function openServer(services: TmServices, t: Transaction): void {
  const owner = new Upstream(services, t)
  t.server = t.isInvite ? new InviteServer(t, owner) : new NonInviteServer(t, owner)
}

/** What the state machine towards the sender asks for. */
class Upstream implements ServerUser {
  readonly #services: TmServices
  readonly #t: Transaction

  constructor(services: TmServices, t: Transaction) {
    this.#services = services
    this.#t = t
  }

  transmit(bytes: Buffer, attempt: number): void {
    if (attempt > 0) this.#services.stats.retransmission_rpl_T2.value++
    transmit(this.#services, this.#t, bytes)
  }

  failed(reason: TxFailure): void {
    this.#services.log.debug('a reply reached nobody', { reason, callid: this.#t.initial.callId })
  }

  terminated(): void {
    this.#t.server = null
    this.#services.tables.servers.remove(this.#t)
    releaseIfDone(this.#services, this.#t)
  }
}

function transmit(services: TmServices, t: Transaction, bytes: Buffer): void {
  const hop = t.replyPath?.hop ?? services.proxy.replyHop(t.request)
  const socket = t.replyPath?.socket ?? t.request.origin.socket
  const sent = services.proxy.send(bytes, hop, socket, () => t.server?.transportError())
  if (!sent) t.server?.transportError()
}

/** A reply made here. The To tag of the transaction is added. */
export interface OwnReply {
  readonly status: number
  readonly reason: string
  /** Complete header lines. */
  readonly headers?: string
  readonly body?: string | Buffer
  /** Instead of the transaction's. */
  readonly toTag?: string
}

/**
 * Answers the request from here, with the reply headers collected in `m`. False: a final reply went before, or the
 * state machine has ended.
 */
export function respond(services: TmServices, t: Transaction, m: RouteContext, reply: OwnReply): boolean {
  if (t.caller !== null) return respondToCaller(services, t, reply)
  if (t.finalStatus !== 0 || t.server === null) return false
  const bytes = services.proxy.writeReply(m, localReply(t, m, reply))
  services.stats.local_replies.value++
  t.lastStatus = reply.status
  t.lastWasLocal = true
  // A machine on a reliable transport may end, and the transaction with it, before `respond` returns.
  t.holds++
  t.server.respond(reply.status, bytes)
  services.observer?.reply(t, bytes)
  if (reply.status >= 200) end(services, t, reply.status, reply.reason, null, reply.toTag ?? t.localToTag)
  t.holds--
  releaseIfDone(services, t)
  return true
}

function localReply(t: Transaction, m: RouteContext, reply: OwnReply): LocalReply {
  const contacts =
    reply.status >= 300 && reply.status < 400 ? redirectContacts(m.message.requestUri, m.target, m.branches) : ''
  return {
    status: reply.status,
    reason: reply.reason,
    toTag: reply.status === 100 ? '' : (reply.toTag ?? t.localToTag),
    headers: (reply.headers ?? '') + contacts,
    ...(reply.body === undefined ? {} : { body: reply.body }),
  }
}

function respondToCaller(services: TmServices, t: Transaction, reply: OwnReply): boolean {
  if (t.finalStatus !== 0 || reply.status < 200) return false
  t.lastStatus = reply.status
  t.lastWasLocal = true
  end(services, t, reply.status, reply.reason, null, '')
  releaseIfDone(services, t)
  return true
}

/** How a reply is changed on its way to the caller. */
export interface ReplyChanges {
  /** Instead of the status received. */
  readonly status?: number
  /** Complete header lines to add. */
  readonly headers?: string
}

/** Passes a received reply on to the caller. False: it cannot be, because no Via is left or a final reply went before. */
export function relayReply(
  services: TmServices,
  t: Transaction,
  reply: RouteContext,
  changes: ReplyChanges = {},
): boolean {
  const status = changes.status ?? reply.message.status
  if (t.caller !== null) return relayToCaller(services, t, status, reply)
  if (t.finalStatus !== 0 && !isLateSuccess(t, status)) return false
  if (changes.status !== undefined) replaceStatus(reply, changes.status)
  if (changes.headers !== undefined) reply.edits.insert(reply.message.headersEnd, changes.headers)
  const bytes = services.proxy.writeForwardedReply(reply)
  if (bytes === null) return false
  services.stats.relayed_replies.value++
  t.holds++
  // "After a final response has been sent on the server transaction, the following responses MUST be forwarded
  // immediately: - Any 2xx response to an INVITE request" (RFC 3261 §16.7 step 5): also when the state machine does not
  // take it, because it has sent something else before or has ended.
  if (t.server?.respond(status, bytes) !== true) transmit(services, t, bytes)
  noteRelayed(services, t, status, reply)
  t.holds--
  releaseIfDone(services, t)
  return true
}

function noteRelayed(services: TmServices, t: Transaction, status: number, reply: RouteContext): void {
  const isFirst = t.finalStatus === 0
  if (isFirst) {
    t.lastStatus = status
    t.lastWasLocal = false
  }
  if (status < 200) return
  if (isFirst) end(services, t, status, reply.message.reason, reply, reply.message.toTag)
  else rememberAck(services, t, reply.message, reply.message.toTag, false)
}

function relayToCaller(services: TmServices, t: Transaction, status: number, reply: RouteContext): boolean {
  if (t.finalStatus !== 0) return false
  t.lastStatus = status
  t.lastWasLocal = false
  if (status >= 200) end(services, t, status, reply.message.reason, reply, reply.message.toTag)
  else if (services.settings.passesProvisionals) t.caller?.provisional(reply)
  releaseIfDone(services, t)
  return true
}

/** Ends a transaction without a word to its sender. */
export function endSilently(services: TmServices, t: Transaction, status: number): void {
  t.holds++
  end(services, t, status, 'Request Timeout', null, '')
  t.server?.abandon()
  t.holds--
  releaseIfDone(services, t)
}

function isLateSuccess(t: Transaction, status: number): boolean {
  return t.isInvite && status >= 200 && status < 300
}

/** Writes another code into the status line; the phrase stays. */
function replaceStatus(reply: RouteContext, status: number): void {
  const at = reply.message.bytes.indexOf(0x20) + 1
  reply.edits.replace(at, at + 3, String(status))
}

function end(
  services: TmServices,
  t: Transaction,
  status: number,
  reason: string,
  reply: RouteContext | null,
  toTag: string,
): void {
  t.finalStatus = status
  t.idleTimer?.clear()
  t.idleTimer = null
  dropPhantom(t)
  countEnd(services.stats, status)
  if (status >= 200 && status < 300) rememberAck(services, t, t.initial, t.initial.toTag || toTag, reply === null)
  for (const observe of services.observers.final) observe(t, { status, reason, reply })
  t.caller?.final({ status, reason, reply })
}

/** Makes the ACK of a 2xx known: one made here is absorbed, that of a relayed one recognised (sip-core, 8.2 and 8.3). */
function rememberAck(
  { tables }: TmServices,
  t: Transaction,
  { callId, fromTag, cseq }: Pick<SipMessage, 'callId' | 'fromTag' | 'cseq'>,
  toTag: string,
  isLocal: boolean,
): void {
  if (!t.isInvite || t.caller !== null || t.acks.length >= MAX_TRANSACTION_BRANCHES) return
  takeAckKey(callId, fromTag, cseq, toTag)
  const place = tables.acks.add({ transaction: t, isLocal })
  if (place !== null) t.acks = t.acks.length === 0 ? [place] : [...t.acks, place]
}
