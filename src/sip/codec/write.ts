import { type Assembler, assemble } from './assembler.ts'
import { codeAt, isBlank, skipBlanks } from './chars.ts'
import { Edits, removeElement } from './edits.ts'
import { endOfElement, endOfParams, findParam } from './elements.ts'
import { HeaderId } from './header-id.ts'
import type { SipMessage } from './message.ts'
import { PlainVia } from './plain-via.ts'
import { parseVia } from './via.ts'

/** What we add to the top Via of a request we received (RFC 3261 §18.2.1, RFC 3581 §4). Null adds nothing. */
export interface ViaStamp {
  /** Source address, IPv6 without brackets. */
  readonly received: string | null
  /** Source port: the value of `rport`, which is added when absent. */
  readonly rport: number | null
}

/** How a request goes on. */
export interface ForwardPlan {
  readonly edits: Edits
  readonly uri: string
  /** Value of our Via. */
  readonly via: string
  readonly stamp: ViaStamp
  /** Complete header lines put behind our Via, before all others. */
  readonly headersOnTop: string
  /** Value of the Max-Forwards added when there is none, neither received nor in the edits; null adds none. */
  readonly maxForwards: number | null
  /** Complete Route lines put before the Routes received. */
  readonly routes: string
}

/** A reply made here. */
export interface ReplyParts {
  readonly status: number
  readonly reason: string
  /** Added to a To that has no tag; '' adds none. */
  readonly toTag: string
  readonly stamp: ViaStamp
  /** Complete header lines. */
  readonly headers: string
  readonly body?: Buffer | string | undefined
}

/** A request made here. */
export interface RequestParts {
  readonly method: string
  readonly uri: string
  /** Complete header lines, without Content-Length. */
  readonly headers: string
  readonly body?: Buffer | string | undefined
}

/**
 * The request as it goes on: the received bytes with Request-URI, Via, Route, Max-Forwards and the edits spliced in.
 * All else stays as it was. Content-Length is set when the body changed, or when it is absent and our Via names a
 * stream transport (RFC 3261 §16.6 step 11). Always a new buffer.
 */
export function forwardRequest(message: SipMessage, plan: ForwardPlan): Buffer {
  const edits = new Edits()
  const top = message.headersStart
  if (plan.uri !== message.requestUri) edits.replace(message.requestUriStart, message.requestUriEnd, plan.uri)
  edits.insert(top, `Via: ${plan.via}\r\n${plan.headersOnTop}`)
  const route = message.find(HeaderId.route)
  edits.insert(route < 0 ? top : message.headerStart(route), plan.routes)
  stampVia(message, edits, plan.stamp)
  edits.add(plan.edits)
  if (
    plan.maxForwards !== null &&
    message.find(HeaderId.maxForwards) < 0 &&
    !plan.edits.insertsHeader('max-forwards')
  ) {
    edits.insert(message.headersEnd, `Max-Forwards: ${plan.maxForwards}\r\n`)
  }
  return finish(message, edits, isStream(plan.via))
}

/**
 * The reply as it goes on upstream: the top Via value removed, the edits applied, all else as received. Null when no
 * Via is left (RFC 3261 §16.7 step 3) and the edits bring none. Content-Length as in {@link forwardRequest}, by the Via then on top.
 */
export function forwardReply(message: SipMessage, edits: Edits): Buffer | null {
  const header = message.find(HeaderId.via)
  if (header < 0) return null
  const { bytes } = message
  const start = message.valueStart(header)
  const valueEnd = message.valueEnd(header)
  const { topVia } = message
  const end = topVia instanceof PlainVia ? topVia.end : endOfElement(bytes, start, valueEnd, true)
  const nextHeader = message.find(HeaderId.via, header + 1)
  const isLast = end === valueEnd && nextHeader < 0
  if (isLast && !edits.insertsHeader('via')) return null
  const all = new Edits()
  removeElement(message, all, { header, start, end })
  all.add(edits)
  if (isLast) return finish(message, all, true)
  const nextStart = end < valueEnd ? end + 1 : message.valueStart(nextHeader)
  const nextEnd = end < valueEnd ? valueEnd : message.valueEnd(nextHeader)
  return finish(message, all, isStreamAt(message, nextStart, nextEnd))
}

/**
 * A reply to the request (RFC 3261 §8.2.6): Via, Record-Route (in 180–299, which may make a dialog, §12.1.1), To, From,
 * Call-ID, CSeq, the given headers, Content-Length. Header lines come from the request byte for byte.
 */
export function buildReply(request: SipMessage, reply: ReplyParts): Buffer {
  const edits = new Edits()
  stampVia(request, edits, reply.stamp)
  const to = request.find(HeaderId.to)
  if (to >= 0 && reply.toTag !== '' && request.toTag === '') edits.insert(request.valueEnd(to), `;tag=${reply.toTag}`)
  const body = toBuffer(reply.body)
  const out = assemble()
  out.text(`SIP/2.0 ${reply.status} ${reply.reason}\r\n`)
  copyAll(request, HeaderId.via, edits, out)
  if (reply.status >= 180 && reply.status < 300) copyAll(request, HeaderId.recordRoute, edits, out)
  copyFirst(request, HeaderId.to, edits, out)
  copyFirst(request, HeaderId.from, edits, out)
  copyFirst(request, HeaderId.callId, edits, out)
  copyFirst(request, HeaderId.cseq, edits, out)
  out.text(`${reply.headers}Content-Length: ${body.length}\r\n\r\n`)
  out.put(body)
  return out.take()
}

/**
 * The ACK for a negative final reply to the INVITE as we sent it (RFC 3261 §17.1.1.3): its Request-URI, top Via, Route,
 * From, Call-ID and CSeq number, the To of the reply.
 */
export function buildAck(request: SipMessage, reply: SipMessage): Buffer {
  return buildSameBranch(request, reply, 'ACK', '')
}

/** The CANCEL for a request as we sent it (RFC 3261 §9.1). `extraHeaders` are complete header lines. */
export function buildCancel(request: SipMessage, extraHeaders: string): Buffer {
  return buildSameBranch(request, request, 'CANCEL', extraHeaders)
}

/** The Via lines of a request as a reply to it carries them (RFC 3261 §8.2.6.2): complete, in order, the first stamped. */
export function viaLines(request: SipMessage, stamp: ViaStamp): string {
  const edits = new Edits()
  stampVia(request, edits, stamp)
  const out = assemble()
  copyAll(request, HeaderId.via, edits, out)
  return out.take().toString('utf8')
}

/** A request of our own: start line, the headers given, Content-Length, body. */
export function buildRequest(parts: RequestParts): Buffer {
  const body = toBuffer(parts.body)
  const head = `${parts.method} ${parts.uri} SIP/2.0\r\n${parts.headers}Content-Length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'utf8'), body])
}

function buildSameBranch(request: SipMessage, toFrom: SipMessage, method: string, extraHeaders: string): Buffer {
  const { bytes } = request
  const none = new Edits()
  const out = assemble()
  out.text(`${method} `)
  out.copy(bytes, request.requestUriStart, request.requestUriEnd)
  out.text(' SIP/2.0\r\n')
  const via = request.find(HeaderId.via)
  if (via >= 0) {
    const start = request.valueStart(via)
    out.text('Via: ')
    out.copy(bytes, start, endOfElement(bytes, start, request.valueEnd(via), true))
    out.text('\r\n')
  }
  out.text('Max-Forwards: 70\r\n')
  copyAll(request, HeaderId.route, none, out)
  copyFirst(toFrom, HeaderId.to, none, out)
  copyFirst(request, HeaderId.from, none, out)
  copyFirst(request, HeaderId.callId, none, out)
  out.text(`CSeq: ${Math.max(0, request.cseq)} ${method}\r\n${extraHeaders}Content-Length: 0\r\n\r\n`)
  return out.take()
}

const EMPTY = Buffer.alloc(0)

function toBuffer(body: Buffer | string | undefined): Buffer {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : (body ?? EMPTY)
}

function copyAll(message: SipMessage, id: HeaderId, edits: Edits, out: Assembler): void {
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1)) copyHeader(message, i, edits, out)
}

function copyFirst(message: SipMessage, id: HeaderId, edits: Edits, out: Assembler): void {
  const i = message.find(id)
  if (i >= 0) copyHeader(message, i, edits, out)
}

/** The header line as received; one that was cut off gets a line end. */
function copyHeader(message: SipMessage, i: number, edits: Edits, out: Assembler): void {
  const end = message.headerEnd(i)
  edits.applyTo(out, message.bytes, message.headerStart(i), end)
  if (message.bytes[end - 1] !== 10) out.text('\r\n')
}

/** Puts `received` and `rport` into the top Via: a value that is there is replaced, else they go behind the parameters. */
function stampVia(message: SipMessage, edits: Edits, stamp: ViaStamp): void {
  const via = message.topVia
  if (via instanceof PlainVia) {
    const { received, rport } = stamp
    if (received !== null) putParam(edits, via, via.receivedStart, via.receivedEnd, `received=${received}`)
    if (rport !== null) putParam(edits, via, via.rportStart, via.rportEnd, `rport=${rport}`)
    return
  }
  const header = message.find(HeaderId.via)
  if (header < 0) return
  const { bytes } = message
  const start = message.valueStart(header)
  const end = endOfElement(bytes, start, message.valueEnd(header), true)
  const behind = endOfParams(bytes, start, end)
  const put = (name: string, value: string) => {
    const found = findParam(bytes, start, behind, name)
    if (found === null) edits.insert(behind, `;${name}=${value}`)
    else edits.replace(found.start, found.end, `${name}=${value}`)
  }
  if (stamp.received !== null) put('received', stamp.received)
  if (stamp.rport !== null) put('rport', String(stamp.rport))
}

/** In place of the parameter at these offsets, or behind all where it is not there. */
function putParam(edits: Edits, via: PlainVia, start: number, end: number, param: string): void {
  if (end === 0) edits.insert(via.end, `;${param}`)
  else edits.replace(start, end, param)
}

const OVER_UDP = 'SIP/2.0/UDP '

/** As {@link isStream}, of the Via value in `bytes[start, end)`. */
function isStreamAt({ bytes }: SipMessage, start: number, end: number): boolean {
  for (let i = 0; i < OVER_UDP.length; i++)
    if (bytes[start + i] !== codeAt(OVER_UDP, i)) return isStream(bytes.toString('utf8', start, end))
  return false
}

/** Whether a Via value names another transport than UDP. One that cannot be read counts as UDP. */
function isStream(viaText: string): boolean {
  if (viaText.startsWith(OVER_UDP)) return false
  const mark = viaText.indexOf('/', viaText.indexOf('/') + 1)
  if (mark < 0) return false
  const start = skipBlanks(viaText, mark + 1, viaText.length)
  if (viaText.startsWith('UDP', start) && isBlank(codeAt(viaText, start + 3))) return false
  return (parseVia(viaText)?.transport ?? 'UDP') !== 'UDP'
}

/** Applies the edits and makes Content-Length tell the truth. Always a new buffer. */
function finish(message: SipMessage, edits: Edits, needsLength: boolean): Buffer {
  const { bytes, bodyStart } = message
  const isOpen = message.headersEnd === bodyStart
  const { length } = bytes
  const hasNewBody = isOpen || edits.changesBody || edits.reaches(bodyStart)
  const body = hasNewBody ? (edits.newBody ?? (isOpen ? EMPTY : edits.apply(bytes, bodyStart, length))) : null
  const bodyLength = body === null ? length - bodyStart : body.length
  const isChanged = bodyLength !== length - bodyStart
  if (isChanged || needsLength) setContentLength(message, edits, bodyLength, isChanged)
  const out = assemble()
  edits.applyTo(out, bytes, 0, body === null ? length : bodyStart, isOpen || body === null)
  if (isOpen) out.text('\r\n')
  if (body !== null) out.put(body)
  return out.take()
}

/** Makes sure there is a Content-Length; those received are replaced when the body changed and they are not removed. */
function setContentLength(message: SipMessage, edits: Edits, length: number, isChanged: boolean): void {
  const id = HeaderId.contentLength
  let isThere = edits.insertsHeader('content-length')
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1)) {
    if (edits.covers(message.headerStart(i), message.headerEnd(i))) continue
    if (isChanged) edits.replace(message.valueStart(i), message.valueEnd(i), String(length))
    isThere = true
  }
  if (!isThere) edits.insert(message.headersEnd, `Content-Length: ${length}\r\n`)
}
