import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type WebSocket from 'ws'
import { type Carrier, type CarrierSink, SendQueue, type Written } from './carrier.ts'
import type { Opening } from './opening.ts'

/** Makes the WebSocket of a socket that bytes can pass: by answering the handshake, or by beginning it. */
export type WsHandshake = (
  socket: Socket,
  done: (webSocket: WebSocket) => void,
  failed: (reason: string) => void,
) => void

/** Carries SIP in WebSocket frames, one message in each (RFC 7118 §5). */
export class WsCarrier implements Carrier {
  readonly #opening: Opening
  readonly #handshake: WsHandshake
  readonly #queue = new SendQueue()
  #socket: Socket
  #webSocket: WebSocket | null = null

  constructor(opening: Opening, handshake: WsHandshake) {
    this.#opening = opening
    this.#handshake = handshake
    this.#socket = opening.socket
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead
  }

  get waitingBytes(): number {
    return this.#queue.size + (this.#webSocket?.bufferedAmount ?? this.#socket.writableLength)
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
    socket.on('error', error => sink.failed(error.message))
    socket.on('close', () => {
      this.#queue.fail(new Error('connection closed'))
      sink.ended()
    })
    this.#opening.start({
      connected: () => sink.connected(),
      failed: reason => sink.broken(reason),
      ready: ready => {
        this.#socket = ready
        if (ready !== socket) ready.on('error', error => sink.failed(error.message))
        this.#handshake(
          ready,
          webSocket => this.#opened(webSocket, sink),
          reason => sink.broken(reason),
        )
      },
    })
  }

  write(bytes: Buffer | string, done: Written): void {
    this.#queue.write(bytes, done)
  }

  endSoon(): void {
    this.#webSocket?.close()
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#queue.fail(new Error('connection closed'))
    this.#webSocket?.terminate()
    this.#socket.destroy()
    this.#opening.socket.destroy()
  }

  #opened(webSocket: WebSocket, sink: CarrierSink): void {
    this.#webSocket = webSocket
    // Before the WebSocket takes the bytes, so that the message they complete comes behind.
    this.#socket.prependListener('data', () => sink.partial())
    webSocket.on('message', data => sink.message(asBuffer(data)))
    webSocket.on('ping', () => sink.alive())
    webSocket.on('pong', () => sink.alive())
    webSocket.on('error', error => sink.broken(error.message))
    this.#queue.open((bytes, done) => {
      // RFC 7118 §5: text frames hold UTF-8 only.
      const binary = typeof bytes !== 'string' && !isUtf8(bytes)
      webSocket.send(bytes, { binary }, done)
    })
    sink.opened()
  }
}

function asBuffer(data: WebSocket.RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
