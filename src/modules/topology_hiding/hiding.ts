import type { SipProxy } from '../../proxy/proxy.ts'
import { viaStamp } from '../../proxy/via.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { viaLines } from '../../sip/codec/write.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'

/** A Contact as it goes on. */
export interface ContactPlace {
  /** Whose Contact it is. */
  readonly message: SipMessage
  /** Our socket that the other side shall send to. */
  readonly shown: ListenSocket
  /** Our socket on the side of the message's sender. */
  readonly senderSide: ListenSocket
}
/** The value of the Contact to write instead; null leaves it out. */
export type ContactWriter = (place: ContactPlace) => string | null

interface Hidden {
  readonly writeContact: ContactWriter
}
const hidden = messageSlot<Hidden>()

/** Takes from a request what shows where it came from: Via, Record-Route, Contact, and Call-ID where another is given. */
export function hideRequest(
  proxy: SipProxy,
  m: RouteContext,
  writeContact: ContactWriter,
  callId: string | null,
): void {
  const { message } = m
  removeAll(m, HeaderId.via)
  removeAll(m, HeaderId.recordRoute)
  if (callId !== null) writeCallId(m, callId)
  hidden.set(m, { writeContact })
  if (!hasContact(message)) return
  removeAll(m, HeaderId.contact)
  // The socket is known when the request is written.
  proxy.hooks.atSend(m, ({ socket }) =>
    contactLine(writeContact({ message, shown: socket, senderSide: m.origin.socket })),
  )
}

/**
 * Takes the same from a reply, and gives it what the request came with: its Vias, its Record-Routes and its Call-ID. False:
 * nothing was hidden in the request.
 */
export function hideReply(
  request: RouteContext,
  branchContext: RouteContext,
  reply: RouteContext,
  senderSide: ListenSocket | null,
): boolean {
  const writeContact = hidden.get(branchContext)?.writeContact
  if (writeContact === undefined) return false
  const { message, edits } = reply
  const asked = request.message
  removeAll(reply, HeaderId.via)
  edits.insert(message.headersStart, viaLines(asked, viaStamp(request)))
  removeAll(reply, HeaderId.recordRoute)
  if (message.status > 100 && message.status < 300)
    edits.insert(message.headersEnd, linesOf(asked, HeaderId.recordRoute))
  if (message.callId !== asked.callId) writeCallId(reply, asked.callId)
  // Contacts of a redirection are where the caller shall go, not where the callee is.
  const isRedirection = message.status >= 300 && message.status < 400
  if (!isRedirection && hasContact(message)) {
    removeAll(reply, HeaderId.contact)
    const shown = request.origin.socket
    edits.insert(message.headersEnd, contactLine(writeContact({ message, shown, senderSide: senderSide ?? shown })))
  }
  return true
}

export const isHidden = (m: RouteContext): boolean => hidden.get(m) !== undefined

function hasContact(message: SipMessage): boolean {
  return Array.isArray(message.contacts) && message.contacts.length > 0
}

function contactLine(value: string | null): string {
  return value === null ? '' : `Contact: ${value}\r\n`
}

function removeAll({ message, edits }: RouteContext, id: HeaderId): void {
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1))
    edits.remove(message.headerStart(i), message.headerEnd(i))
}

function linesOf(message: SipMessage, id: HeaderId): string {
  let lines = ''
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1))
    lines += `${message.headerName(i)}: ${message.headerValue(i)}\r\n`
  return lines
}

function writeCallId({ message, edits }: RouteContext, callId: string): void {
  const at = message.find(HeaderId.callId)
  if (at >= 0) edits.replace(message.valueStart(at), message.valueEnd(at), callId)
}

/** Sends a request inside a call to its target, along a Route set of its own (RFC 3261 §12.2.1.1). */
export function routeTo(
  m: RouteContext,
  target: { readonly contact: string; readonly routes: readonly string[]; readonly socket: ListenSocket | null },
): void {
  removeAll(m, HeaderId.route)
  const [first, ...rest] = target.routes
  m.target.socket = target.socket ?? m.target.socket
  if (first !== undefined && !/;lr\b/i.test(first)) {
    // A strict router: it stands in the request line, the target at the end of the Route.
    m.target.uri = first
    m.target.dstUri = null
    m.target.path = [...rest, target.contact].map(uri => `<${uri}>`).join(', ')
    return
  }
  m.target.uri = target.contact
  m.target.dstUri = first ?? null
  m.target.path = first === undefined ? null : target.routes.map(uri => `<${uri}>`).join(', ')
}
