import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { JsonObjects } from '../../../transports/stream/json-objects.ts'
import { Arrivals, readJsonRpc } from '../../conformance/json-arrival.ts'
import type { Arrival, Peer } from '../../conformance/transport.ts'

/** What a peer does with a message that has come. */
export type Answer = (message: { readonly id?: number }, socket: Socket) => void

/** Answers each request with success. */
export const answerOk: Answer = ({ id }, socket) => {
  if (id !== undefined) socket.write(JSON.stringify({ jsonrpc: '2.0', result: 'ok', id }))
}

/** A TCP server that reads JSON-RPC messages. */
export class StreamPeer implements Peer {
  readonly #scheme: string
  readonly #arrivals = new Arrivals<Arrival>()
  readonly #sockets = new Set<Socket>()
  #answer: Answer
  #server: Server | undefined
  #mode: 'answer' | 'hang' | 'cut' = 'answer'
  #accepted = 0
  port = 0
  /** All that has come, byte for byte. */
  received = ''

  private constructor(scheme: string, answer: Answer) {
    this.#scheme = scheme
    this.#answer = answer
  }

  static async open(scheme = 'tcp', answer: Answer = answerOk): Promise<StreamPeer> {
    const peer = new StreamPeer(scheme, answer)
    await peer.start()
    return peer
  }

  get socket(): string {
    return `${this.#scheme}:127.0.0.1:${this.port}`
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted
  }

  answerWith(answer: Answer): void {
    this.#answer = answer
  }

  async start(): Promise<void> {
    this.#server = createServer(socket => this.#accept(socket))
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.resetAndDestroy()
    if (server !== undefined) await new Promise(resolve => server.close(resolve))
  }

  hang(): void {
    this.#mode = 'hang'
    for (const socket of this.#sockets) socket.pause()
  }

  cut(): void {
    this.#mode = 'cut'
  }

  arrivals(): readonly Arrival[] {
    return this.#arrivals.all
  }

  arrived(count: number): Promise<void> {
    return this.#arrivals.reached(count)
  }

  close(): Promise<void> {
    return this.stop()
  }

  #accept(socket: Socket): void {
    this.#accepted++
    this.#sockets.add(socket)
    const messages = new JsonObjects(2 ** 24)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    if (this.#mode === 'hang') return
    socket.on('data', (chunk: Buffer) => {
      if (this.#mode === 'hang') return
      if (this.#mode === 'cut') {
        socket.resetAndDestroy()
        return
      }
      this.received += chunk.toString()
      for (const message of messages.push(chunk)) {
        this.#arrivals.add(readJsonRpc(JSON.stringify(message)))
        this.#answer(message, socket)
      }
    })
  }
}
