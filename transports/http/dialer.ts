import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { Clock, Timer } from '../../src/util/clock.ts'

/** A connection that was opened to see whether the receiver is there is kept so long for the first request. */
const SPARE_MS = 4000

/** Opens connections to one receiver; one may be opened before there is a request for it. */
export class Dialer {
  readonly #dial: buildConnector.connector
  readonly #peer: buildConnector.Options
  readonly #clock: Clock
  #spare: { readonly socket: Socket; readonly timer: Timer } | undefined

  constructor(origin: string, connectTimeoutMs: number, tls: object | undefined, clock: Clock) {
    const { hostname, host, protocol, port } = new URL(origin)
    this.#peer = { hostname: hostname.replace(/^\[|\]$/g, ''), host, protocol, port }
    this.#dial = buildConnector({ ...tls, allowH2: false, timeout: connectTimeoutMs })
    this.#clock = clock
  }

  /** What a pool connects with: takes the connection that waits, or opens one. */
  readonly connect: buildConnector.connector = (options, callback) => {
    const spare = this.#takeSpare()
    if (spare === undefined) this.#dial(options, callback)
    else queueMicrotask(() => callback(null, spare))
  }

  /** Opens a connection to be used by the next request. Rejects with what went wrong, such as a certificate. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    this.#dial(this.#peer, (error, socket) => (error === null ? resolve(socket) : reject(error)))
    const socket = await promise
    if (signal.aborted) socket.destroy()
    else this.#keep(socket)
  }

  /** Drops the connection that waits. */
  close(): void {
    this.#takeSpare()?.destroy()
  }

  #keep(socket: Socket): void {
    const timer = this.#clock.after(SPARE_MS, () => socket.destroy())
    this.#spare = { socket, timer }
    socket.once('close', () => {
      if (this.#spare?.socket === socket) this.#takeSpare()
    })
  }

  #takeSpare(): Socket | undefined {
    const spare = this.#spare
    this.#spare = undefined
    spare?.timer.clear()
    return spare?.socket.destroyed === false ? spare.socket : undefined
  }
}
