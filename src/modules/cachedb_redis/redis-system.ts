import type { ConnectionOptions } from 'node:tls'
import type { Redis, RedisOptions } from 'ioredis'
import type { Log } from '../../log/log.ts'
import type { CachedValue, CacheRow, CacheSystem } from '../../module/cache-systems.ts'
import type { Clock } from '../../util/clock.ts'
import { commandWords } from './command-line.ts'
import type { RedisUrl } from './redis-url.ts'

/** Most commands that wait for replies; what comes then fails at once. */
const MAX_PENDING = 10_000
/** Pauses between attempts to connect grow to this. */
const MAX_PAUSE_MS = 2000
/** Commands that would change what the connection is used for. */
const NOT_FOR_SCRIPTS: ReadonlySet<string> = new Set([
  'subscribe',
  'psubscribe',
  'ssubscribe',
  'monitor',
  'quit',
  'select',
  'reset',
  'multi',
  'exec',
  'client',
  'auth',
  'hello',
])

/** Replies as the client gives them by default. */
type PlainOptions = Omit<RedisOptions, 'replyMapping'>

interface RedisParts {
  readonly url: RedisUrl
  readonly log: Log
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly tls: ConnectionOptions | undefined
  readonly open: (options: PlainOptions) => Redis
}

/** A cache system whose values a Redis server keeps. While there is no connection everything fails at once. */
export class RedisSystem implements CacheSystem {
  readonly #parts: RedisParts
  readonly #redis: Redis
  #pending = 0
  #server = 0
  #isAway = false

  constructor(parts: RedisParts) {
    this.#parts = parts
    this.#redis = parts.open(this.#options())
    this.#redis.on('error', (error: Error) => this.#tellAway(error.message))
    this.#redis.on('close', () => this.#tryNextServer())
    this.#redis.on('ready', () => {
      if (this.#isAway) parts.log.notice('connected to Redis again', { system: parts.url.system })
      this.#isAway = false
    })
  }

  /** Connects. Rejects with an Error when there is no connection in time; attempts go on nevertheless. */
  async connect(): Promise<void> {
    const { url, connectTimeoutMs } = this.#parts
    const ready = new Promise<void>((resolve, reject) => {
      this.#redis.once('ready', () => resolve())
      this.#redis.once('close', () => reject(new Error(`no connection to ${this.#address()}`)))
    })
    // The attempt tells its outcome by the events.
    this.#redis.connect().catch(() => {})
    await this.#within(ready, connectTimeoutMs, `${url.system} does not connect within ${connectTimeoutMs} ms`)
  }

  close(): void {
    this.#redis.disconnect(false)
  }

  async fetch(key: string): Promise<CachedValue | null> {
    const [value, ttlS] = await this.#ask(() => Promise.all([this.#redis.get(key), this.#redis.ttl(key)]))
    return value === null ? null : { value, ttlS: Math.max(0, ttlS) }
  }

  async store(key: string, value: string, ttlS: number): Promise<void> {
    await this.#ask(() => (ttlS > 0 ? this.#redis.set(key, value, 'EX', ttlS) : this.#redis.set(key, value)))
  }

  async remove(key: string): Promise<void> {
    await this.#ask(() => this.#redis.del(key))
  }

  async add(key: string, delta: number, ttlS: number): Promise<number> {
    // In one transaction: a counter must not lose its lifetime because the connection broke between.
    const results = await this.#ask(() => {
      const both = this.#redis.multi().incrby(key, delta)
      return (ttlS > 0 ? both.expire(key, ttlS) : both).exec()
    })
    const [error, sum] = results?.[0] ?? [new Error('the server dropped the transaction')]
    if (error) throw error
    return Number(sum)
  }

  /** A list gives a row for each element, anything else one row; NULL gives none. */
  async query(text: string): Promise<readonly CacheRow[]> {
    const [name, ...args] = commandWords(text)
    if (NOT_FOR_SCRIPTS.has(name.toLowerCase())) throw new Error(`the command ${name} is not for scripts`)
    const reply = await this.#ask(() => this.#redis.call(name, ...args))
    if (reply === null || reply === undefined) return []
    return (Array.isArray(reply) ? reply.flat(10) : [reply]).map(one => [one === null ? '' : String(one)])
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    const { queryTimeoutMs, url } = this.#parts
    if (this.#redis.status !== 'ready') throw new Error(`there is no connection to ${this.#address()}`)
    if (this.#pending >= MAX_PENDING) throw new Error(`${MAX_PENDING} commands wait for ${url.system} already`)
    this.#pending++
    try {
      return await this.#within(command(), queryTimeoutMs, `no reply within ${queryTimeoutMs} ms`, () =>
        // What else waits on this connection would wait in vain, too; this lets go of it.
        this.#redis.disconnect(true),
      )
    } finally {
      this.#pending--
    }
  }

  #within<T>(work: Promise<T>, limitMs: number, fault: string, onLate = () => {}): Promise<T> {
    if (limitMs <= 0) return work
    return new Promise((resolve, reject) => {
      const timer = this.#parts.clock.after(limitMs, () => {
        reject(new Error(fault))
        onLate()
      })
      work.then(resolve, reject).finally(() => timer.clear())
    })
  }

  #options(): PlainOptions {
    const { url, connectTimeoutMs, tls } = this.#parts
    return {
      ...(url.servers[0] ?? {}),
      ...(url.user === undefined ? {} : { username: url.user }),
      ...(url.password === undefined ? {} : { password: url.password }),
      ...(tls === undefined ? {} : { tls }),
      db: url.database,
      lazyConnect: true,
      // Nothing is kept for a server that is away: neither memory nor messages wait for it.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: connectTimeoutMs,
      retryStrategy: attempt => Math.min(50 * attempt, MAX_PAUSE_MS),
      disableClientInfo: true,
    }
  }

  #tryNextServer(): void {
    const { servers } = this.#parts.url
    this.#tellAway('the connection was closed')
    this.#server = (this.#server + 1) % servers.length
    Object.assign(this.#redis.options, servers[this.#server])
  }

  #tellAway(reason: string): void {
    const { log, url } = this.#parts
    if (!this.#isAway) log.error('no connection to Redis', { system: url.system, server: this.#address(), reason })
    this.#isAway = true
  }

  #address(): string {
    const server = this.#parts.url.servers[this.#server]
    return server === undefined ? '' : `${server.host}:${server.port}`
  }
}
