import type { ConfirmChannel, Options } from 'amqplib'
import type { Log } from '../../src/log/log.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Value } from '../../src/util/spec.ts'
import { type BrokerConnection, ConnectionPool, type ConnectionSettings } from './connections.ts'
import type { PublishTarget } from './server-id.ts'

/** Messages a script waits for that the broker has not confirmed; more are refused. */
const MOST_UNCONFIRMED = 10_000

/** What a script publishes. */
export interface ScriptMessage {
  readonly routingKey: string
  readonly body: string
  readonly contentType: string | undefined
  readonly headers: Readonly<Record<string, Value>>
}

interface Session {
  readonly connection: BrokerConnection
  readonly channel: ConfirmChannel
  /** Messages that no queue took, by routing key and body: the broker confirms them next. */
  readonly returned: Map<string, number>
}

const keyOf = (routingKey: string, body: string): string => `${routingKey}\0${body}`

/** Publishes what scripts give to one broker, with confirms. It connects with the first message. */
export class Publisher {
  readonly #target: PublishTarget
  readonly #clock: Clock
  readonly #log: Log
  readonly #timeoutMs: number
  readonly #pool: ConnectionPool
  #session: Promise<Session> | null = null
  #unconfirmed = 0

  constructor(
    target: PublishTarget,
    parts: {
      readonly clock: Clock
      readonly log: Log
      /** Longest wait for a confirm. */
      readonly timeoutMs: number
      readonly settings: Omit<ConnectionSettings, 'heartbeatS'>
    },
  ) {
    this.#target = target
    this.#clock = parts.clock
    this.#log = parts.log
    this.#timeoutMs = parts.timeoutMs
    this.#pool = new ConnectionPool(parts.clock, { ...parts.settings, heartbeatS: target.heartbeatS })
  }

  /** True when the broker has confirmed the message, and some queue has it where that is asked for. Never rejects. */
  async publish(message: ScriptMessage): Promise<boolean> {
    if (this.#unconfirmed >= MOST_UNCONFIRMED) return this.#refused('too many messages wait to be confirmed')
    this.#unconfirmed++
    try {
      const session = await this.#connected()
      await this.#send(session, message)
      return true
    } catch (error) {
      return this.#refused(error instanceof Error ? error.message : String(error))
    } finally {
      this.#unconfirmed--
    }
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => null)
    if (session) await this.#pool.release(this.#target.address, session.connection)
  }

  #refused(reason: string): false {
    this.#log
      .often(this.#target.id)
      .error('a message of a script was not published', { server_id: this.#target.id, reason })
    return false
  }

  async #connected(): Promise<Session> {
    for (let left = this.#target.retries; ; left--) {
      const opening = (this.#session ??= this.#open())
      try {
        return await opening
      } catch (error) {
        if (this.#session === opening) this.#session = null
        if (left <= 0) throw error
      }
    }
  }

  async #open(): Promise<Session> {
    const { address, server } = this.#target
    const connection = await this.#pool.acquire(address, server)
    const channel = await connection.model.createConfirmChannel()
    const returned = new Map<string, number>()
    const end = (): void => {
      if (this.#session === opened) this.#session = null
    }
    const opened = this.#session
    // One for each message under way.
    channel.setMaxListeners(0)
    channel.on('error', end)
    channel.on('close', end)
    channel.on('return', ({ fields, content }) => {
      const key = keyOf(fields.routingKey, content.toString())
      returned.set(key, (returned.get(key) ?? 0) + 1)
    })
    return { connection, channel, returned }
  }

  #send(
    { connection, channel, returned }: Session,
    { routingKey, body, contentType, headers }: ScriptMessage,
  ): Promise<void> {
    const { exchange, persistent, mandatory } = this.#target.address
    const options: Options.Publish = { persistent, mandatory, headers }
    if (contentType !== undefined) options.contentType = contentType
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error(connection.lastError?.message ?? 'the connection was lost'))
      const timer = this.#clock.after(this.#timeoutMs, () => settle(new Error('the broker did not confirm in time')))
      const settle = (error: Error | null): void => {
        timer.clear()
        channel.off('close', lost)
        if (error === null) resolve()
        else reject(error)
      }
      channel.once('close', lost)
      try {
        channel.publish(exchange, routingKey, Buffer.from(body), options, error => {
          const isReturned = takeOne(returned, keyOf(routingKey, body))
          settle(error ?? (isReturned ? new Error(`no queue takes messages for "${routingKey}"`) : null))
        })
      } catch (error) {
        settle(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }
}

/** Whether there was one of the key; then there is one less. */
function takeOne(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0
  if (count > 1) counts.set(key, count - 1)
  else counts.delete(key)
  return count > 0
}
