import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Carrier, type CarrierSink, SendQueue, type Written } from './carrier.ts'
import type { Opening } from './opening.ts'

/** Carries bytes as they are: TCP, and TLS over it. */
export class SocketCarrier implements Carrier {
  readonly #opening: Opening
  readonly #queue = new SendQueue()
  /** The socket of the opening until it is ready. */
  #socket: Socket
  #error: Error | null = null

  constructor(opening: Opening) {
    this.#opening = opening
    this.#socket = opening.socket
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead
  }

  get waitingBytes(): number {
    return this.#queue.size + this.#socket.writableLength
  }

  get localAddress(): string {
    return this.#opening.socket.localAddress ?? ''
  }

  get localPort(): number {
    return this.#opening.socket.localPort ?? 0
  }

  get tls(): TLSSocket | null {
    return this.#socket instanceof TLSSocket ? this.#socket : null
  }

  start(sink: CarrierSink): void {
    const { socket } = this.#opening
    this.#watch(socket, sink)
    socket.on('close', () => {
      this.#queue.fail(this.#error ?? new Error('connection closed'))
      sink.ended()
    })
    this.#opening.start({
      connected: () => sink.connected(),
      failed: reason => sink.broken(reason),
      ready: ready => this.#ready(ready, sink),
    })
  }

  write(bytes: Buffer | string, done: Written): void {
    this.#queue.write(bytes, done)
  }

  endSoon(): void {
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#queue.fail(this.#error ?? new Error('connection closed'))
    this.#socket.destroy()
    this.#opening.socket.destroy()
  }

  #ready(socket: Socket, sink: CarrierSink): void {
    if (socket !== this.#opening.socket) this.#watch(socket, sink)
    this.#socket = socket
    socket.on('data', segment => typeof segment !== 'string' && sink.bytes(segment))
    this.#queue.open((bytes, done) => void socket.write(bytes, done))
    sink.opened()
  }

  #watch(socket: Socket, sink: CarrierSink): void {
    socket.on('error', error => {
      this.#error ??= error
      sink.failed(error.message)
    })
  }
}
