import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { DEFAULT_PORT, type ListenSocket } from '../../sip/net/endpoint.ts'
import { type Dialog, type Leg, newLeg } from './dialog.ts'
import type { DialogServices } from './services.ts'

/** Most callees of one call that are kept apart: To tags cost a callee nothing. */
const MAX_CALLEES = 64

/** The caller, as its INVITE shows it. Its Route set is the Record-Routes in their order (RFC 3261 §12.1.1). */
export function callerLeg(invite: SipMessage, socket: ListenSocket): Leg {
  return newLeg({
    tag: invite.fromTag,
    contact: contactOf(invite),
    routes: invite.recordRoutes.map(route => `<${route.uri}>`),
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
    leg = newLeg({ tag: reply.toTag, added: dialog.raisedCseq })
    dialog.callees.push(leg)
  }
  leg.socket = socket ?? leg.socket
  const contact = contactOf(reply)
  if (contact !== '') leg.contact = contact
  const sdp = sdpOf(reply)
  if (sdp !== '') leg.sdp = sdp
  if (reply.recordRoutes.length > 0) leg.routes = routesBeyondUs(services, dialog, reply)
  return leg
}

function forgetOldest(dialog: Dialog): void {
  const at = dialog.callees.findIndex(leg => leg !== dialog.answered)
  dialog.callees.splice(at, 1)
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
  const { contacts } = message
  return Array.isArray(contacts) ? (contacts[0]?.uri ?? '') : ''
}

/** The body, where it is a session description. */
export function sdpOf(message: SipMessage): string {
  const type = message.value(HeaderId.contentType) ?? ''
  return /^application\/sdp\b/i.test(type) ? message.body.toString('utf8') : ''
}
