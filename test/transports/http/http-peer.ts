import { once } from 'node:events'
import {
  createServer as createPlainServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { Arrivals, readJsonRpc } from '../../conformance/json-arrival.ts'
import type { Arrival, Peer } from '../../conformance/transport.ts'

/** A request as it came. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer = (response: ServerResponse, request: Received) => void

const answerNothing: Answer = response => void response.writeHead(204).end()

/** An HTTP server that takes events; with a certificate, one over TLS. */
export class HttpPeer implements Peer {
  readonly requests = new Arrivals<Received>()
  readonly #sockets = new Set<Socket>()
  readonly #tls: ServerOptions | undefined
  readonly #options: string
  #answer: Answer
  #server: Server | undefined
  #mode: 'answer' | 'hang' | 'cut' = 'answer'
  #accepted = 0
  /** Most connections that were open at once. */
  most = 0
  port = 0

  private constructor(answer: Answer, options: string, tls: ServerOptions | undefined) {
    this.#answer = answer
    this.#options = options
    this.#tls = tls
  }

  /** `options` stand behind `#` in its socket. */
  static async open(answer = answerNothing, options = '', tls?: ServerOptions): Promise<HttpPeer> {
    const peer = new HttpPeer(answer, options, tls)
    await peer.start()
    return peer
  }

  get socket(): string {
    const scheme = this.#tls === undefined ? 'http' : 'https'
    return `${scheme}://127.0.0.1:${this.port}/hook?x=1${this.#options}`
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted
  }

  answerWith(answer: Answer): void {
    this.#answer = answer
  }

  async start(): Promise<void> {
    const server = this.#tls === undefined ? createPlainServer() : createSecureServer(this.#tls)
    this.#server = server
    server.on('connection', (socket: Socket) => this.#accept(socket))
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { method = '', url = '', headers } = request
      this.#take({ method, url, headers, body: Buffer.concat(chunks).toString() }, response)
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.resetAndDestroy()
    if (server !== undefined) await new Promise(resolve => server.close(resolve))
  }

  hang(): void {
    this.#mode = 'hang'
  }

  cut(): void {
    this.#mode = 'cut'
  }

  arrivals(): readonly Arrival[] {
    return this.requests.all.flatMap(({ body, headers }) => {
      if (!body.startsWith('[')) return { ...readJsonRpc(body), id: String(headers['webhook-id']) }
      return JSON.parse(body).map((one: object) => readJsonRpc(JSON.stringify(one)))
    })
  }

  async arrived(count: number): Promise<void> {
    while (this.arrivals().length < count) await this.requests.reached(this.requests.all.length + 1)
  }

  close(): Promise<void> {
    return this.stop()
  }

  #accept(socket: Socket): void {
    this.#accepted++
    this.#sockets.add(socket)
    this.most = Math.max(this.most, this.#sockets.size)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #take(request: Received, response: ServerResponse): void {
    if (this.#mode === 'hang') return
    if (this.#mode === 'cut') {
      for (const socket of this.#sockets) socket.resetAndDestroy()
      return
    }
    this.requests.add(request)
    this.#answer(response, request)
  }
}
