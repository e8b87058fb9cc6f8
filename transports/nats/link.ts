import { type ConnectionOptions, Events, type NatsConnection, NatsError, type TlsOptions } from 'nats'
import {
  DELIVERED,
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
import type { NatsAddress, NatsLogin } from './address.ts'
import { connect } from './guarded-connect.ts'
import { HeaderWriter } from './headers.ts'
import { JetStreamPublisher, MAX_BATCH, type Message } from './jet-stream.ts'

/** What the protocol adds to a payload, roughly, beside the headers themselves. */
const HEADER_LIMIT_BYTES = 1024

export interface NatsLinkOptions {
  readonly clock: Clock
  readonly codec: EventCodec
  readonly connectTimeoutMs: number
  readonly pingIntervalMs: number
  /** Undefined without a TLS domain. */
  readonly tls: TlsOptions | undefined
}

/** A connection, and what has gone wrong on it. */
interface Session {
  readonly connection: NatsConnection
  /** Undefined where JetStream is not asked for. */
  readonly jetStream: JetStreamPublisher | undefined
  readonly onLost: (error: DeliveryError) => void
  /** Subjects we may not publish to, and what the server said; it does so before it answers the ping that follows. */
  readonly refusals: Map<string, DeliveryError>
}

/**
 * Publishes to one subject. Core NATS: `delivered` means that the server has read the message, known by its answer to a
 * ping sent behind the batch; what becomes of it without a subscriber is not NATS's business. JetStream: that a stream has
 * stored it; the id of the event is the message id, so a repeated event is stored once.
 */
export class NatsLink implements Link {
  readonly maxBatch = MAX_BATCH
  readonly maxInFlight = 8
  readonly codec: EventCodec
  readonly #address: NatsAddress
  readonly #options: NatsLinkOptions
  readonly #headers: HeaderWriter
  readonly #namesEvent: boolean
  #session: Session | undefined

  constructor(address: NatsAddress, options: NatsLinkOptions) {
    this.#address = address
    this.#options = options
    this.codec = options.codec
    this.#headers = new HeaderWriter(options.codec.contentType, address.stream)
    this.#namesEvent = address.subject.includes('{event}')
  }

  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const connecting = connect(connectionOptions(this.#address, this.#options))
    const connection = await orAbort(connecting, signal).catch(error => {
      throw connectError(this.#address, error)
    })
    if (connection === undefined) {
      void connecting.then(late => late.close()).catch(() => {})
      throw new DeliveryError('E_NOT_CONNECTED', 'gave up connecting: closed or out of time')
    }
    const session: Session = { connection, jetStream: this.#jetStreamOn(connection), onLost, refusals: new Map() }
    this.#session = session
    void watch(session)
    void connection.closed().then(cause => {
      const error = lostError(cause)
      session.jetStream?.abandon(error)
      this.#lose(session, error)
    })
  }

  async write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const session = this.#session
    if (session === undefined) return failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to the server'))
    const { connection, jetStream } = session
    const publishing =
      jetStream?.publish(batch, event => this.#messageOf(connection, event)) ?? this.#send(session, batch)
    return this.#settledBy(session, publishing, deadlineMs - SETTLE_AHEAD_MS)
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.connection.close().catch(() => {})
  }

  /** Core NATS: one ping behind the batch tells that all of it was read. */
  async #send({ connection, refusals }: Session, batch: readonly WireEvent[]): Promise<Outcomes> {
    const tooLarge = batch.map(event => this.#tooLarge(connection, event))
    try {
      for (const [i, event] of batch.entries()) {
        if (tooLarge[i] !== undefined) continue
        connection.publish(this.#subjectOf(event), event.encode(this.codec), { headers: this.#headers.of(event) })
      }
      await connection.flush()
    } catch (error) {
      return batch.map((_, i) => tooLarge[i] ?? unknown(lostError(error)))
    }
    if (refusals.size === 0 && tooLarge.every(refused => refused === undefined)) return DELIVERED
    return batch.map((event, i) => {
      const refusal = refusals.get(this.#subjectOf(event))
      return tooLarge[i] ?? (refusal === undefined ? DELIVERED : failed(refusal))
    })
  }

  #jetStreamOn(connection: NatsConnection): JetStreamPublisher | undefined {
    const { isJetStream, stream } = this.#address
    if (!isJetStream) return undefined
    return new JetStreamPublisher(connection, stream, cause => {
      const error = new DeliveryError('E_REFUSED', `the server does not let us have its answers: ${cause.message}`, {
        cause,
      })
      if (this.#session?.connection === connection) this.#lose(this.#session, error)
    })
  }

  #messageOf(connection: NatsConnection, event: WireEvent): Message | Delivery {
    const refused = this.#tooLarge(connection, event)
    if (refused !== undefined) return refused
    const headers = this.#headers.of(event)
    return { subject: this.#subjectOf(event), payload: event.encode(this.codec), headers }
  }

  #subjectOf(event: WireEvent): string {
    const { subject } = this.#address
    return this.#namesEvent ? subject.replaceAll('{event}', event.name) : subject
  }

  #tooLarge(connection: NatsConnection, event: WireEvent): Delivery | undefined {
    const most = (connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADER_LIMIT_BYTES
    const size = event.encode(this.codec).length
    if (size <= most) return undefined
    const message = `${size} bytes are more than the ${most} that the server takes (its max_payload, less headers)`
    return failed(new DeliveryError('E_TOO_LARGE', message, { permanent: true }))
  }

  /** A server that does not answer in time gets a new connection. */
  async #settledBy(session: Session, publishing: Promise<Outcomes>, dueMs: number): Promise<Outcomes> {
    const late = Promise.withResolvers<undefined>()
    const timer = this.#options.clock.after(Math.max(0, dueMs - this.#options.clock.monotonicMs()), () =>
      late.resolve(undefined),
    )
    const outcome = await Promise.race([publishing, late.promise])
    timer.clear()
    if (outcome !== undefined) return outcome
    const error = new DeliveryError('E_TIMEOUT', 'the server did not answer in time')
    this.#lose(session, error)
    return unknown(error)
  }

  #lose(session: Session, error: DeliveryError): void {
    if (this.#session !== session) return
    this.#session = undefined
    session.onLost(error)
    void session.connection.close().catch(() => {})
  }
}

/** Refusals come by themselves, not as the answer to a publish. */
async function watch({ connection, jetStream, refusals }: Session): Promise<void> {
  for await (const status of connection.status()) {
    const { type, permissionContext } = status
    if (type !== Events.Error || permissionContext?.operation !== 'publish') continue
    const { subject } = permissionContext
    const error = new DeliveryError('E_REFUSED', `the server does not let us publish to "${subject}"`)
    refusals.set(subject, error)
    jetStream?.refuse(subject, error)
  }
}

function connectionOptions({ servers, login }: NatsAddress, options: NatsLinkOptions): ConnectionOptions {
  return {
    servers: servers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    name: 'fanfare',
    // Reconnecting is done here: what NATS buffers meanwhile could neither be counted nor taken back.
    reconnect: false,
    ignoreClusterUpdates: true,
    // A stack for each request costs as much as the rest of it.
    noAsyncTraces: true,
    timeout: options.connectTimeoutMs,
    pingInterval: options.pingIntervalMs,
    ...(login.kind === 'token' ? { token: login.token } : {}),
    ...(login.kind === 'user' ? { user: login.user, pass: login.password } : {}),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  }
}

function connectError({ login }: NatsAddress, cause: unknown): DeliveryError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const code = cause instanceof NatsError ? cause.code : ''
  const isRefused =
    code === 'AUTHORIZATION_VIOLATION' || code === 'BAD_AUTHENTICATION' || code === 'AUTHENTICATION_EXPIRED'
  if (isRefused) return new DeliveryError('E_REFUSED', `the server refuses ${shownLogin(login)}: ${text}`, { cause })
  return new DeliveryError('E_NOT_CONNECTED', `cannot connect: ${text}`, { cause })
}

function shownLogin(login: NatsLogin): string {
  if (login.kind === 'user') return `user "${login.user}" or its password`
  return login.kind === 'token' ? 'our token' : 'clients that do not log in (user:password@ or token@ before the host)'
}

function lostError(cause: unknown): DeliveryError {
  const text = cause instanceof Error ? cause.message : 'closed'
  return new DeliveryError('E_NOT_CONNECTED', `connection to the server lost: ${text}`, { cause })
}
