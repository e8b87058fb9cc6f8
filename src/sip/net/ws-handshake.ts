import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import WebSocket, { WebSocketServer } from 'ws'
import { hostPort } from './address.ts'
import type { Hop } from './endpoint.ts'
import type { WsHandshake } from './ws-carrier.ts'

/** The WebSocket subprotocol of SIP (RFC 7118 §4). */
const SUBPROTOCOL = 'sip'

/** How WebSockets are opened. */
export interface WsOptions {
  /** Path of the request that opens them. */
  readonly resource: string
  /** Refuse a client that does not tell its origin. */
  readonly requiresOrigin: boolean
  /** Most bytes of one message. */
  readonly messageBytes: number
}

interface Waiting {
  readonly done: (webSocket: WebSocket) => void
  readonly failed: (reason: string) => void
}

/** Answers the opening handshakes of WebSocket clients (RFC 6455 §4.2, RFC 7118 §4). */
export class WsAcceptor {
  readonly #options: WsOptions
  /** Never listens: it is handed connections. */
  readonly #http: Server
  readonly #webSockets: WebSocketServer
  readonly #waiting = new WeakMap<Duplex, Waiting>()

  constructor(options: WsOptions) {
    this.#options = options
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.messageBytes,
      handleProtocols: () => SUBPROTOCOL,
    })
    // The connection has time limits of its own.
    this.#http = createServer({ headersTimeout: 0, requestTimeout: 0, keepAlive: false })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('request', (request: IncomingMessage) => this.#refuse(request.socket, 426, 'no WebSocket handshake'))
    this.#http.on('clientError', (error, socket) => this.#refuse(socket, 400, error.message))
  }

  /** Waits for the handshake on this socket and answers it. */
  readonly handshake: WsHandshake = (socket, done, failed) => {
    this.#waiting.set(socket, { done, failed })
    this.#http.emit('connection', socket)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusalOf(request)
    if (refusal !== null) {
      this.#refuse(socket, refusal.status, refusal.reason)
      return
    }
    this.#webSockets.handleUpgrade(request, socket, head, webSocket => this.#waiting.get(socket)?.done(webSocket))
  }

  #refusalOf({ url = '', headers }: IncomingMessage): { readonly status: number; readonly reason: string } | null {
    const { resource, requiresOrigin } = this.#options
    const path = url.replace(/\?.*$/s, '')
    if (path !== resource) return { status: 404, reason: `resource ${JSON.stringify(path)} instead of "${resource}"` }
    if (requiresOrigin && headers.origin === undefined) return { status: 403, reason: 'no Origin header' }
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim().toLowerCase())
    return offered.includes(SUBPROTOCOL) ? null : { status: 400, reason: 'subprotocol "sip" was not offered' }
  }

  #refuse(socket: Duplex, status: number, reason: string): void {
    if (socket.writable)
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n` +
          'Content-Length: 0\r\n\r\n',
      )
    this.#waiting.get(socket)?.failed(reason)
  }
}

/** Begins the opening handshake with the server at a hop. */
export function wsClient(hop: Hop, { resource, messageBytes }: WsOptions): WsHandshake {
  return (socket: Socket, done, failed) => {
    const webSocket = new WebSocket(`ws://${hostPort(hop.name ?? hop.address, hop.port)}${resource}`, SUBPROTOCOL, {
      createConnection: () => socket,
      perMessageDeflate: false,
      maxPayload: messageBytes,
    })
    const fail = (error: Error) => failed(error.message)
    webSocket.once('error', fail)
    webSocket.once('open', () => {
      webSocket.removeListener('error', fail)
      done(webSocket)
    })
  }
}
