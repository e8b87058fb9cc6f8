import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { RaisedEvent } from '../events/event.ts'
import type { Address, WireEvent } from '../events/transport.ts'
import { compose, modules, type RunningProxy, transports } from '../main.ts'
import { defineModule, type Host } from '../module/define.ts'
import { startScript } from '../module/instance.ts'
import { SipMessage } from '../sip/codec/message.ts'
import { familyOf } from '../sip/net/address.ts'
import type { ListenSocket, Proto } from '../sip/net/endpoint.ts'
import { systemClock } from '../util/clock.ts'
import { VirtualClock } from '../util/virtual-clock.ts'
import { closedDoor } from './closed-doors.ts'
import { eventText } from './event-check.ts'
import { TestSetupError } from './failure.ts'
import { Journal } from './journal.ts'
import { shortLine } from './message-check.ts'
import { Phone, type PhoneSurroundings, userUri } from './phone.ts'
import { PhoneError } from './phone-messages.ts'
import { Subscribers } from './subscribers.ts'
import { TestDns } from './test-dns.ts'
import { VirtualNetwork } from './virtual-network.ts'
import { WebServer } from './web-server.ts'
import { addressText, isAt, type Passage, type Station, Wire, type WireAddress } from './wire.ts'

/** What a configuration is run with in a test. */
export interface BenchOptions {
  /** Path of the configuration. */
  readonly script: string
  /** Listen here instead of on the sockets of the script, `udp:127.0.0.1:5060`. */
  readonly listen?: readonly string[] | undefined
  /** The domain of phones that name none; the address of the script's first socket if absent. */
  readonly domain?: string | undefined
  /** Addresses of host names. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** Text to put in the place of other text, wherever that stands in the script. */
  readonly replace?: Readonly<Record<string, string>> | undefined
  /** Folders the script names: each becomes a temporary copy of the folder given, or an empty one for null. */
  readonly folders?: Readonly<Record<string, string | null>> | undefined
  /** Web servers that the script asks, by a name for each: where the script asks them, and what they answer. */
  readonly web?: Readonly<Record<string, WebOptions>> | undefined
  /** When the test's clock starts, milliseconds since 1970. */
  readonly startMs?: number | undefined
}

/** A web server in the place of one that the script asks. */
export interface WebOptions {
  /** `http://127.0.0.1:8090`, as the script has it. */
  readonly at: string
  /** 200 if absent. */
  readonly status?: number
  readonly body?: string
}

/** How a phone is set up; everything has a default. */
export interface PhoneOptions {
  /** Where it is, `192.0.2.7` or `192.0.2.7:5060`. */
  readonly at?: string
  readonly over?: Proto
  /** Its address of record. */
  readonly as?: string
  readonly password?: string
  /** It acknowledges and answers nothing by itself. */
  readonly manual?: boolean
}

/** Something that came, and whether a step of the test has spoken of it. */
export interface Taken<T> {
  readonly what: T
  isRead: boolean
}

/** An event as it was given to a subscriber outside the process. */
export interface TakenDelivery {
  readonly address: Address
  readonly event: WireEvent
}

/** After so many turns of the event loop in which nothing happens, all that a step has caused is over. */
const QUIET_TURNS = 4
/** A test that does not come to rest by then goes round in circles. */
const MOST_TURNS = 200_000
/**
 * How long what a script asks of the world outside (a database, a web server) is waited for, in real time: where it is
 * known that something may come from there, and where it is not.
 */
const OUTSIDE_MS = { known: 10_000, unknown: 200 } as const
const FIRST_PHONE_PORT = 5071

/** A proxy that runs a configuration for a test: on a clock of the test, with phones of the test, apart from the machine. */
export class Bench implements PhoneSurroundings {
  readonly clock: VirtualClock
  readonly journal: Journal
  readonly events: Taken<RaisedEvent>[] = []
  readonly deliveries: Taken<TakenDelivery>[] = []
  /** Lines of the log, without time and process. */
  readonly logLines: Taken<string>[] = []
  readonly subscribers: Subscribers
  readonly phones = new Map<string, Phone>()
  readonly webServers = new Map<string, WebServer>()
  readonly #options: BenchOptions
  readonly #wire: Wire
  readonly #dns: TestDns
  readonly #folder = mkdtempSync(join(tmpdir(), 'fanfare-test-'))
  #host: Host | null = null
  #proxy: RunningProxy | null = null

  private constructor(options: BenchOptions) {
    this.#options = options
    this.clock = new VirtualClock(options.startMs)
    this.journal = new Journal(() => this.clock.monotonicMs())
    this.#dns = new TestDns(options.hosts ?? {})
    this.#wire = new Wire(passage => this.#tracePassage(passage))
    this.subscribers = new Subscribers((address, event) => this.#takeDelivery(address, event))
  }

  /** Starts the configuration. Throws TestSetupError with everything that is to be said about it where it does not start. */
  static async start(options: BenchOptions): Promise<Bench> {
    const bench = new Bench(options)
    try {
      await bench.#start()
      await bench.settle()
      return bench
    } catch (error) {
      await bench.stop()
      throw error
    }
  }

  get host(): Host {
    if (this.#host === null) throw new Error('the proxy has not been started')
    return this.#host
  }

  get sockets(): readonly ListenSocket[] {
    return this.host.network.sockets
  }

  get domain(): string {
    return this.#options.domain ?? this.sockets[0]?.address ?? '127.0.0.1'
  }

  /** Ends everything at once. Idempotent. */
  async stop(): Promise<void> {
    await this.#proxy?.stop(AbortSignal.abort())
    for (const server of this.webServers.values()) server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Adds a phone. Throws PhoneError where its address is taken or cannot be read. */
  addPhone(name: string, options: PhoneOptions = {}): Phone {
    if (this.phones.has(name)) throw new PhoneError(`there is a phone ${name} already`)
    const { over: proto = 'udp', as: aor = userUri(name, this.domain), password, manual: isManual } = options
    const phone = new Phone({ name, ...this.#placeFor(options.at ?? '', proto), proto, aor, password, isManual }, this)
    try {
      this.#wire.connect(phone)
    } catch (error) {
      throw new PhoneError(error instanceof Error ? error.message : String(error))
    }
    this.phones.set(name, phone)
    return phone
  }

  /** The URI of a phone by its name, a URI as it is, else that of a user of the domain. */
  uriOf(whom: string): string {
    if (/^(sips?|tel):/i.test(whom)) return whom
    return this.phones.get(whom)?.aor ?? userUri(whom, this.domain)
  }

  send(from: Station, target: WireAddress, bytes: Buffer): void {
    this.#wire.send(from, target, bytes)
  }

  outbound(proto: Proto): WireAddress {
    const socket = this.sockets.find(one => one.proto === proto)
    if (socket !== undefined) return socket
    throw new PhoneError(
      `the script listens on no ${proto} socket, only on ${this.sockets.map(one => one.text).join(', ')}`,
    )
  }

  locate(host: string, port: number, proto: Proto): WireAddress {
    const socket = this.sockets.find(one => one.proto === proto && isAt(one, host, port))
    if (socket !== undefined) return socket
    const address = familyOf(host) === 0 ? this.#dns.local(host) : host
    // Of a name nothing is known: a phone then asks its proxy.
    return address === undefined ? this.outbound(proto) : { proto, address, port: port || 5060 }
  }

  /** Lets the event loop turn until nothing happens any more. The test's clock stands still meanwhile. */
  async settle(): Promise<void> {
    let quiet = 0
    let seen = -1
    for (let turns = 0; quiet < QUIET_TURNS; turns++) {
      await turn()
      const isQuiet = this.journal.count === seen && !this.#wire.isBusy
      quiet = isQuiet ? quiet + 1 : 0
      seen = this.journal.count
      if (turns > MOST_TURNS) throw new TestSetupError('messages or events cause one another without end')
    }
  }

  /** Moves the test's clock; each timer fires at its time, and what it causes is over before the next one does. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    await this.clock.advance(ms, this.#settleIfBusy)
    await this.settle()
  }

  /**
   * Waits until `isMet`, at most `withinMs` of the test's time. What the script has asked of the world outside is waited
   * for in real time. Gives whether it came true.
   */
  async waitFor(isMet: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.clock.nowMs() + withinMs
    await this.settle()
    // A script that waits may wait for the clock, or for the world: the world comes first.
    if (!isMet() && this.#isWaitingOutside) await this.#waitOutside(isMet, OUTSIDE_MS.unknown)
    while (!isMet()) {
      const { nextDueMs } = this.clock
      if (nextDueMs === undefined || nextDueMs > endMs) break
      await this.advance(Math.max(0, nextDueMs - this.clock.nowMs()))
    }
    const mayCome = this.#isWaitingOutside || this.webServers.size > 0
    const patienceMs = mayCome ? OUTSIDE_MS.known : OUTSIDE_MS.unknown
    if (isMet() || (await this.#waitOutside(isMet, patienceMs))) return true
    await this.advance(Math.max(0, endMs - this.clock.nowMs()))
    return isMet()
  }

  readonly #settleIfBusy = async (): Promise<void> => {
    const before = this.journal.count
    await turn()
    if (this.journal.count !== before || this.#wire.isBusy) await this.settle()
  }

  get #isWaitingOutside(): boolean {
    return (this.#proxy?.host.proxy.waiting ?? 0) > 0
  }

  async #waitOutside(isMet: () => boolean, patienceMs: number): Promise<boolean> {
    const endMs = systemClock.monotonicMs() + patienceMs
    while (!isMet() && systemClock.monotonicMs() < endMs) await pause(1)
    await this.settle()
    return isMet()
  }

  async #start(): Promise<void> {
    const { script, listen = [] } = this.#options
    const said: string[] = []
    const { proxy, text } = await startScript(
      {
        file: script,
        sockets: listen,
        clock: this.clock,
        dns: this.#dns,
        stateDirectory: join(this.#folder, 'state'),
        makeNetwork: parts => new VirtualNetwork(parts, this.#wire, this.#dns),
        rewrite: await this.#rewriter(),
        write: line => {
          said.push(line)
          this.#takeLine(line)
        },
      },
      this.#composition(),
    )
    if (proxy === null) throw new TestSetupError(`${script} does not start:\n${text}${said.join('')}`)
    this.#proxy = proxy
  }

  #composition() {
    const { builtIn, ...rest } = compose(
      modules.map(module => closedDoor(module)),
      transports.map(transport => this.subscribers.standIn(transport)),
    )
    const spec = { name: 'config_test', doc: 'Shows a running proxy to the test that runs it.' }
    const observer = defineModule(spec, ({ host }) => {
      this.#host = host
      host.bus.tail((event, subscription) => {
        if (subscription === null) this.#takeEvent(event)
      })
      return {}
    })
    return { ...rest, builtIn: [...builtIn, observer] }
  }

  /** Adds the web servers; gives where each is asked, and where instead. */
  async #openWebServers(): Promise<readonly [string, string][]> {
    const moved: [string, string][] = []
    for (const [name, { at, status = 200, body = '' }] of Object.entries(this.#options.web ?? {})) {
      const authority = /^http:\/\/([^/\s]+)\/?$/.exec(at)?.[1]
      if (authority === undefined)
        throw new TestSetupError(
          `web ${name}: expected where the script asks it, as http://127.0.0.1:8090, not "${at}"`,
        )
      const server = new WebServer(name, authority, { status, body }, ({ method, path }) =>
        this.journal.add('message', `proxy → ${name}: ${method} ${path}`),
      )
      this.webServers.set(name, server)
      moved.push([authority, await server.open()])
    }
    return moved
  }

  async #rewriter(): Promise<(text: string) => string> {
    const { replace = {}, folders = {} } = this.#options
    const replacements = [...Object.entries(replace), ...(await this.#openWebServers())]
    Object.entries(folders).forEach(([path, from], index) => {
      const copy = join(this.#folder, `folder-${index + 1}`)
      if (from === null) mkdirSync(copy)
      else cpSync(from, copy, { recursive: true })
      replacements.push([path, copy])
    })
    return text => replacements.reduce((changed, [from, to]) => changed.replaceAll(from, to), text)
  }

  #placeFor(text: string, proto: Proto): Pick<WireAddress, 'address' | 'port'> {
    const [, host = '', port] = /^(\[[^\]]*\]|[^:]*|[^:]*:[^:]*:.*?)(?::(\d+))?$/.exec(text) ?? []
    const address = host === '' ? '127.0.0.1' : host.replace(/^\[|\]$/g, '')
    if (familyOf(address) === 0)
      throw new PhoneError(`"${text}" is no address: expected one like 192.0.2.7 or 192.0.2.7:5060`)
    if (port !== undefined) return { address, port: Number(port) }
    let free = host === '' ? FIRST_PHONE_PORT : 5060
    while (this.#wire.isTaken({ proto, address, port: free })) free += 1
    return { address, port: free }
  }

  #takeEvent(event: RaisedEvent): void {
    this.events.push({ what: event, isRead: false })
    this.journal.add('event', eventText(event))
  }

  #takeDelivery(address: Address, event: WireEvent): void {
    this.deliveries.push({ what: { address, event }, isRead: false })
    this.journal.add('delivery', `${event.name} to ${address.text}`)
  }

  #takeLine(line: string): void {
    const text = line.replace(/^\w{3} [ \d]\d \d\d:\d\d:\d\d \[\d+\] /, '').trimEnd()
    this.logLines.push({ what: text, isRead: false })
    this.journal.add('log', text)
  }

  #tracePassage({ from, to, target, bytes }: Passage): void {
    const message = SipMessage.parse(bytes)
    const there = to === null ? `${addressText(target)} (nobody there)` : `${to.name}${to.isAway ? ' (away)' : ''}`
    const text = message === null ? `${bytes.length} bytes that are no SIP message` : shortLine(message)
    this.journal.add('message', `${from.name} → ${there}: ${text}`)
  }
}
