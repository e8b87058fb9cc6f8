import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Log } from '../../log/log.ts'
import type { Carrier } from './carrier.ts'
import type { Hop, ListenSocket, Proto } from './endpoint.ts'
import { accepted, connecting, type Opening } from './opening.ts'
import { SocketCarrier } from './socket-carrier.ts'
import { type TlsDomain, TlsLayer } from './tls-layer.ts'
import { WsCarrier } from './ws-carrier.ts'
import { WsAcceptor, wsClient } from './ws-handshake.ts'

/** What can be set for one stream protocol. */
export interface StreamSettings {
  /** Limit for the handshakes above TCP, TLS and WebSocket each counted in. */
  readonly handshakeMs: number
  /** Whether double CRLFs are answered with one (RFC 5626 §4.4.1). */
  readonly answersPings: boolean
  /** Path by which WebSockets are opened. */
  readonly resource: string
  /** Refuse WebSocket clients that do not tell their origin. */
  readonly requiresOrigin: boolean
}

/** How a protocol works that no module has set. */
export const STREAM_DEFAULTS: StreamSettings = {
  handshakeMs: 5000,
  answersPings: true,
  resource: '/',
  requiresOrigin: true,
}

/** A connection that is being opened. */
export interface Outgoing {
  readonly carrier: Carrier
  /** The socket below. */
  readonly socket: Socket
  readonly tlsDomain: TlsDomain | null
}

/** Whether TLS is spoken below this protocol. */
export function isSecure(proto: Proto): boolean {
  return proto === 'tls' || proto === 'wss'
}

/** The protocols that run over TCP: plain, TLS, and WebSocket over either. */
export class StreamProtocols {
  readonly tls: TlsLayer
  readonly #messageBytes: number
  readonly #settings = new Map<Proto, StreamSettings>()
  readonly #acceptors = new Map<Proto, WsAcceptor>()

  constructor(messageBytes: number, log: Log) {
    this.#messageBytes = messageBytes
    this.tls = new TlsLayer(log)
  }

  /** Changes settings of a protocol, for connections that come later. */
  configure(proto: Proto, settings: Partial<StreamSettings>): void {
    this.#settings.set(proto, { ...this.settingsOf(proto), ...settings })
    this.#acceptors.delete(proto)
  }

  settingsOf(proto: Proto): StreamSettings {
    return this.#settings.get(proto) ?? STREAM_DEFAULTS
  }

  /** What carries a connection that was accepted on this socket. */
  accept(socket: Socket, at: ListenSocket): Carrier {
    const opening = isSecure(at.proto) ? this.tls.accept(socket, at.address, at.port) : accepted(socket)
    return isWebSocket(at.proto)
      ? new WsCarrier(opening, this.#acceptorOf(at.proto).handshake)
      : new SocketCarrier(opening)
  }

  /** Opens a connection to a hop. Undefined, and a line in the log, where no TLS domain is for it. */
  open(hop: Hop, options: TcpNetConnectOpts): Outgoing | undefined {
    const tlsDomain = isSecure(hop.proto) ? this.tls.clientDomain(hop) : null
    if (tlsDomain === undefined) return undefined
    const opening: Opening =
      tlsDomain === null ? connecting(connect(options)) : this.tls.connect(hop, tlsDomain, options)
    const carrier = isWebSocket(hop.proto)
      ? new WsCarrier(opening, wsClient(hop, this.#wsOptions(hop.proto)))
      : new SocketCarrier(opening)
    return { carrier, socket: opening.socket, tlsDomain }
  }

  #acceptorOf(proto: Proto): WsAcceptor {
    const known = this.#acceptors.get(proto)
    if (known !== undefined) return known
    const made = new WsAcceptor(this.#wsOptions(proto))
    this.#acceptors.set(proto, made)
    return made
  }

  #wsOptions(proto: Proto) {
    const { resource, requiresOrigin } = this.settingsOf(proto)
    return { resource, requiresOrigin, messageBytes: this.#messageBytes }
  }
}

function isWebSocket(proto: Proto): boolean {
  return proto === 'ws' || proto === 'wss'
}
