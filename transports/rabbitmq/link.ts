import type { ConfirmChannel, Options } from 'amqplib'
import type { Server } from '../../src/events/socket-text.ts'
import {
  type Delivery,
  DeliveryError,
  type EventCodec,
  type EventOrigin,
  failed,
  type Link,
  originPath,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { orAbort } from '../../src/util/or-abort.ts'
import { type RabbitMqAddress, SHORT_STRING_BYTES } from './address.ts'
import { ConfirmWindow } from './confirm-window.ts'
import type { BrokerConnection, ConnectionPool } from './connections.ts'
import { openExchange } from './exchange.ts'
import { routingHeaders } from './headers.ts'

/** AMQP 0-9-1 §1.1 reply codes. */
const ACCESS_REFUSED = 403
const NOT_FOUND = 404
/** A broker that accepted the connection and is silent for so long while a channel is opened is taken to hang. */
const OPEN_WITHIN_MS = 5000
/** Unconfirmed messages are settled this much before their deadline, so that we and nobody else decide what to do. */
const AHEAD_MS = 20

export interface LinkOptions {
  readonly clock: Clock
  readonly codec: EventCodec
  /** Longest wait for one answer of the broker; 0 for no limit of our own. */
  readonly timeoutMs: number
}

/** A channel in confirm mode, and what is known of it. */
interface Session {
  readonly connection: BrokerConnection
  readonly channel: ConfirmChannel
  readonly window: ConfirmWindow
  /** Delivery tag of the next message. */
  nextTag: number
  readonly onLost: (error: DeliveryError) => void
  reason: DeliveryError | undefined
}

/**
 * Publishes to one exchange and routing key on a channel of its own, with publisher confirms: `delivered` means that
 * the broker has taken responsibility for the message. Batches are pipelined.
 */
export class RabbitMqLink implements Link {
  readonly maxBatch = 256
  readonly maxInFlight = 16
  /** Encoded before they are batched, so that one that cannot be is refused alone. */
  readonly codec: EventCodec
  readonly #address: RabbitMqAddress
  readonly #pool: ConnectionPool
  readonly #options: LinkOptions
  readonly #running = new Set<Promise<unknown>>()
  #session: Session | undefined
  /** Where the broker to be tried next stands in the list. */
  #next = 0
  #origin: EventOrigin | undefined
  #appId = ''

  constructor(address: RabbitMqAddress, pool: ConnectionPool, options: LinkOptions) {
    this.#address = address
    this.#pool = pool
    this.#options = options
    this.codec = options.codec
  }

  /** The broker in use, where there is a choice. */
  get receiver(): string | undefined {
    const server = this.#session?.connection.server
    return server === undefined || this.#address.servers.length === 1 ? undefined : `${server.host}:${server.port}`
  }

  /** Tries each broker once, beginning behind the one tried last: the one that was lost, or that hung, comes last. */
  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const { servers } = this.#address
    const errors: DeliveryError[] = []
    while (errors.length < servers.length && !signal.aborted) {
      try {
        await this.#connectNext(signal, onLost)
        return
      } catch (error) {
        errors.push(asDeliveryError(error))
      }
    }
    throw errors.length === 1 ? errors[0] : noneOf(errors)
  }

  write(batch: readonly WireEvent[], deadlineMs: number): Promise<Delivery | readonly Delivery[]> {
    const done = this.#write(batch, deadlineMs)
    this.#running.add(done)
    void done.finally(() => this.#running.delete(done))
    return done
  }

  async close(): Promise<void> {
    const session = this.#session
    if (session !== undefined) {
      this.#end(session, new DeliveryError('E_CLOSED', 'the socket was closed before the broker confirmed'))
      await this.#pool.release(this.#address, session.connection)
    }
    await Promise.all(this.#running)
  }

  async #write(batch: readonly WireEvent[], deadlineMs: number): Promise<Delivery | readonly Delivery[]> {
    const session = this.#session
    if (session === undefined) return failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to the broker'))
    const { blocked } = session.connection
    if (blocked !== undefined) return failed(new DeliveryError('E_NOT_CONNECTED', blockedText(blocked)))
    const firstTag = session.nextTag
    const refusal = this.#publish(session, batch)
    const written = session.nextTag - firstTag
    if (written === 0) return refusal ?? []
    const dueMs = Math.min(deadlineMs - AHEAD_MS, this.#ownDeadlineMs())
    const outcome = await session.window.add(batch.slice(0, written), firstTag, dueMs)
    if (refusal === undefined) return outcome
    return batch.map((_, i) => (i >= written ? refusal : 'outcome' in outcome ? outcome : (outcome[i] ?? refusal)))
  }

  /** Publishes in order. Where the client refuses a message, says what becomes of it and of those after it. */
  #publish(session: Session, batch: readonly WireEvent[]): Delivery | undefined {
    const { exchange, exchangeType, routingKey, persistent, mandatory } = this.#address
    const isRoutedByHeaders = exchangeType === 'headers'
    const { codec } = this.#options
    for (const event of batch) {
      const properties: Options.Publish = {
        messageId: event.id,
        timestamp: Math.floor(event.raisedAtMs / 1000),
        contentType: codec.contentType,
        // A table of headers would cost as much as the rest of the message; the sequence is in the id.
        appId: this.#appIdOf(event.origin),
        mandatory,
      }
      if (fitsShortString(event.name)) properties.type = event.name
      if (persistent) properties.persistent = true
      if (isRoutedByHeaders) properties.headers = routingHeaders(event)
      try {
        session.channel.publish(exchange, routingKey, event.encode(codec), properties)
      } catch (cause) {
        const error = new DeliveryError('E_NOT_CONNECTED', `cannot publish: ${messageOf(cause)}`, { cause })
        // A channel that takes nothing is gone, whether we were told or not: only a new one can help.
        queueMicrotask(() => this.#lose(session, error))
        return failed(error)
      }
      session.nextTag++
    }
    return undefined
  }

  #appIdOf(origin: EventOrigin): string {
    if (origin !== this.#origin) {
      this.#origin = origin
      this.#appId = originPath(origin)
    }
    return this.#appId
  }

  #begin(connection: BrokerConnection, channel: ConfirmChannel, onLost: (error: DeliveryError) => void): Session {
    const window = new ConfirmWindow(this.#options.clock, () => this.#overdue(session))
    const session: Session = {
      connection,
      channel,
      window,
      nextTag: 1,
      onLost,
      reason: undefined,
    }
    channel.on('ack', ({ deliveryTag, multiple }) => window.ack(deliveryTag, multiple))
    channel.on('nack', ({ deliveryTag, multiple }) => window.nack(deliveryTag, multiple))
    channel.on('return', message => {
      const id: unknown = message.properties.messageId
      const why = String((message.fields as { replyText?: unknown }).replyText ?? 'unroutable')
      window.returned(String(id), `the broker returned the message: ${why}`)
    })
    channel.on('error', (error: Error & { code?: number }) => {
      session.reason = channelError(error)
    })
    channel.on('close', () => this.#lose(session, session.reason ?? lostError(connection.lastError)))
    // It may have gone in the same breath that opened the channel: then no `close` is to come any more.
    if (connection.isClosed) throw lostError(connection.lastError)
    return session
  }

  /**
   * Confirms have not come in time. A broker that hangs gets a new channel. One that has blocked us keeps this one: it
   * would take another message from each new connection before blocking that too, and the retries would multiply.
   */
  #overdue(session: Session): DeliveryError {
    const { blocked } = session.connection
    const why = blocked === undefined ? '' : `: ${blockedText(blocked)}`
    const error = new DeliveryError('E_TIMEOUT', `the broker did not confirm in time${why}`)
    if (blocked === undefined) queueMicrotask(() => this.#lose(session, error))
    return error
  }

  #lose(session: Session, error: DeliveryError): void {
    if (this.#session !== session) return
    this.#end(session, error)
    session.onLost(error)
    void this.#pool.release(this.#address, session.connection)
  }

  #end(session: Session, error: DeliveryError): void {
    this.#session = undefined
    session.window.end(refusedAll(session, error) ? failed(error) : unknown(error))
    // Throws at once when the connection is gone, and then there is nothing to close.
    Promise.resolve()
      .then(() => session.channel.close())
      .catch(() => {})
  }

  async #connectNext(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const connection = await this.#acquire(signal)
    try {
      const channel = await this.#openWithin(connection, signal)
      this.#session = this.#begin(connection, channel, onLost)
    } catch (error) {
      await this.#pool.release(this.#address, connection)
      throw error
    }
  }

  async #acquire(signal: AbortSignal): Promise<BrokerConnection> {
    const { servers } = this.#address
    const server = servers[this.#next] as Server
    this.#next = (this.#next + 1) % servers.length
    const acquiring = this.#pool.acquire(this.#address, server)
    const connection = await orAbort(acquiring, signal)
    if (connection !== undefined) return connection
    // It comes too late for us, but others may be using it.
    void acquiring.then(late => this.#pool.release(this.#address, late)).catch(() => {})
    throw new DeliveryError('E_NOT_CONNECTED', 'gave up connecting: closed or out of time')
  }

  async #openChannel(connection: BrokerConnection): Promise<ConfirmChannel> {
    if (this.#address.exchange !== '') await openExchange(connection, this.#address)
    return connection.model.createConfirmChannel()
  }

  /** A broker that accepts the connection and then does not answer hangs for all its users: the connection is cut. */
  async #openWithin(connection: BrokerConnection, signal: AbortSignal): Promise<ConfirmChannel> {
    const { clock, timeoutMs } = this.#options
    const timer = clock.after(timeoutMs > 0 ? timeoutMs : OPEN_WITHIN_MS, () => connection.cut())
    const opening = this.#openChannel(connection).finally(() => timer.clear())
    const channel = await orAbort(opening, signal)
    if (channel !== undefined) return channel
    // Others may be using the connection: only what comes too late for us goes.
    void opening.then(late => late.close()).catch(() => {})
    throw new DeliveryError('E_NOT_CONNECTED', 'gave up opening a channel: closed or out of time')
  }

  #ownDeadlineMs(): number {
    const { timeoutMs, clock } = this.#options
    return timeoutMs > 0 ? clock.monotonicMs() + timeoutMs : Number.POSITIVE_INFINITY
  }
}

/**
 * The broker closes a channel at the first message the user may not publish. When nothing was confirmed before, that
 * was the first one, and none after it was looked at.
 */
function refusedAll(session: Session, error: DeliveryError): boolean {
  return error.code === 'E_REFUSED' && !session.window.hasConfirmed
}

function channelError(error: Error & { code?: number }): DeliveryError {
  const code = error.code === ACCESS_REFUSED || error.code === NOT_FOUND ? 'E_REFUSED' : 'E_NOT_CONNECTED'
  return new DeliveryError(code, error.message, { cause: error })
}

function lostError(cause: Error | undefined): DeliveryError {
  return new DeliveryError('E_NOT_CONNECTED', `connection to the broker lost: ${cause?.message ?? 'closed'}`, { cause })
}

function noneOf(errors: readonly DeliveryError[]): DeliveryError {
  const reasons = errors.map(({ message }) => message).join('; ')
  return new DeliveryError('E_NOT_CONNECTED', `none of the brokers can be used: ${reasons}`, { cause: errors.at(-1) })
}

/** Four bytes a character at most: most names need no second look. */
const fitsShortString = (text: string): boolean =>
  text.length <= SHORT_STRING_BYTES / 4 || Buffer.byteLength(text) <= SHORT_STRING_BYTES

function blockedText(reason: string): string {
  return `the broker takes no messages for now: ${reason}`
}

function asDeliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  return new DeliveryError('E_NOT_CONNECTED', messageOf(error), { cause: error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
