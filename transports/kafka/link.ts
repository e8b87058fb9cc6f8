import kafkajs, { type logCreator, type Message, type Producer } from 'kafkajs'
import {
  DELIVERED,
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  keyReader,
  type Link,
  type Outcomes,
  SETTLE_AHEAD_MS,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import type { Clock } from '../../src/util/clock.ts'
import { orAbort } from '../../src/util/or-abort.ts'
import type { KafkaAddress } from './address.ts'
import { clientConfig, type KafkaSettings } from './properties.ts'

const { Kafka, KafkaJSError, KafkaJSProtocolError, logLevel, Partitioners } = kafkajs

export interface KafkaLinkOptions {
  readonly clock: Clock
  readonly log: Log
  readonly codec: EventCodec
  readonly settings: KafkaSettings
  /** The field whose value is the key of a record; undefined: records have none. */
  readonly keyField: string | undefined
  /** Options of the TLS domain, if there is one. */
  readonly tls: object | undefined
}

/** A delivery that was none. */
type Failure = Exclude<Delivery, { readonly outcome: 'delivered' }>

interface Session {
  readonly producer: Producer
  readonly onLost: (error: DeliveryError) => void
}

/** Broker answers after which the same record would be refused again. */
const REFUSED_FOR_GOOD = new Set(['MESSAGE_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE'])
/** Broker answers that mean that nothing was written. */
const REFUSED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
  'NOT_ENOUGH_REPLICAS',
  'POLICY_VIOLATION',
  'INVALID_REQUIRED_ACKS',
])

/**
 * Writes records to one topic with an idempotent producer: `delivered` means that the replicas the socket asks for have the
 * record, by default all that are in sync. Events with one key go to one partition, in order.
 */
export class KafkaLink implements Link {
  readonly maxBatch = 1024
  /** One request at a time keeps the order of an idempotent producer across its retries. */
  readonly maxInFlight = 1
  readonly codec: EventCodec
  readonly #address: KafkaAddress
  readonly #options: KafkaLinkOptions
  readonly #keyOf: ReturnType<typeof keyReader> | undefined
  #session: Session | undefined

  constructor(address: KafkaAddress, options: KafkaLinkOptions) {
    this.#address = address
    this.#options = options
    this.codec = options.codec
    this.#keyOf = options.keyField === undefined ? undefined : keyReader(options.keyField)
  }

  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const { settings, tls, log } = this.#options
    const config = clientConfig(this.#address, settings, tls)
    const kafka = new Kafka({
      ...config,
      logLevel: logLevel.WARN,
      logCreator: logTo(log),
    })
    const producer = kafka.producer({
      idempotent: settings.isIdempotent,
      allowAutoTopicCreation: settings.createsTopics,
      maxInFlightRequests: 1,
      // That of Kafka's own clients: a key goes to the partition that a Java producer would choose.
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    const connecting = producer.connect().then(() => true)
    const isConnected = await orAbort(connecting, signal).catch(error => {
      void producer.disconnect().catch(() => {})
      throw connectError(settings, error)
    })
    if (isConnected === undefined) {
      void connecting.finally(() => producer.disconnect()).catch(() => {})
      throw new DeliveryError('E_NOT_CONNECTED', 'gave up connecting: closed or out of time')
    }
    const session = { producer, onLost }
    this.#session = session
    producer.on(producer.events.DISCONNECT, () =>
      this.#lose(session, new DeliveryError('E_NOT_CONNECTED', 'connection to the brokers lost')),
    )
  }

  async write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const session = this.#session
    if (session === undefined) return failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to the brokers'))
    const { clock } = this.#options
    const late = Promise.withResolvers<Outcomes>()
    const timer = clock.after(Math.max(0, deadlineMs - SETTLE_AHEAD_MS - clock.monotonicMs()), () => {
      const error = new DeliveryError('E_TIMEOUT', 'the brokers did not answer in time')
      this.#lose(session, error)
      late.resolve(unknown(error))
    })
    const outcome = await Promise.race([this.#send(session, batch), late.promise])
    timer.clear()
    return outcome
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.producer.disconnect().catch(() => {})
  }

  async #send(session: Session, batch: readonly WireEvent[]): Promise<Outcomes> {
    const failure = await this.#trySend(session, batch)
    if (failure === undefined) return DELIVERED
    // One record that is too large has the whole batch refused: the others are to arrive.
    if (failure.outcome === 'failed' && failure.error.permanent && batch.length > 1)
      return this.#sendEach(session, batch)
    if (failure.outcome === 'unknown') this.#lose(session, failure.error)
    return failure
  }

  async #sendEach(session: Session, batch: readonly WireEvent[]): Promise<Outcomes> {
    const outcomes: Delivery[] = []
    for (const event of batch) outcomes.push((await this.#trySend(session, [event])) ?? DELIVERED)
    return outcomes
  }

  async #trySend({ producer }: Session, batch: readonly WireEvent[]): Promise<Failure | undefined> {
    const { acks, compression, requestTimeoutMs } = this.#options.settings
    const messages = batch.map(event => this.#message(event))
    try {
      await producer.send({ topic: this.#address.topic, messages, acks, compression, timeout: requestTimeoutMs })
      return undefined
    } catch (error) {
      return sendFailure(error)
    }
  }

  #message(event: WireEvent): Message {
    const { id, name, sequence, origin, raisedAtMs } = event
    return {
      key: this.#keyOf?.(event) ?? null,
      value: event.encode(this.codec),
      timestamp: String(raisedAtMs),
      headers: {
        id,
        type: name,
        sequence: String(sequence),
        node: origin.node,
        boot: origin.boot,
        'content-type': this.codec.contentType,
      },
    }
  }

  #lose(session: Session, error: DeliveryError): void {
    if (this.#session !== session) return
    this.#session = undefined
    session.onLost(error)
    void session.producer.disconnect().catch(() => {})
  }
}

/** What a failed request means for its records. */
function sendFailure(error: unknown): Failure {
  const cause = rootOf(error)
  const text = cause instanceof Error ? cause.message : String(cause)
  const type = cause instanceof KafkaJSProtocolError ? cause.type : ''
  if (REFUSED_FOR_GOOD.has(type)) {
    const message = `the broker refuses the record: ${text}`
    return { outcome: 'failed', error: new DeliveryError('E_TOO_LARGE', message, { cause, permanent: true }) }
  }
  if (REFUSED.has(type))
    return { outcome: 'failed', error: new DeliveryError('E_REFUSED', `the broker refuses: ${text}`, { cause }) }
  const message = `the brokers did not confirm: ${text}`
  return { outcome: 'unknown', error: new DeliveryError('E_NOT_CONNECTED', message, { cause }) }
}

/** The client wraps what went wrong, sometimes twice. */
function rootOf(error: unknown): unknown {
  let cause = error
  while (cause instanceof KafkaJSError && cause.cause instanceof Error) ({ cause } = cause)
  return cause
}

function connectError({ sasl }: KafkaSettings, error: unknown): DeliveryError {
  const cause = rootOf(error)
  const text = cause instanceof Error ? cause.message : String(cause)
  const isRefused = cause instanceof Error && /SASL|authenticat/i.test(`${cause.name} ${text}`)
  if (!isRefused) return new DeliveryError('E_NOT_CONNECTED', `cannot connect: ${text}`, { cause })
  const who = sasl !== undefined && 'username' in sasl ? `user "${sasl.username}"` : 'clients that do not log in'
  return new DeliveryError('E_REFUSED', `the broker refuses ${who}: ${text}`, { cause })
}

/** What the client has to say is for those who look for a fault: whatever matters comes back as an outcome. */
const logTo =
  (log: Log): logCreator =>
  () =>
  ({ log: { message } }) =>
    log.debug('kafka client', { message })
