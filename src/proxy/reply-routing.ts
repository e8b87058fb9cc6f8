import type { RouteContext } from '../script/context.ts'
import type { SipMessage, Via } from '../sip/codec/message.ts'
import { familyOf, isRefusedDestination, protoOf, withoutBrackets } from '../sip/net/address.ts'
import type { Eventually } from '../sip/net/dns-cache.ts'
import { DEFAULT_PORT, type Hop } from '../sip/net/endpoint.ts'
import type { Network } from '../sip/net/network.ts'
import type { HopResolver } from '../sip/net/resolve.ts'
import { CONNECTION_PARAM } from './via.ts'

/**
 * Where replies to a request received here go (RFC 3261 §18.2.2, RFC 3581 §4): over streams the connection it came on, or
 * a new one to the port of its Via; over UDP back to the source, at the source port if rport was asked for; `maddr` first.
 */
export function requestReplyHop(m: RouteContext): Hop {
  const { origin } = m
  const via = m.message.topVia
  const sentByPort = via === null ? origin.port : via.port || DEFAULT_PORT[origin.proto]
  if (origin.proto !== 'udp') {
    const back = hop(origin.proto, origin.address, sentByPort, origin.connectionId)
    // A browser takes no connections: what it is not reached by is gone (RFC 7118 §5).
    return origin.proto.startsWith('ws') ? { ...back, reuseOnly: true } : back
  }
  const maddr = withoutBrackets(via?.params.get('maddr') ?? '')
  if (maddr !== '' && familyOf(maddr) !== 0 && !isRefusedDestination(maddr)) return hop('udp', maddr, sentByPort, 0)
  const viaHost = m.replyToVia ? withoutBrackets(via?.host ?? '') : ''
  // Of a name nothing is known yet when the reply is due: then the source has to do.
  if (viaHost !== '' && familyOf(viaHost) !== 0 && !isRefusedDestination(viaHost))
    return hop('udp', viaHost, sentByPort, 0)
  const wantsSourcePort = m.forceRport || (via !== null && via.rport !== null)
  return hop('udp', origin.address, wantsSourcePort ? origin.port : sentByPort, 0)
}

/** Finds where replies go that match no transaction: by the Via under ours (RFC 3261 §16.7 step 9, §18.2.2). */
export class StrayReplyRouting {
  readonly #network: Network
  readonly #resolver: HopResolver

  constructor(network: Network, resolver: HopResolver) {
    this.#network = network
    this.#resolver = resolver
  }

  /** The hops to try, most preferred first; empty when the Via leads nowhere. */
  hops(reply: SipMessage): Eventually<readonly Hop[]> {
    const via = reply.vias[1]
    const proto = via === undefined ? undefined : protoOf(via.transport)
    if (via === undefined || proto === undefined) return []
    const connected = proto === 'udp' ? null : this.#connectionHop(reply, via, proto)
    if (connected !== null) return [connected]
    const maddr = proto === 'udp' ? (via.params.get('maddr') ?? '') : ''
    const host = maddr !== '' ? maddr : via.received !== '' ? via.received : via.host
    const usesRport = proto === 'udp' && maddr === '' && via.rport !== null && via.rport > 0
    const port = usesRport && via.rport !== null ? via.rport : via.port
    // A name without a port is looked up as a service (RFC 3263 §5).
    return this.#resolver.hops(host, port, proto)
  }

  /** The connection our Via names, if it still leads to the sender of the request, or one by its address. */
  #connectionHop(reply: SipMessage, via: Via, proto: Hop['proto']): Hop | null {
    const address = withoutBrackets(via.received !== '' ? via.received : via.host)
    const id = Number.parseInt(reply.topVia?.params.get(CONNECTION_PARAM) ?? '', 16)
    const named = Number.isNaN(id) ? undefined : this.#network.connections.get(id)
    const { connections } = this.#network
    const found =
      named?.remoteAddress === address
        ? named
        : connections.find(proto, address, via.rport || via.port || DEFAULT_PORT[proto])
    return found === undefined ? null : hop(proto, found.remoteAddress, found.remotePort, found.id)
  }
}

function hop(proto: Hop['proto'], address: string, port: number, connectionId: number): Hop {
  return { proto, address, port, connectionId }
}
