import { randomBytes } from 'node:crypto'
import { AvpStore } from '../../script/avp.ts'
import { RouteContext, target } from '../../script/context.ts'
import { Edits } from '../../sip/codec/edits.ts'
import { HeaderId, headerIdOf } from '../../sip/codec/header-id.ts'
import { SipMessage } from '../../sip/codec/message.ts'
import { parseNameAddr } from '../../sip/codec/name-addr.ts'
import { buildRequest } from '../../sip/codec/write.ts'
import type { ListenSocket, Origin } from '../../sip/net/endpoint.ts'
import { failurePhrase, failureReply } from '../../sip/tx/failure-reply.ts'
import { andThen } from '../../util/and-then.ts'
import { concludeIfComplete } from './conclude.ts'
import { newLocalTransaction } from './create.ts'
import { relayTargets } from './relay.ts'
import { releaseIfDone } from './release.ts'
import type { TmServices } from './services.ts'
import type { LocalCaller, LocalOutcome, Transaction } from './transaction.ts'
import { respond } from './upstream.ts'

/** A request to be sent from here. */
export interface LocalRequest {
  readonly method: string
  readonly uri: string
  /** Values of From and To; a tag is added to a From without one. */
  readonly from: string
  readonly to: string
  /** Made when absent. */
  readonly callId?: string | undefined
  readonly cseq?: number | undefined
  /** 70 if absent. */
  readonly maxForwards?: number | undefined
  /** Complete header lines beside From, To, Call-ID, CSeq, Max-Forwards, Via and Content-Length. */
  readonly headers?: string
  readonly body?: string | undefined
  /** SIP URI to send to instead of `uri`. */
  readonly nextHop?: string | null
  readonly socket?: ListenSocket | null
  /** For `$avp(uac_ctx)` in local_route. */
  readonly context?: string | undefined
  readonly onProvisional?: (reply: RouteContext) => void
}

/** Sends requests of our own. */
export interface RequestSender {
  /** Sends one and gives its outcome. Never rejects: what went wrong here has a status of its own. */
  send(request: LocalRequest): Promise<LocalOutcome>
}

/** A request sender for the running proxy; each request runs local_route first. */
export function requestSender(services: TmServices): RequestSender {
  return {
    send: request =>
      new Promise(resolve => {
        const m = contextOf(services, request)
        if (m === null) resolve({ status: 400, reason: 'Bad Request', reply: null })
        else dispatch(services, request, m, { provisional: request.onProvisional ?? (() => {}), final: resolve })
      }),
  }
}

function contextOf(services: TmServices, request: LocalRequest): RouteContext | null {
  const socket = request.socket ?? services.proxy.sockets[0]
  const message = SipMessage.parse(bytesOf(request, services.settings.userAgentLine))
  if (socket === undefined || message === null) return null
  const { proto, address, port } = socket
  const origin: Origin = { proto, address, port, socket, connectionId: 0 }
  const m = new RouteContext({
    kind: 'local',
    message,
    origin,
    target: { ...target(request.uri), dstUri: request.nextHop ?? null, socket: request.socket ?? null },
    edits: new Edits(),
    avps: new AvpStore(),
    vars: services.script.dummyContext('local').vars.map(() => null),
  })
  if (request.context !== undefined) m.avps.push('uac_ctx', request.context)
  return m
}

function bytesOf(request: LocalRequest, userAgentLine: string): Buffer {
  const from = /;\s*tag=/i.test(request.from) ? request.from : `${request.from};tag=${randomBytes(6).toString('hex')}`
  const callId = request.callId ?? randomBytes(12).toString('hex')
  const given = request.headers ?? ''
  const userAgent = /^user-agent\s*:/im.test(given) ? '' : userAgentLine
  const headers =
    `From: ${from}\r\nTo: ${request.to}\r\nCall-ID: ${callId}\r\n` +
    `CSeq: ${request.cseq ?? 10} ${request.method}\r\nMax-Forwards: ${request.maxForwards ?? 70}\r\n${userAgent}${given}`
  return buildRequest({ method: request.method, uri: request.uri, headers, body: request.body ?? '' })
}

function dispatch(services: TmServices, request: LocalRequest, m: RouteContext, caller: LocalCaller): void {
  const route = services.script.route('local', '')
  const verdict = route === undefined ? 1 : services.script.run(route, m)
  void andThen(verdict, () => {
    if (m.dropped) {
      caller.final({ status: 403, reason: 'Dropped by local_route', reply: null })
      return
    }
    const t: Transaction = newLocalTransaction(services, m, {
      provisional: caller.provisional,
      final: outcome => {
        if (request.method === 'INVITE' && outcome.reply !== null && outcome.status < 300)
          sendAck(services, t, outcome.reply.message)
        caller.final(outcome)
      },
    })
    for (const observe of services.observers.created) observe(t, m)
    return andThen(relayTargets(services, t, m, [m.target], { nextHop: null }), failure => {
      if (failure === null) concludeIfComplete(services, t)
      else {
        const reply = failureReply(failure)
        respond(services, t, m, { status: reply.status, reason: failurePhrase(reply, 'TM') })
        releaseIfDone(services, t)
      }
    })
  })
}

/** "The UAC core MUST generate an ACK request for each 2xx received from the transaction layer." (RFC 3261 §13.2.2.4) */
function sendAck(services: TmServices, t: Transaction, success: SipMessage): void {
  const { contacts } = success
  const remote = Array.isArray(contacts) ? contacts[0]?.uri : undefined
  const routes = success.recordRoutes.toReversed().map(route => `<${route.uri}>`)
  const uri = remote ?? t.request.target.uri
  const headers =
    (routes.length === 0 ? '' : `Route: ${routes.join(', ')}\r\n`) +
    `From: ${t.initial.value(HeaderId.from) ?? ''}\r\nTo: ${success.value(HeaderId.to) ?? ''}\r\n` +
    `Call-ID: ${t.initial.callId}\r\nCSeq: ${t.initial.cseq} ACK\r\nMax-Forwards: 70\r\n`
  const message = SipMessage.parse(buildRequest({ method: 'ACK', uri, headers }))
  if (message === null) return
  const { origin, avps, vars } = t.request
  const first = success.recordRoutes.at(-1)?.uri ?? t.request.target.dstUri
  const m = new RouteContext({
    kind: 'local',
    message,
    origin,
    target: { ...target(uri), dstUri: first, socket: t.request.target.socket },
    edits: new Edits(),
    avps,
    vars,
  })
  void services.proxy.forward(m, null)
  services.observer?.request(t, message.bytes, origin.socket)
}

/** `display <uri>`, `display uri`, `<uri>` or `uri`, as the value of a From or To. Null where it is none of them. */
export function parseUserAddress(text: string): string | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (trimmed.endsWith('>')) return parseNameAddr(trimmed) === null ? null : trimmed
  const blank = trimmed.lastIndexOf(' ')
  const uri = trimmed.slice(blank + 1)
  const value = blank < 0 ? `<${uri}>` : `${quoted(trimmed.slice(0, blank).trim())} <${uri}>`
  return parseNameAddr(value) === null ? null : value
}

function quoted(display: string): string {
  return display.startsWith('"') ? display : `"${display.replace(/[\\"]/g, '\\$&')}"`
}

/** What header lines given by a user say about From, To, Call-ID and CSeq, and the lines that are left. */
export interface GivenHeaders {
  readonly from: string | null
  readonly to: string | null
  readonly callId: string | undefined
  readonly cseq: number | undefined
  readonly others: string
}

/** Takes header lines apart. Null where one is no header. */
export function parseGivenHeaders(text: string): GivenHeaders | null {
  const found = new Map<number, string>()
  let others = ''
  for (const line of text.split(/\r?\n(?![ \t])/)) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    if (colon <= 0) return null
    const id = headerIdOf(line.slice(0, colon).trim())
    if (GIVEN.has(id)) found.set(id, line.slice(colon + 1).trim())
    else if (!OURS.has(id)) others += `${line}\r\n`
  }
  const cseq = Number.parseInt(found.get(HeaderId.cseq) ?? '', 10)
  return {
    from: found.get(HeaderId.from) ?? null,
    to: found.get(HeaderId.to) ?? null,
    callId: found.get(HeaderId.callId),
    cseq: Number.isNaN(cseq) ? undefined : cseq,
    others,
  }
}
const GIVEN: ReadonlySet<number> = new Set([HeaderId.from, HeaderId.to, HeaderId.callId, HeaderId.cseq])
/** Written by ourselves, whatever is given. */
const OURS: ReadonlySet<number> = new Set([HeaderId.via, HeaderId.contentLength, HeaderId.maxForwards])
