import type { KeyObject } from 'node:crypto'
import { Pool } from 'undici'
import {
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  type Link,
  type Outcomes,
  SETTLE_AHEAD_MS,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { orAbort } from '../../src/util/or-abort.ts'
import type { HttpAddress } from './address.ts'
import { Dialer } from './dialer.ts'
import { Exchange, type Result } from './exchange.ts'
import { type Pack, packBatch, packOne } from './payload.ts'
import { signatures } from './signature.ts'
import { isAboutContent, verdictOf } from './verdict.ts'

const NO_CONNECTION = failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to the receiver'))
/** Sent now, it would most likely be given up with the receiver at work on it. */
const TOO_LATE = failed(new DeliveryError('E_QUEUE_FULL', 'the receiver is too slow for another request in time'))

type Unanswered = Extract<Result, { readonly error: Error }>

export interface HttpLinkOptions {
  readonly clock: Clock
  readonly codec: EventCodec
  readonly connectTimeoutMs: number
  /** Requests at a time, each on a connection of its own; 1 keeps events in order. */
  readonly connections: number
  /** Most events in a request. */
  readonly batch: number
  /** Whether requests hold arrays, even of one event. */
  readonly isBatched: boolean
  readonly keys: readonly KeyObject[]
  /** Undefined without a TLS domain. */
  readonly tls: object | undefined
}

interface Session {
  readonly pool: Pool
  readonly dialer: Dialer
  readonly onLost: (error: DeliveryError) => void
  /** When an answer came last, and how long it had taken. */
  heardMs: number
  tookMs: number
}

/** Posts events to a URL: `delivered` means that the receiver answered 2xx. Each attempt is signed anew, under the same id. */
export class HttpLink implements Link {
  readonly maxBatch: number
  readonly maxInFlight: number
  readonly window: number
  readonly codec: EventCodec
  readonly #address: HttpAddress
  readonly #options: HttpLinkOptions
  readonly #pack: Pack
  #session: Session | undefined
  /** What is left of a connection that was lost. */
  #leaving: Promise<void> | undefined

  constructor(address: HttpAddress, options: HttpLinkOptions) {
    this.#address = address
    this.#options = options
    this.codec = options.codec
    this.maxBatch = options.batch
    this.maxInFlight = options.connections
    // One request more, so that the next is at hand when an answer comes.
    this.window = options.batch * (options.connections + 1)
    this.#pack = options.isBatched ? packBatch(options.codec) : packOne(options.codec)
  }

  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const { clock, connections, connectTimeoutMs, tls } = this.#options
    const { origin } = this.#address
    const dialer = new Dialer(origin, connectTimeoutMs, tls, clock)
    const preparing = dialer.prepare(signal).then(() => true)
    const isThere = await orAbort(preparing, signal).catch(error => {
      throw this.#notConnected(error)
    })
    if (isThere === undefined) throw this.#notConnected(new Error('closed or out of time'))
    const pool = new Pool(origin, {
      connect: dialer.connect,
      connections,
      // One request at a time on a connection, which stays open for the next.
      pipelining: 1,
      // Time is kept here, by the deadline of the events.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#session = { pool, dialer, onLost, heardMs: Number.NEGATIVE_INFINITY, tookMs: 0 }
  }

  async write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const { status, delivery } = await this.#attempt(batch, deadlineMs)
    if (batch.length === 1 || !isAboutContent(status)) return delivery
    // One event that is refused has its whole batch refused: the others are to arrive.
    const outcomes: Delivery[] = []
    for (const event of batch) outcomes.push((await this.#attempt([event], deadlineMs)).delivery)
    return outcomes
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session === undefined) {
      await this.#leaving
      return
    }
    session.dialer.close()
    await session.pool.destroy().catch(() => {})
  }

  /** `status` is 0 where there was no answer. */
  async #attempt(batch: readonly WireEvent[], deadlineMs: number): Promise<{ status: number; delivery: Delivery }> {
    const session = this.#session
    if (session === undefined) return { status: 0, delivery: NO_CONNECTION }
    const { clock } = this.#options
    const sentMs = clock.monotonicMs()
    if (deadlineMs - sentMs < session.tookMs) return { status: 0, delivery: TOO_LATE }
    const result = await this.#post(session, batch, deadlineMs - SETTLE_AHEAD_MS)
    if ('error' in result) return { status: 0, delivery: this.#unanswered(session, result, sentMs) }
    session.heardMs = clock.monotonicMs()
    session.tookMs = session.heardMs - sentMs
    return { status: result.status, delivery: verdictOf(result.status, result.retryAfter, clock.nowMs()) }
  }

  #unanswered(session: Session, result: Unanswered, sentMs: number): Delivery {
    const error = this.#errorOf(result)
    // A receiver that cannot be reached, or says nothing at all, is away. One that breaks off may just have restarted.
    const isAway = (!result.isSent || result.isTimeout) && session.heardMs < sentMs
    if (isAway) this.#lose(session, error)
    return result.isSent ? unknown(error) : failed(error)
  }

  #post({ pool }: Session, batch: readonly WireEvent[], dueMs: number): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>()
    const { clock } = this.#options
    const { id, contentType, body } = this.#pack(batch)
    const headers = this.#headers(id, contentType, body)
    pool.dispatch({ path: this.#address.path, method: 'POST', headers, body }, new Exchange(clock, dueMs, resolve))
    return promise
  }

  /** Names and values in turn. The timestamp is that of the attempt (Standard Webhooks, "Webhook headers"). */
  #headers(id: string, contentType: string, body: Buffer): string[] {
    const { clock, keys } = this.#options
    const { authorization } = this.#address
    const timestampS = Math.floor(clock.nowMs() / 1000)
    const headers = ['content-type', contentType, 'user-agent', 'fanfare', 'webhook-id', id]
    headers.push('webhook-timestamp', String(timestampS))
    if (keys.length > 0) headers.push('webhook-signature', signatures(keys, id, timestampS, body))
    if (authorization !== undefined) headers.push('authorization', authorization)
    return headers
  }

  #errorOf({ error, isSent, isTimeout }: Unanswered): DeliveryError {
    const { host } = this.#address
    if (isTimeout) {
      const message = isSent ? `${host} did not answer in time` : `no connection to ${host} in time`
      return new DeliveryError(isSent ? 'E_TIMEOUT' : 'E_NOT_CONNECTED', message)
    }
    if (!isSent) return this.#notConnected(error)
    if (isNoHttp(error))
      return new DeliveryError('E_REFUSED', `${host} answers what is no HTTP: ${error.message}`, { cause: error })
    const message = `${host} broke the connection off before it answered: ${error.message}`
    return new DeliveryError('E_NOT_CONNECTED', message, { cause: error })
  }

  #notConnected(cause: Error): DeliveryError {
    const reason = cause instanceof AggregateError ? cause.errors.map(String).join('; ') : cause.message
    return new DeliveryError('E_NOT_CONNECTED', `cannot connect to ${this.#address.host}: ${reason}`, { cause })
  }

  #lose(session: Session, error: DeliveryError): void {
    if (this.#session !== session) return
    this.#session = undefined
    session.dialer.close()
    // Requests on other connections may still be answered; each ends by its own deadline.
    this.#leaving = session.pool.close().catch(() => {})
    session.onLost(error)
  }
}

/** Whether the client could not read an answer, as its codes say. */
function isNoHttp(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code !== undefined && (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
}
