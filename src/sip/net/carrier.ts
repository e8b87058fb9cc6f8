import type { TLSSocket } from 'node:tls'

/** Called when the kernel has taken bytes, or with an error when it certainly has not. */
export type Written = (error?: Error | null) => void

/** What carries a stream connection: a socket, TLS over it, or WebSocket frames over either. Plain of SIP. */
export interface Carrier {
  /** Bytes that have come. */
  readonly receivedBytes: number
  /** Bytes that wait for the peer to read, or for the connection to open. */
  readonly waitingBytes: number
  readonly localAddress: string
  readonly localPort: number
  /** The TLS below, once its handshake is over; null without. */
  readonly tls: TLSSocket | null
  /** Begins; called once. Some of the sink's methods may be called before it returns. */
  start(sink: CarrierSink): void
  write(bytes: Buffer | string, done: Written): void
  /** Sends what waits, then ends. */
  endSoon(): void
  /** Ends at once. What waits is given up, and its senders are told later. Idempotent. */
  destroy(): void
}

/** What a carrier tells its connection. */
export interface CarrierSink {
  /** The TCP connection stands. */
  connected(): void
  /** Every handshake is over: SIP can pass. */
  opened(): void
  /** The next bytes of a stream. They belong to the receiver. */
  bytes(segment: Buffer): void
  /** A part of a message has come whose end has not. */
  partial(): void
  /** One message, cut out already. Its bytes belong to the receiver. */
  message(bytes: Buffer): void
  /** A sign of life that holds no message. */
  alive(): void
  /** The peer does not keep to the protocol below SIP: the connection is of no more use. */
  broken(reason: string): void
  failed(reason: string): void
  /** Once, last of all. */
  ended(): void
}

/** Holds back what is sent before a connection is open. */
export class SendQueue {
  readonly #waiting: { readonly bytes: Buffer | string; readonly done: Written }[] = []
  #out: ((bytes: Buffer | string, done: Written) => void) | null = null
  #size = 0

  /** Bytes held back. */
  get size(): number {
    return this.#size
  }

  write(bytes: Buffer | string, done: Written): void {
    if (this.#out !== null) {
      this.#out(bytes, done)
      return
    }
    this.#waiting.push({ bytes, done })
    this.#size += bytes.length
  }

  /** Sends what waits, and from now on everything at once. */
  open(out: (bytes: Buffer | string, done: Written) => void): void {
    this.#out = out
    this.#size = 0
    for (const { bytes, done } of this.#waiting.splice(0)) out(bytes, done)
  }

  /** Gives up what waits. Its senders are told when the present work is done. */
  fail(error: Error): void {
    this.#size = 0
    for (const { done } of this.#waiting.splice(0)) process.nextTick(done, error)
  }
}
