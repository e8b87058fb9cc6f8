import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib'
import type { Server } from '../../src/events/socket-text.ts'
import { DeliveryError } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { RabbitMqAddress } from './address.ts'

export interface ConnectionSettings {
  /** Seconds between heartbeats; 0 for none. */
  readonly heartbeatS: number
  /** Longest silence of the broker while a connection is made. */
  readonly connectTimeoutMs: number
  /** Options for `tls.connect` of a TLS client domain. */
  readonly tlsDomain: (name: string) => Readonly<Record<string, unknown>> | undefined
}

const CLOSE_WITHIN_MS = 1000
/** A broker that talks, but does not come to an end with its greeting, would keep all its users waiting. */
const HANDSHAKE_WITHIN_MS = 10_000

/** A connection to a broker, shared by all links that log in to the same virtual host as the same user. */
export class BrokerConnection {
  readonly model: ChannelModel
  readonly server: Server
  readonly #cut: AbortController
  /** Why the broker takes no messages for now (`connection.blocked`); undefined when it does. */
  blocked: string | undefined
  isClosed = false
  lastError: Error | undefined

  constructor(model: ChannelModel, server: Server, cut: AbortController) {
    this.model = model
    this.server = server
    this.#cut = cut
    model.on('error', error => {
      this.lastError = error
    })
    model.on('close', error => {
      this.isClosed = true
      this.lastError ??= error
    })
    model.on('blocked', reason => {
      this.blocked = reason
    })
    model.on('unblocked', () => {
      this.blocked = undefined
    })
  }

  /** Drops the socket at once: for a broker that hangs and would not answer a close. */
  cut(): void {
    this.#cut.abort()
  }

  /** Closes in good order, or cuts when the broker does not answer within a second. */
  async close(clock: Clock): Promise<void> {
    if (this.isClosed) return
    const timer = clock.after(CLOSE_WITHIN_MS, () => this.cut())
    const ended = new Promise<void>(resolve => this.model.once('close', () => resolve()))
    // Rejects only when the connection has ended meanwhile, which is what is wanted; a connection that is cut while it
    // closes does not settle at all.
    await Promise.race([this.model.close().catch(() => {}), ended])
    timer.clear()
  }
}

interface Slot {
  readonly opening: Promise<BrokerConnection>
  connection: BrokerConnection | undefined
  users: number
}

/** The connections of all `rabbitmq:` sockets, one for each broker, virtual host, user and TLS domain. */
export class ConnectionPool {
  readonly #clock: Clock
  readonly #settings: ConnectionSettings
  readonly #slots = new Map<string, Slot>()

  constructor(clock: Clock, settings: ConnectionSettings) {
    this.#clock = clock
    this.#settings = settings
  }

  /**
   * The connection to this broker of the address, made if there is none. Give it back with `release`. Rejects with
   * DeliveryError E_NOT_CONNECTED that says what went wrong.
   */
  acquire(address: RabbitMqAddress, server: Server): Promise<BrokerConnection> {
    const key = poolKey(address, server)
    const known = this.#slots.get(key)
    if (known !== undefined) {
      known.users++
      return known.opening
    }
    const opening = Promise.resolve().then(() => this.#connect(address, server, key))
    const slot: Slot = { opening, connection: undefined, users: 1 }
    this.#slots.set(key, slot)
    return slot.opening
  }

  /** Gives a connection back; the last user closes it. */
  async release(address: RabbitMqAddress, connection: BrokerConnection): Promise<void> {
    const key = poolKey(address, connection.server)
    const slot = this.#slots.get(key)
    // A connection that was lost has left its slot, which may hold its successor by now.
    if (slot?.connection !== connection) return
    slot.users--
    if (slot.users > 0) return
    this.#slots.delete(key)
    await connection.close(this.#clock)
  }

  async #connect(address: RabbitMqAddress, server: Server, key: string): Promise<BrokerConnection> {
    const cut = new AbortController()
    const late = this.#clock.after(this.#settings.connectTimeoutMs + HANDSHAKE_WITHIN_MS, () => cut.abort())
    try {
      const model = await connect(this.#target(address, server), this.#socketOptions(address, cut.signal))
      const connection = new BrokerConnection(model, server, cut)
      model.on('close', () => {
        if (this.#slots.get(key)?.connection === connection) this.#slots.delete(key)
      })
      const slot = this.#slots.get(key)
      if (slot !== undefined) slot.connection = connection
      return connection
    } catch (error) {
      this.#slots.delete(key)
      throw new DeliveryError('E_NOT_CONNECTED', connectComplaint(address, server, error), { cause: error })
    } finally {
      late.clear()
    }
  }

  #target(address: RabbitMqAddress, server: Server): Options.Connect {
    return {
      protocol: address.tlsDomain === undefined ? 'amqp' : 'amqps',
      hostname: server.host,
      port: server.port,
      username: address.user,
      password: address.password,
      // The client decodes what it takes for a piece of URL.
      vhost: encodeURIComponent(address.vhost),
      heartbeat: this.#settings.heartbeatS,
    }
  }

  #socketOptions(address: RabbitMqAddress, signal: AbortSignal): SocketOptions {
    const tls = address.tlsDomain === undefined ? {} : this.#settings.tlsDomain(address.tlsDomain)
    // `signal` reaches the socket: net and tls destroy it on abort.
    const own = { noDelay: true, keepAlive: true, timeout: this.#settings.connectTimeoutMs, signal }
    return { ...tls, ...own }
  }
}

function poolKey({ vhost, user, password, tlsDomain }: RabbitMqAddress, { host, port }: Server): string {
  return JSON.stringify([host, port, vhost, user, password, tlsDomain ?? null])
}

function connectComplaint(address: RabbitMqAddress, { host, port }: Server, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  const server = `${host}:${port}`
  if (/ACCESS[_-]REFUSED/.test(why)) return `${server} refuses user "${address.user}" or its password`
  // The broker closes where it should confirm connection.open, and the client does not pass its reason on.
  if (why.includes('Expected ConnectionOpenOk'))
    return `${server} has no virtual host "${address.vhost}" that user "${address.user}" may use`
  return `cannot connect to ${server}: ${why}`
}
