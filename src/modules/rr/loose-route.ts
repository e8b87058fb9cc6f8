import type { SipProxy } from '../../proxy/proxy.ts'
import type { RouteContext } from '../../script/context.ts'
import { removeElement } from '../../sip/codec/edits.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { RouteValue } from '../../sip/codec/message.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import { bracketed } from '../../sip/net/address.ts'
import { DEFAULT_PORT, type ListenSocket, type Proto } from '../../sip/net/endpoint.ts'

/** What `loose_route()` found. */
export interface Routed {
  /** Whether the Route set says where the request goes. */
  readonly isRouted: boolean
  /** Parameters of our own Route, `;lr;ftag=x`; null when none of the Routes is ours. */
  readonly params: string | null
}
const NOT_ROUTED: Routed = { isRouted: false, params: null }

interface Hop {
  readonly route: RouteValue
  readonly uri: SipUri
}

/**
 * Follows the Route set of a request (RFC 3261 §16.4, §16.6 step 6; rr reference, loose_route): takes our own Routes
 * out, and sets the Request-URI and next hop that the rest asks for.
 */
export function looseRoute(proxy: SipProxy, m: RouteContext): Routed {
  const hops = readHops(m)
  if (hops === null || hops.length === 0) return NOT_ROUTED
  const requestUri = parseUri(m.target.uri)
  // RFC 3261 §16.4: a Request-URI that we once put into a Record-Route was put there by a strict router.
  if (m.message.toTag !== '' && requestUri !== null && isOwn(proxy, requestUri) && !requestUri.params.has('gr')) {
    return afterStrictRouter(proxy, m, requestUri, hops)
  }
  return afterLooseRouter(proxy, m, hops)
}

function readHops(m: RouteContext): Hop[] | null {
  const hops: Hop[] = []
  for (const route of m.message.routes) {
    const uri = parseUri(route.uri)
    if (uri === null) return null
    hops.push({ route, uri })
  }
  return hops
}

/** The previous hop moved the Route on: our URI is in the request line, the target is the last Route. */
function afterStrictRouter(proxy: SipProxy, m: RouteContext, own: SipUri, hops: Hop[]): Routed {
  const [first] = hops
  if (own.params.has('r2') && first?.uri.params.has('r2') && isOwn(proxy, first.uri)) takeFirst(m, hops)
  useSocket(proxy, m, hops.length < m.message.routes.length ? first?.uri : undefined)
  const params = own.params.text
  const [next] = hops
  const last = hops.at(-1)
  if (next === undefined || last === undefined) return { isRouted: false, params }
  if (!isLoose(next.uri)) {
    removeElement(m.message, m.edits, next.route)
    m.target.uri = next.route.uri
    m.target.dstUri = null
    return { isRouted: true, params }
  }
  removeElement(m.message, m.edits, last.route)
  m.target.uri = last.route.uri
  m.target.dstUri = last === next ? null : next.route.uri
  return { isRouted: true, params }
}

function afterLooseRouter(proxy: SipProxy, m: RouteContext, hops: Hop[]): Routed {
  const [first] = hops
  if (first === undefined || !isOwn(proxy, first.uri)) {
    toNextHop(m, hops)
    return { isRouted: true, params: null }
  }
  takeFirst(m, hops)
  const [second] = hops
  const isDouble = first.uri.params.has('r2') && second?.uri.params.has('r2') === true && isOwn(proxy, second.uri)
  if (isDouble) takeFirst(m, hops)
  const isInDialog = m.message.toTag !== ''
  if (isDouble) useSocket(proxy, m, second?.uri)
  else if (isInDialog) m.target.socket = m.origin.socket
  const params = first.uri.params.text
  if (hops.length === 0) return { isRouted: isInDialog, params }
  toNextHop(m, hops)
  return { isRouted: true, params }
}

function takeFirst(m: RouteContext, hops: Hop[]): void {
  const first = hops.shift()
  if (first !== undefined) removeElement(m.message, m.edits, first.route)
}

/** RFC 3261 §16.6 step 6: a strict router gets its own URI in the request line and the target as last Route. */
function toNextHop(m: RouteContext, hops: readonly Hop[]): void {
  const [next] = hops
  if (next === undefined) return
  if (isLoose(next.uri)) {
    m.target.dstUri = next.route.uri
    return
  }
  const { message, edits, target } = m
  removeElement(message, edits, next.route)
  const lastHeader = message.routes.at(-1)?.header ?? message.find(HeaderId.route)
  edits.insert(message.headerEnd(lastHeader), `Route: <${target.uri}>\r\n`)
  target.uri = next.route.uri
  target.dstUri = null
}

/** Sends from the socket our second Route names; without one, from where the request arrived. */
function useSocket(proxy: SipProxy, m: RouteContext, uri: SipUri | undefined): void {
  m.target.socket = uri === undefined ? m.origin.socket : (socketOf(proxy, uri) ?? m.target.socket)
}

function socketOf(proxy: SipProxy, uri: SipUri): ListenSocket | undefined {
  const proto = protoOf(uri)
  return proxy.findSocket(`${proto}:${bracketed(uri.host)}:${uri.port || DEFAULT_PORT[proto]}`)
}

function isOwn(proxy: SipProxy, uri: SipUri): boolean {
  return proxy.isMyself(uri.host, uri.port || DEFAULT_PORT[protoOf(uri)])
}

function isLoose(uri: SipUri): boolean {
  return uri.params.has('lr')
}

function protoOf(uri: SipUri): Proto {
  const named = uri.params.get('transport')?.toLowerCase() ?? ''
  if (Object.hasOwn(DEFAULT_PORT, named)) return named as Proto
  return uri.scheme === 'sips' ? 'tls' : 'udp'
}
