import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { type JobsOptions, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import {
  DELIVERED,
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
import type { BullMqAddress } from './address.ts'

export interface BullMqLinkOptions {
  readonly clock: Clock
  readonly codec: EventCodec
  readonly connectTimeoutMs: number
  /** Jobs kept after a worker has done them, for people to look at. */
  readonly keepDone: number
  /** Undefined without a TLS domain. */
  readonly tls: TlsOptions | undefined
}

interface Session {
  readonly redis: Redis
  readonly queue: Queue
  readonly onLost: (error: DeliveryError) => void
}

/**
 * Adds jobs to a BullMQ queue: `delivered` means that Redis has the job. The id of the event is that of the job, so an event
 * that is tried again is one job as long as Redis remembers it. While Redis is away nothing gathers in its client.
 */
export class BullMqLink implements Link {
  readonly maxBatch = 128
  readonly maxInFlight = 4
  readonly codec: EventCodec
  readonly #address: BullMqAddress
  readonly #options: BullMqLinkOptions
  #session: Session | undefined

  constructor(address: BullMqAddress, options: BullMqLinkOptions) {
    this.#address = address
    this.#options = options
    this.codec = options.codec
  }

  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const redis = newClient(this.#address, this.#options)
    let lastError: Error | undefined
    redis.on('error', (error: Error) => {
      lastError = error
    })
    const connecting = redis.connect().then(() => true)
    const isConnected = await orAbort(connecting, signal).catch(error => {
      redis.disconnect()
      throw connectError(lastError ?? error)
    })
    if (isConnected === undefined) {
      redis.disconnect()
      throw new DeliveryError('E_NOT_CONNECTED', 'gave up connecting: closed or out of time')
    }
    const queue = new Queue(this.#address.queue, { connection: redis, prefix: this.#address.prefix })
    queue.on('error', () => {})
    const session = { redis, queue, onLost }
    this.#session = session
    redis.on('end', () => this.#lose(session, lostError(lastError)))
  }

  async write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const session = this.#session
    if (session === undefined) return failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to Redis'))
    const { clock } = this.#options
    const late = Promise.withResolvers<Outcomes>()
    const timer = clock.after(Math.max(0, deadlineMs - SETTLE_AHEAD_MS - clock.monotonicMs()), () => {
      const error = new DeliveryError('E_TIMEOUT', 'Redis did not answer in time')
      this.#lose(session, error)
      late.resolve(unknown(error))
    })
    const outcome = await Promise.race([this.#add(session, batch), late.promise])
    timer.clear()
    return outcome
  }

  close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session !== undefined) end(session)
    return Promise.resolve()
  }

  async #add({ queue }: Session, batch: readonly WireEvent[]): Promise<Outcomes> {
    try {
      await queue.addBulk(batch.map(event => this.#job(event)))
      return DELIVERED
    } catch (cause) {
      return refusal(cause)
    }
  }

  #job(event: WireEvent): { name: string; data: unknown; opts: JobsOptions } {
    const { attempts } = this.#address
    return {
      name: event.name,
      data: JSON.parse(event.encode(this.codec).toString('utf8')),
      opts: {
        jobId: event.id,
        timestamp: event.raisedAtMs,
        removeOnComplete: { count: this.#options.keepDone },
        ...(attempts === undefined ? {} : { attempts }),
      },
    }
  }

  #lose(session: Session, error: DeliveryError): void {
    if (this.#session !== session) return
    this.#session = undefined
    session.onLost(error)
    end(session)
  }
}

function newClient({ host, port, user, password, db }: BullMqAddress, options: BullMqLinkOptions): Redis {
  return new Redis({
    host,
    port,
    db,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    connectionName: 'fanfare',
    connectTimeout: options.connectTimeoutMs,
    lazyConnect: true,
    // Reconnecting and waiting are done here: what the client gathers meanwhile has no bound and cannot be taken back.
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
  })
}

function end({ redis, queue }: Session): void {
  redis.disconnect()
  void queue.close().catch(() => {})
}

/** Redis' own words end the matter; anything else leaves open whether it took the jobs. */
function refusal(cause: unknown): Outcomes {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof Error && cause.name === 'ReplyError')
    return failed(new DeliveryError('E_REFUSED', `Redis refuses: ${text}`, { cause }))
  return unknown(new DeliveryError('E_NOT_CONNECTED', `Redis did not answer: ${text}`, { cause }))
}

function connectError(cause: unknown): DeliveryError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const isRefused = cause instanceof Error && cause.name === 'ReplyError'
  return new DeliveryError(isRefused ? 'E_REFUSED' : 'E_NOT_CONNECTED', `cannot connect: ${text}`, { cause })
}

function lostError(cause: Error | undefined): DeliveryError {
  return new DeliveryError('E_NOT_CONNECTED', `connection to Redis lost: ${cause?.message ?? 'closed'}`, { cause })
}
