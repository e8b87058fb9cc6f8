import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000
const SIZE_BYTES = 4
/** What a producer is answered is far smaller; the client would collect up to 2 GiB. */
const MOST_RESPONSE_BYTES = 16 * 2 ** 20

/**
 * Follows the sizes that stand before the responses of a broker (Kafka protocol, "Network": `RequestOrResponse => Size`,
 * a signed integer of four bytes, big-endian).
 */
export class ResponseSizes {
  #size = 0
  #sizeBytes = 0
  /** Bytes left of the response that is coming. */
  #left = 0

  /** Takes what has come. False for a size that no response has: what follows means nothing. */
  accepts(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
        continue
      }
      this.#size = (this.#size << 8) | (chunk[at++] ?? 0)
      if (++this.#sizeBytes < SIZE_BYTES) continue
      if (this.#size < 0 || this.#size > MOST_RESPONSE_BYTES) return false
      this.#left = this.#size
      this.#size = 0
      this.#sizeBytes = 0
    }
    return true
  }
}

/** The connections of the client: one to a peer that does not speak Kafka is ended, instead of what the client would do. */
export const guardedSockets: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? connectSecure({ host, port, ...name, ...(ssl as object) }, onConnect)
    : connectPlain({ host, port }, onConnect)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  return guarded(socket)
}

type Listener = Parameters<Socket['on']>[1]

/** The client throws out of its listener at a response too short to be one, and loops for ever at a negative size. */
function guarded<S extends Socket>(socket: S): S {
  const sizes = new ResponseSizes()
  const on = socket.on.bind(socket) as (event: string, listener: Listener) => S
  const take = (chunk: Buffer, listener: Listener): void => {
    if (!sizes.accepts(chunk)) throw new Error('the peer does not speak the protocol of Kafka')
    listener(chunk)
  }
  const onGuarded = (event: string, listener: Listener): S => {
    if (event !== 'data') return on(event, listener)
    return on('data', (chunk: Buffer) => {
      if (socket.destroyed) return
      try {
        take(chunk, listener)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
  }
  return Object.assign(socket, { on: onGuarded })
}
