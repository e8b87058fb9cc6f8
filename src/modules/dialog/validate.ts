import type { SipProxy } from '../../proxy/proxy.ts'
import type { RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { parseUri, sameUri } from '../../sip/codec/uri.ts'
import { linkOf } from './message-link.ts'

/** What validate_dialog gives. */
export const Validity = { valid: 1, cseq: -1, target: -2, routes: -3, other: -4 } as const
export type Validity = (typeof Validity)[keyof typeof Validity]

/** Whether a request says of the dialog what the dialog was set up with. */
export function validateDialog(proxy: SipProxy, m: RouteContext): Validity {
  const link = linkOf(m)
  if (link?.match == null) return Validity.other
  const { message } = m
  const { dialog, match, previousCseq } = link
  if (message.method !== 'ACK' && message.cseq <= previousCseq) return Validity.cseq
  const receiver = match.direction === 'downstream' ? match.callee : dialog.caller
  if (receiver.contact !== '' && !sameUri(m.target.uri, receiver.contact)) return Validity.target
  const routes = message.routes.filter(route => !isOwn(proxy, route.uri)).map(route => route.uri)
  const expected = receiver.routes.map(route => route.slice(1, -1))
  const isSame = routes.length === expected.length && routes.every((uri, i) => sameUri(uri, expected[i] ?? ''))
  return isSame ? Validity.valid : Validity.routes
}

/** Gives a request the remote target and Route set of the dialog. False: it is in none. */
export function fixRoute(m: RouteContext): boolean {
  const link = linkOf(m)
  if (link?.match == null) return false
  const { message, edits, target } = m
  const receiver = link.match.direction === 'downstream' ? link.match.callee : link.dialog.caller
  if (receiver.contact === '') return false
  for (let i = message.find(HeaderId.route); i >= 0; i = message.find(HeaderId.route, i + 1))
    edits.remove(message.headerStart(i), message.headerEnd(i))
  edits.insert(message.headersEnd, receiver.routes.map(route => `Route: ${route}\r\n`).join(''))
  target.uri = receiver.contact
  target.dstUri = receiver.routes[0]?.slice(1, -1) ?? null
  return true
}

function isOwn(proxy: SipProxy, text: string): boolean {
  const uri = parseUri(text)
  return uri !== null && proxy.isMyself(uri.host, uri.port || 5060)
}
