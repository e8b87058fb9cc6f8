import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { BufferedSink } from './buffered-sink.ts'
import type { Era } from './catalogue.ts'
import { RaisedEvent } from './event.ts'
import { messageCodec } from './formats.ts'
import { type PooledSink, SinkPool, type SinkWishes } from './sink-pool.ts'
import {
  type Address,
  AddressError,
  type Delivery,
  MESSAGE_FORMATS,
  type MessageFormat,
  type Transport,
  type TransportHost,
  type WireEvent,
} from './transport.ts'

/** Runs an `event_route` for an event. */
export type RouteRun = (event: RaisedEvent) => Delivery | Promise<Delivery>

/** The transports there are: parses socket texts and opens what they lead to. */
export class Outlets {
  readonly #clock: Clock
  readonly #log: Log
  readonly #eraFormat: MessageFormat
  readonly #transports = new Map<string, Transport>()
  readonly #pool = new SinkPool((address, wishes) =>
    this.#transportOf(address).open(address, this.#hostFor(address, wishes)),
  )
  #runRoute: (name: string) => RouteRun | undefined = () => undefined
  /** How many events led to what runs right now: more than 0 while an event route runs. */
  depth = 0

  constructor(clock: Clock, log: Log, era: Era) {
    this.#clock = clock
    this.#log = log
    this.#eraFormat = era === '2.4' ? 'text' : 'jsonrpc'
  }

  get schemes(): readonly string[] {
    return [...this.#transports.keys()]
  }

  /** Throws where the scheme is taken. */
  register(transport: Transport): void {
    if (this.#transports.has(transport.scheme)) throw new Error(`two transports have the scheme "${transport.scheme}"`)
    this.#transports.set(transport.scheme, transport)
  }

  setRouteRunner(run: (name: string) => RouteRun | undefined): void {
    this.#runRoute = run
  }

  /** Parses a socket text, `scheme:rest`. Throws AddressError. */
  readonly parse = (text: string): Address => {
    const colon = text.indexOf(':')
    const scheme = colon < 0 ? text : text.slice(0, colon)
    const transport = this.#transports.get(scheme)
    if (transport === undefined) {
      const known = this.schemes.join(', ') || 'none is loaded'
      throw new AddressError(`no transport has the scheme "${scheme}"; those loaded: ${known}`, text, 0)
    }
    return transport.parse(colon < 0 ? '' : text.slice(colon + 1), { parse: this.parse, route: this.#route })
  }

  /** Opens and holds all an address stands for, or nothing. Throws AddressError. */
  hold(address: Address, wishes: SinkWishes): readonly PooledSink[] {
    const ways = this.#transportOf(address).fanOut?.(address)
    if (ways === undefined) return this.#hold(address, wishes).alone
    const held: PooledSink[] = []
    try {
      for (const way of ways) held.push(this.#hold(way, wishes))
      return held
    } catch (error) {
      for (const pooled of held) void pooled.release(AbortSignal.abort())
      throw error
    }
  }

  /** Whether events for this address are delivered inside the raise. */
  isInline(address: Address): boolean {
    return this.#transportOf(address).isInline?.(address) ?? false
  }

  #hold(address: Address, wishes: SinkWishes): PooledSink {
    const transport = this.#transportOf(address)
    checkFormat(transport, wishes, address)
    return this.#pool.hold(address, wishes, transport.perSubscription === true)
  }

  #transportOf(address: Address): Transport {
    const transport = this.#transports.get(address.scheme)
    if (transport === undefined)
      throw new AddressError(`no transport has the scheme "${address.scheme}"`, address.text, 0)
    return transport
  }

  /** Runs an event route one level deeper, so that what it raises is known to come from this event. */
  readonly #route = (name: string): ((event: WireEvent) => Delivery | Promise<Delivery>) | undefined => {
    const run = this.#runRoute(name)
    if (run === undefined) return undefined
    return event => {
      if (!(event instanceof RaisedEvent)) throw new TypeError('event routes run events of the bus only')
      return this.within(event, () => run(event))
    }
  }

  /** Runs what an event causes: what it raises meanwhile is known to come from this event. */
  within<T>(event: RaisedEvent, run: () => T): T {
    const outer = this.depth
    this.depth = event.depth + 1
    try {
      return run()
    } finally {
      this.depth = outer
    }
  }

  #hostFor(address: Address, wishes: SinkWishes): TransportHost {
    const log = this.#log.child(`event_${address.scheme}`)
    const wanted = wishes.format
    return {
      log,
      clock: this.#clock,
      format: wanted,
      key: wishes.key,
      codec: (framing, preferred) => messageCodec(asMessage(wanted) ?? preferred ?? this.#eraFormat, framing),
      buffered: link => new BufferedSink(link, this.#clock, log),
      sink: inner => this.#hold(inner, wishes).share(),
      parse: this.parse,
      route: this.#route,
    }
  }
}

const asMessage = (format: string | undefined): MessageFormat | undefined =>
  MESSAGE_FORMATS.find(known => known === format)

/** A socket that stands for others leaves the choice to these. */
function checkFormat(transport: Transport, { format }: SinkWishes, address: Address): void {
  if (format === undefined || transport.perSubscription === true) return
  const formats = transport.formats ?? MESSAGE_FORMATS
  if (formats.some(known => known === format)) return
  const choice = formats.length === 0 ? 'has one form only' : `takes ${formats.join(', ')}`
  throw new AddressError(`${transport.scheme}: ${choice}, not format=${format}`, address.text, 0)
}
