import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import {
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  type Link,
  SETTLE_AHEAD_MS,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { XmlRpcAddress } from './address.ts'
import { judgeReply, REPLY_LIMIT_BYTES } from './reply.ts'

const USER_AGENT = 'OpenSIPS XMLRPC Notifier'

/**
 * Calls a method once for each event, one call after the other, each over a connection of its own. `delivered` means that
 * the peer answered 2xx without a fault.
 */
export class XmlRpcLink implements Link {
  readonly maxBatch = 1
  readonly maxInFlight = 1
  readonly window = 1
  readonly codec: EventCodec
  readonly #address: XmlRpcAddress
  readonly #clock: Clock
  #closing = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #onLost: (error: DeliveryError) => void = () => {}
  #wasLost = false

  constructor(address: XmlRpcAddress, codec: EventCodec, clock: Clock) {
    this.#address = address
    this.codec = codec
    this.#clock = clock
  }

  /**
   * There is no connection to keep. At first the peer is taken to be there, so that it sees nothing but calls; once it
   * was away, it has to accept a connection before it is trusted with an event again.
   */
  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    this.#onLost = onLost
    this.#closing = new AbortController()
    if (this.#wasLost) await this.#probe(signal)
    this.#wasLost = false
  }

  write(batch: readonly WireEvent[], deadlineMs: number): Promise<readonly Delivery[]> {
    const done = this.#write(batch, deadlineMs)
    this.#running = done
    return done
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #write(batch: readonly WireEvent[], deadlineMs: number): Promise<readonly Delivery[]> {
    const outcomes: Delivery[] = []
    for (const event of batch) outcomes.push(await this.#call(event.encode(this.codec), deadlineMs))
    return outcomes
  }

  #call(body: Buffer, deadlineMs: number): Promise<Delivery> {
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    const { host, port, path } = this.#address
    const closing = this.#closing.signal
    const call = request({ host, port, path, method: 'POST', agent: false, headers: this.#headers(body.length) })
    let isSent = false
    let isSettled = false
    const settle = (delivery: Delivery) => {
      isSettled = true
      timer.clear()
      closing.removeEventListener('abort', onClose)
      call.destroy()
      resolve(delivery)
    }
    const giveUp = (error: DeliveryError) => {
      if (isSettled) return
      settle(isSent ? unknown(error) : failed(error))
      if (!isSent || error.code === 'E_TIMEOUT') this.#lose(error)
    }
    const onClose = () => giveUp(new DeliveryError('E_CLOSED', 'the subscription was closed during the call'))
    const timer = this.#clock.after(Math.max(0, deadlineMs - SETTLE_AHEAD_MS - this.#clock.monotonicMs()), () =>
      giveUp(new DeliveryError('E_TIMEOUT', isSent ? 'the peer did not answer in time' : 'no connection in time')),
    )
    closing.addEventListener('abort', onClose, { once: true })
    call.on('socket', (socket: Socket) => {
      // From here on the peer may have the call.
      socket.once('connect', () => {
        isSent = true
      })
    })
    call.on('error', error => giveUp(this.#peerError(error, isSent)))
    call.on('response', response => readReply(response, settle, error => giveUp(this.#peerError(error, true))))
    call.end(body)
    return promise
  }

  #headers(contentLength: number): string[] {
    const { host, port } = this.#address
    const fields = {
      Host: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      Connection: 'close',
      'User-Agent': USER_AGENT,
      'Content-type': 'text/xml',
      'Content-length': String(contentLength),
    }
    // As a list they are sent in this order and spelling.
    return Object.entries(fields).flat()
  }

  #lose(error: DeliveryError): void {
    this.#wasLost = true
    this.#onLost(error)
  }

  #probe(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect({ host: this.#address.host, port: this.#address.port })
    const onAbort = () => socket.destroy(new Error('no connection in time'))
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', resolve)
    socket.once('error', error => reject(this.#peerError(error, false)))
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
    })
  }

  #peerError(error: Error, isSent: boolean): DeliveryError {
    const server = `${this.#address.host}:${this.#address.port}`
    const what = isSent ? `${server} broke the call off` : `cannot connect to ${server}`
    return new DeliveryError('E_NOT_CONNECTED', `${what}: ${error.message}`, { cause: error })
  }
}

/** Reads as much of a reply as can matter, then judges it. */
function readReply(reply: IncomingMessage, settle: (delivery: Delivery) => void, fail: (error: Error) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const judge = () => settle(judgeReply(reply.statusCode ?? 0, Buffer.concat(chunks).toString()))
  reply.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= REPLY_LIMIT_BYTES) judge()
  })
  reply.on('end', judge)
  reply.on('error', fail)
}
