import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { readPlainAddress } from '../../sip/codec/plain-address.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { DEFAULT_PORT, type ListenSocket } from '../../sip/net/endpoint.ts'
import { type Dialog, type Leg, newLeg } from './dialog.ts'
import type { DialogServices } from './services.ts'

/** Most callees of one call that are kept apart: To tags cost a callee nothing. */
const MAX_CALLEES = 64
const NO_ROUTES: readonly string[] = []

/** The caller, as its INVITE shows it. Its Route set is the Record-Routes in their order (RFC 3261 §12.1.1). */
export function callerLeg(invite: SipMessage, socket: ListenSocket): Leg {
  return newLeg({
    tag: invite.fromTag,
    contact: contactOf(invite),
    routes: invite.find(HeaderId.recordRoute) < 0 ? NO_ROUTES : invite.recordRoutes.map(route => `<${route.uri}>`),
    socket,
    cseq: invite.cseq,
    sdp: sdpOf(invite),
  })
}

/** The callee a reply came from, as far as the reply shows it; made when its tag is new. Null without a tag. */
export function learnCallee(
  services: DialogServices,
  dialog: Dialog,
  reply: SipMessage,
  socket: ListenSocket | null,
): Leg | null {
  if (reply.toTag === '') return null
  let leg = dialog.calleeByTag(reply.toTag)
  if (leg === undefined) {
    if (dialog.callees.length >= MAX_CALLEES) forgetOldest(dialog)
    leg = dialog.addCallee(newLeg({ tag: reply.toTag, added: dialog.raisedCseq }))
  }
  leg.socket = socket ?? leg.socket
  // The 2xx nearly always says what the 180 has said.
  if (!holdsOnly(reply, HeaderId.contact, leg.contact)) leg.contact = contactOf(reply) || leg.contact
  const sdp = sdpOf(reply)
  if (sdp !== '') leg.sdp = sdp
  if (isOursAlone(services, dialog, reply)) leg.routes = NO_ROUTES
  else if (reply.recordRoutes.length > 0) leg.routes = routesBeyondUs(services, dialog, reply)
  return leg
}

function forgetOldest(dialog: Dialog): void {
  dialog.callees = dialog.callees.toSpliced(
    dialog.callees.findIndex(leg => leg !== dialog.answered),
    1,
  )
}

/**
 * From us to the callee: the Record-Routes above ours, the last first (RFC 3261 §12.1.2). Where none is ours, those the
 * INVITE did not come with.
 */
function routesBeyondUs(services: DialogServices, dialog: Dialog, reply: SipMessage): readonly string[] {
  const uris = reply.recordRoutes.map(route => route.uri)
  const own = dialog.hidesRoutes ? -1 : ownRoute(services, dialog, uris)
  const before = dialog.hidesRoutes ? 0 : dialog.caller.routes.length
  const beyond = own >= 0 ? uris.slice(0, own) : uris.slice(0, Math.max(0, uris.length - before))
  return beyond.reverse().map(uri => `<${uri}>`)
}

/** Whether the only Record-Route is the one this dialog has written: then nobody is between us and the callee. */
function isOursAlone({ settings }: DialogServices, dialog: Dialog, reply: SipMessage): boolean {
  const header = reply.find(HeaderId.recordRoute)
  if (header < 0 || dialog.hidesRoutes || reply.find(HeaderId.recordRoute, header + 1) >= 0) return false
  const { bytes } = reply
  const start = reply.valueStart(header)
  const end = reply.valueEnd(header)
  const param = `;${settings.rrParam}=${dialog.id}>`
  const from = end - param.length
  if (from <= start || bytes[start] !== 60 || !standsAt(bytes, from, param)) return false
  // Neither a second address nor headers of the URI.
  for (let i = start; i < from; i++) if (bytes[i] === 62 || bytes[i] === 63) return false
  return true
}

/** Whether these bytes are this text, letter for letter. */
function standsAt(bytes: Buffer, start: number, text: string): boolean {
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127 || bytes[start + i] !== code) return false
  }
  return true
}

/** Index of the first Record-Route that this dialog, or else this proxy, has written; −1 without. */
function ownRoute({ proxy, settings }: DialogServices, dialog: Dialog, uris: readonly string[]): number {
  const parsed = uris.map(text => parseUri(text))
  const byId = parsed.findIndex(uri => uri?.params.get(settings.rrParam) === dialog.id)
  if (byId >= 0) return byId
  return parsed.findIndex(uri => {
    if (uri === null) return false
    const isTls = uri.scheme === 'sips' || uri.params.get('transport')?.toLowerCase() === 'tls'
    return proxy.isMyself(uri.host, uri.port || DEFAULT_PORT[isTls ? 'tls' : 'udp'])
  })
}

/** URI of the first Contact, '' without. */
export function contactOf(message: SipMessage): string {
  const header = message.find(HeaderId.contact)
  if (header < 0) return ''
  if (message.find(HeaderId.contact, header + 1) < 0) {
    // Nearly every Contact is one plain address; nothing of how it was read stays with the message then.
    const place = { header, start: message.valueStart(header), end: message.valueEnd(header) }
    const plain = readPlainAddress(message.bytes, place)
    if (plain !== null) return plain.uri
  }
  const { contacts } = message
  return Array.isArray(contacts) ? (contacts[0]?.uri ?? '') : ''
}

/** Whether the only such header is `<uri>`, letter for letter: that can be told without reading it. */
function holdsOnly(message: SipMessage, id: HeaderId, uri: string): boolean {
  const header = message.find(id)
  if (header < 0 || uri === '' || message.find(id, header + 1) >= 0) return false
  const { bytes } = message
  const start = message.valueStart(header)
  const last = message.valueEnd(header) - 1
  return last - start === uri.length + 1 && bytes[start] === 60 && bytes[last] === 62 && standsAt(bytes, start + 1, uri)
}

/** The body, where it is a session description. */
export function sdpOf(message: SipMessage): string {
  if (message.bodyStart >= message.bytes.length) return ''
  const type = message.value(HeaderId.contentType) ?? ''
  const isSdp = type === 'application/sdp' || /^application\/sdp\b/i.test(type)
  return isSdp ? message.text(message.bodyStart, message.bytes.length) : ''
}
