import type { Clock, Timer } from '../util/clock.ts'
import type { Outgoing } from './bin-endpoint.ts'
import type { Connection, Identity } from './connection.ts'
import type { Message } from './message.ts'
import type { BinAddress } from './node-info.ts'

/** `up` its pings are answered, `probe` one was not or none has been yet, `down` it has been given up for a while. */
export type LinkState = 'up' | 'probe' | 'down'

/** How links are watched (clusterer reference, ping parameters). */
export interface PingSettings {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** How long a node that is down is left alone. */
  readonly restMs: number
}

interface LinkParts {
  readonly identity: Identity
  readonly node: number
  readonly address: BinAddress
  /** Pings that may fail in a row. */
  readonly retries: number
  readonly settings: PingSettings
  readonly clock: Clock
  connect(address: BinAddress, outgoing: Outgoing): Connection
  /** Its state, or whether it can be used, has changed; `reason` says why where that is known. */
  changed(link: Link, reason: string): void
  take(message: Message): void
}

/** The way from this node to a neighbour: a connection that is made, watched by pings, and made again. */
export class Link {
  readonly node: number
  readonly #parts: LinkParts
  #state: LinkState = 'probe'
  #connection: Connection | null = null
  /** The connection has answered a ping. */
  #isProved = false
  #failures = 0
  #lastPing = 0
  /** For the next step: another ping, its answer, or the next attempt. */
  #timer: Timer | null = null
  #isClosed = false

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.node = parts.node
  }

  get state(): LinkState {
    return this.#state
  }

  /** Whether messages can be sent. */
  get isUsable(): boolean {
    return this.#isProved && this.#connection !== null
  }

  /** Address of the other node; '' when not connected. */
  get remoteAddress(): string {
    return this.#connection?.remoteAddress ?? ''
  }

  /** Begins to connect, also where the link rests. Does nothing while it is being tried or used. */
  open(): void {
    if (this.#isClosed || this.#connection !== null) return
    if (this.#state === 'down') this.#failures = 0
    this.#connect()
  }

  /** Gives false where the message cannot be sent now. */
  send(message: Message): boolean {
    return this.isUsable && this.#connection?.send(message) === true
  }

  /** Ends it for good, without telling `changed`. */
  close(): void {
    this.#isClosed = true
    this.#timer?.clear()
    this.#drop('this node has closed the link')
  }

  #connect(): void {
    const { address, identity } = this.#parts
    this.#wait(this.#parts.settings.timeoutMs, () => this.#fail('no connection in time'))
    // A connection may only speak for this link while it is the one in use.
    const mine: { connection: Connection | null } = { connection: null }
    const isMine = (): boolean => mine.connection !== null && this.#connection === mine.connection
    mine.connection = this.#parts.connect(address, {
      identity,
      ready: connection => {
        if (!isMine()) return
        if (connection.peer?.node === this.node) this.#ping()
        else this.#fail(`node ${connection.peer?.node} answers there`)
      },
      take: message => {
        if (!isMine()) return
        if (message.type === 'pong') this.#pong(message.number)
        else this.#parts.take(message)
      },
      closed: reason => {
        if (isMine()) this.#fail(reason)
      },
    })
    this.#connection = mine.connection
  }

  #ping(): void {
    this.#wait(this.#parts.settings.timeoutMs, () => this.#fail('a ping was not answered', this.#isProved))
    this.#connection?.send({ type: 'ping', number: ++this.#lastPing })
  }

  #pong(number: number): void {
    if (number !== this.#lastPing) return
    const isNew = this.#state !== 'up' || !this.#isProved
    this.#failures = 0
    this.#isProved = true
    this.#state = 'up'
    this.#wait(this.#parts.settings.intervalMs, () => this.#ping())
    if (isNew) this.#parts.changed(this, 'its pings are answered')
  }

  /** A ping or an attempt has failed: again, until it is enough. A connection that only stays silent is kept till then. */
  #fail(reason: string, isSilent = false): void {
    const { retries, settings } = this.#parts
    this.#failures++
    this.#state = this.#failures >= retries ? 'down' : 'probe'
    if (this.#state === 'probe' && isSilent) this.#ping()
    else {
      this.#drop(reason)
      this.#wait(this.#state === 'down' ? settings.restMs : settings.timeoutMs, () => this.open())
    }
    this.#parts.changed(this, reason)
  }

  #drop(reason: string): void {
    const connection = this.#connection
    this.#connection = null
    this.#isProved = false
    connection?.close(reason)
  }

  #wait(delayMs: number, then: () => void): void {
    this.#timer?.clear()
    this.#timer = this.#parts.clock.after(delayMs, then)
  }
}
