import type { RouteContext, Target, Verdict } from '../script/context.ts'
import { Edits } from '../sip/codec/edits.ts'
import { uriScheme } from '../sip/codec/uri.ts'
import { parseWrittenAddress } from '../sip/net/address.ts'
import type { Eventually } from '../sip/net/dns-cache.ts'
import type { Hop, ListenSocket } from '../sip/net/endpoint.ts'
import type { HopResolver } from '../sip/net/resolve.ts'
import { andThen } from '../util/and-then.ts'
import type { Blacklists } from './blacklists.ts'
import type { LocalReply } from './proxy.ts'
import { fractionOf, statelessBranch } from './via.ts'
import type { MessageWriter } from './writing.ts'

/** What `forward()` gives where the destination leads nowhere (OpenSIPS E_BAD_ADDRESS). */
export const BAD_ADDRESS = -476
/** What `forward()` gives where nothing could be sent (OpenSIPS E_SEND). */
export const SEND_FAILED = -477
/** What `forward()` gives where a blacklist forbids every destination (OpenSIPS E_IP_BLOCKED). */
export const FILTERED = -473
const SENT = 1

/** What stateless forwarding needs of the engine. */
export interface ForwardingHost {
  readonly writer: MessageWriter
  readonly resolver: HopResolver
  readonly blacklists: Blacklists
  socketFor(hop: Hop, preferred: ListenSocket | null): ListenSocket | null
  branchHop(m: RouteContext, target: Target, hop: Hop): Hop
  send(bytes: Buffer, hop: Hop, socket: ListenSocket): boolean
  /** Answers the request, with the To tag of stateless replies. */
  refuse(m: RouteContext, reply: Pick<LocalReply, 'status' | 'reason'>): void
}

/** Forwards a request without state (RFC 3261 §16.11): to `destination`, else `$du`, else the Request-URI. */
export function forwardStateless(
  host: ForwardingHost,
  m: RouteContext,
  destination: string | null,
): Eventually<Verdict> {
  const { target } = m
  const next = target.dstUri ?? target.uri
  if (!m.message.isRequest) return BAD_ADDRESS
  if (destination === null && !isRoutable(next)) {
    // RFC 3261 §16.3 step 2
    host.refuse(m, { status: 416, reason: 'Unsupported URI Scheme' })
    return BAD_ADDRESS
  }
  const branch = statelessBranch(m.message)
  // RFC 3261 §16.11: the choice of the next hop has to fall the same way for every retransmission.
  const hops =
    destination === null ? host.resolver.resolve(next, () => fractionOf(branch)) : destinationHops(host, destination)
  return andThen(hops, found =>
    sendToFirst(host, m, secureEnough(found, target.uri), (hop, socket) =>
      host.writer.request(m, { target, hop, socket }, branch),
    ),
  )
}

/** Sends the message as received, with `headers` added behind its own (`send()`). */
export function sendUnchanged(
  host: ForwardingHost,
  m: RouteContext,
  destination: string,
  headers: string,
): Eventually<Verdict> {
  const { message } = m
  let bytes = message.bytes
  if (headers !== '') {
    const edits = new Edits()
    edits.insert(message.headersEnd, headers.endsWith('\n') ? headers : `${headers}\r\n`)
    bytes = edits.apply(message.bytes, 0, message.bytes.length)
  }
  return andThen(destinationHops(host, destination), found => sendToFirst(host, m, found, () => bytes))
}

function isRoutable(uri: string): boolean {
  const scheme = uriScheme(uri)
  return scheme === 'sip' || scheme === 'sips'
}

/** The hops of `host:port` or `proto:host:port`; a SIP URI is taken as well. */
function destinationHops(host: ForwardingHost, destination: string): Eventually<readonly Hop[]> {
  if (isRoutable(destination)) return host.resolver.resolve(destination)
  const written = parseWrittenAddress(destination)
  return written === undefined ? [] : host.resolver.hops(written.host, written.port, written.proto)
}

/** RFC 3261 §26.2.2: a sips Request-URI goes over TLS or not at all. */
function secureEnough(hops: readonly Hop[], uri: string): readonly Hop[] {
  if (uriScheme(uri) !== 'sips') return hops
  return hops.filter(hop => hop.proto === 'tls' || hop.proto === 'wss')
}

function sendToFirst(
  host: ForwardingHost,
  m: RouteContext,
  hops: readonly Hop[],
  write: (hop: Hop, socket: ListenSocket) => Buffer,
): Verdict {
  let failure: Verdict = BAD_ADDRESS
  for (const hop of hops) {
    const socket = host.socketFor(hop, m.target.socket ?? m.origin.socket)
    if (socket === null) continue
    const bytes = write(hop, socket)
    if (host.blacklists.forbids(m, hop, bytes)) failure = FILTERED
    else if (host.send(bytes, host.branchHop(m, m.target, hop), socket)) return SENT
    else failure = SEND_FAILED
  }
  return failure
}
