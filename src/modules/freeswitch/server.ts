import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { FreeSwitchState } from './api.ts'
import { EslConnection } from './connection.ts'
import { type FreeSwitchEvent, isWanted, readEvent } from './event.ts'
import type { Frame } from './frame-reader.ts'
import { type FreeSwitchUrl, serverKey } from './url.ts'

/** Times of the connections. */
export interface ServerSettings {
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
}

export interface ServerServices {
  readonly clock: Clock
  readonly log: Log
  readonly settings: ServerSettings
}

/** What one user of a server wants of it. */
export interface Holder {
  events: readonly string[]
  onEvent(event: FreeSwitchEvent, sender: string): void
}

/** Pauses between attempts to connect, one step further every so many failures (freeswitch reference). */
const BACK_OFF_MS = [1_000, 5_000, 10_000, 30_000, 90_000] as const
const FAILURES_A_STEP = 20
/** How long after the server refused a subscription it is asked again. */
const RETRY_SUBSCRIPTION_MS = 10_000
/** Commands that may wait for a connection that is being opened. */
const MOST_WAITING = 1000

/** A FreeSWITCH server: one connection for all who use it, opened again when it ends, with the events they want. */
export class Server {
  readonly host: string
  readonly port: number
  /** Its IP address, once it was reached. */
  address: string | null = null
  readonly holders = new Set<Holder>()
  /** What its last heartbeat said. */
  state: FreeSwitchState | null = null
  readonly #services: ServerServices
  #user: string
  #password: string
  #connection: EslConnection | null = null
  #failures = 0
  #retry: Timer | null = null
  /** Events the connection is subscribed to. */
  #subscribed = new Set<string>()
  #isSettling = false
  #waiting: ((isReady: boolean) => void)[] = []

  constructor(url: FreeSwitchUrl, services: ServerServices) {
    this.host = url.host
    this.port = url.port
    this.#user = url.user
    this.#password = url.password
    this.#services = services
    this.#connect()
  }

  /** Takes over the password of another URL of this server where none is known. */
  learn({ user, password }: FreeSwitchUrl): void {
    if (this.#password !== '' || password === '') return
    this.#user = user
    this.#password = password
    this.#connect()
  }

  /** To be called when what the users want has changed. */
  settle(): void {
    if (!this.#isSettling && this.#connection?.isReady === true) void this.#settle(this.#connection)
  }

  /** The answer to one line or several, which must not hold an empty one. Null without. */
  async command(text: string): Promise<string | null> {
    const command = text.replaceAll('\r\n', '\n').replace(/^\n+|\n+$/g, '')
    if (command === '' || command.includes('\n\n')) {
      this.#services.log.error('a command was not sent: expected lines, none of them empty', { server: this.#name })
      return null
    }
    const isReady = this.#connection?.isReady === true || (await this.#becomesReady())
    return isReady ? (this.#connection?.ask(command) ?? null) : null
  }

  close(): void {
    this.#retry?.clear()
    this.#connection?.close()
    this.#connection = null
    this.#wake(false)
  }

  get #name(): string {
    return serverKey(this)
  }

  #connect(): void {
    this.#retry = null
    if (this.#password === '') return
    const { clock, settings } = this.#services
    this.#connection = new EslConnection({
      host: this.host,
      port: this.port,
      user: this.#user,
      password: this.#password,
      clock,
      ...settings,
      onReady: address => this.#opened(address),
      onEvent: frame => this.#raise(frame),
      onEnd: reason => this.#lost(reason),
    })
  }

  #opened(address: string): void {
    this.#failures = 0
    this.address = address
    this.#services.log.notice('connected to a FreeSWITCH server', { server: this.#name })
    this.#wake(true)
    this.settle()
  }

  #lost(reason: string): void {
    const isNews = this.#failures === 0
    this.#connection = null
    this.#subscribed.clear()
    this.#wake(false)
    const step = Math.min(Math.floor(this.#failures++ / FAILURES_A_STEP), BACK_OFF_MS.length - 1)
    if (isNews)
      this.#services.log.warn('there is no connection to a FreeSWITCH server: it is tried again', {
        server: this.#name,
        reason,
      })
    this.#retry?.clear()
    this.#retry = this.#services.clock.after(BACK_OFF_MS[step] ?? 1_000, () => this.#connect())
  }

  #raise(frame: Frame): void {
    const event = readEvent(frame)
    if (event === null) {
      this.#services.log
        .often(this.#name)
        .warn('an event of a FreeSWITCH server cannot be read', { server: this.#name })
      return
    }
    const sender = this.address ?? this.host
    for (const holder of this.holders)
      if (holder.events.some(wanted => isWanted(wanted, event))) holder.onEvent(event, sender)
  }

  /** Subscribes to what is wanted and ends what no longer is, one command after the other. */
  async #settle(connection: EslConnection): Promise<void> {
    this.#isSettling = true
    const refused = new Set<string>()
    for (;;) {
      const wanted = new Set([...this.holders].flatMap(({ events }) => events))
      const added = [...wanted].find(name => !this.#subscribed.has(name) && !refused.has(name))
      const ended = [...this.#subscribed].find(name => !wanted.has(name))
      const name = added ?? ended
      if (name === undefined || !connection.isReady) break
      const answer = await connection.ask(`${added === undefined ? 'nixevent' : 'event json'} ${name}`)
      if (!connection.isReady) break
      if (added === undefined) this.#subscribed.delete(name)
      else if (answer?.startsWith('+OK') === true) this.#subscribed.add(name)
      else this.#refused(refused, name, answer)
    }
    this.#isSettling = false
    // Another connection may have been opened meanwhile.
    if (this.#connection !== connection) this.settle()
    else if (refused.size > 0 && this.#retry === null)
      this.#retry = this.#services.clock.after(RETRY_SUBSCRIPTION_MS, () => {
        this.#retry = null
        this.settle()
      })
  }

  #refused(refused: Set<string>, event: string, answer: string | null): void {
    refused.add(event)
    this.#services.log.warn('a FreeSWITCH server refuses a subscription: it is tried again', {
      server: this.#name,
      event,
      answer: answer?.slice(0, 80) ?? 'none',
    })
  }

  #becomesReady(): Promise<boolean> {
    if (this.#connection === null || this.#waiting.length >= MOST_WAITING) return Promise.resolve(false)
    return new Promise(resolve => void this.#waiting.push(resolve))
  }

  #wake(isReady: boolean): void {
    for (const resolve of this.#waiting.splice(0)) resolve(isReady)
  }
}
