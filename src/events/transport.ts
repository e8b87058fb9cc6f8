import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import type {
  CommandSpec,
  Commands,
  EventSpec,
  ParamSpec,
  ParamValues,
  Part,
  Raisers,
  StatSpec,
  Stats,
  Value,
} from '../util/spec.ts'

/**
 * The Transport contract: all that a folder under `transports/` knows of Fanfare. A transport turns an address into
 * a sink; a sink takes events and says what became of each. Most transports write only a {@link Link} and hand it to
 * {@link TransportHost.buffered}.
 */

/** What became of one event. A value, not an exception: failure is ordinary here and is decided on by FAILOVER. */
export type Delivery =
  /** As strongly as the transport promises (see its doc): broker confirm, HTTP 2xx, written to the file. */
  | { readonly outcome: 'delivered' }
  /** Certainly not taken: another sink may have it. */
  | { readonly outcome: 'failed'; readonly error: DeliveryError }
  /** May have been taken: trying on can duplicate. */
  | { readonly outcome: 'unknown'; readonly error: DeliveryError }

export const DELIVERED: Delivery = Object.freeze({ outcome: 'delivered' })

export type DeliveryCode =
  | 'E_NOT_CONNECTED'
  | 'E_QUEUE_FULL'
  | 'E_EXPIRED'
  | 'E_TIMEOUT'
  | 'E_REFUSED'
  | 'E_TOO_LARGE'
  | 'E_CLOSED'

/** Why an event was not delivered. `permanent`: the same event would fail the same way again, so do not retry. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: DeliveryCode
  readonly permanent: boolean
  constructor(code: DeliveryCode, message: string, options?: ErrorOptions & { permanent?: boolean }) {
    super(message, options)
    this.code = code
    this.permanent = options?.permanent ?? false
  }
}

export const failed = (error: DeliveryError): Delivery => ({ outcome: 'failed', error })
export const unknown = (error: DeliveryError): Delivery => ({ outcome: 'unknown', error })

export interface Health {
  readonly state: 'up' | 'connecting' | 'down'
  /** When this state began, on the monotonic clock. */
  readonly sinceMs: number
  readonly lastError?: DeliveryError | undefined
}

/** A parsed socket text. Pure data. */
export interface Address {
  readonly scheme: string
  /** The canonical, re-parsable text `scheme:rest`, as listings print it; secrets are masked as `***`. */
  readonly text: string
  /** Equal keys mean the same socket: renewals match on it and sinks are shared by it. Holds every part, secrets too. */
  readonly key: string
}

/** Says what was wrong with a socket text, where, and what was expected there. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
  /** The text that was parsed, secrets included: do not log it. */
  readonly text: string
  /** Offset in `text` at which parsing stopped. */
  readonly offset: number
  constructor(message: string, text: string, offset: number) {
    super(message)
    this.text = text
    this.offset = offset
  }
}

/**
 * Turns an event into bytes. One object per wire form, compared by identity: an event caches what each codec gave, so
 * it is encoded at most once per form however many subscribers it has.
 */
export interface EventCodec {
  readonly name: string
  encode(event: EventData): Buffer
}

/** The facts of an event: name and parameters in wire order. `names` is null when the parameters are positional. */
export interface EventData {
  readonly name: string
  readonly names: readonly string[] | null
  /** `undefined` is an unset parameter: encoders leave it out. */
  readonly values: readonly (Value | undefined)[]
}

/** An event on its way to subscribers. Immutable; shared by all of them. */
export interface WireEvent extends EventData {
  /** Time-ordered and unique across restarts and nodes; the same on every retry. */
  readonly id: string
  /** Wall-clock time of the raise, milliseconds since 1970. */
  readonly raisedAtMs: number
  /** The event in this codec's form. The Buffer is shared: do not write to it. */
  encode(codec: EventCodec): Buffer
}

export interface Sink {
  readonly health: Health
  /**
   * Settles by `deadlineMs` (monotonic clock); never throws or rejects; never waits for a connection: while there is
   * none it answers `failed` with E_NOT_CONNECTED at once. Events accepted into one write may share one promise.
   */
  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery>
  /** Resolves once all that was accepted before the call has settled, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>
  /** Flushes, then releases everything. Idempotent; resolves even with the peer hung, by the abort of `signal`. Later sends: E_CLOSED. */
  close(signal: AbortSignal): Promise<void>
  /** Calls back after each change of `health`. */
  onHealth(listener: () => void): void
}

/** What most transports write instead of a Sink: `host.buffered(link)` adds batching, reconnection, health and shutdown. */
export interface Link {
  /** Most events given to one `write`. */
  readonly maxBatch: number
  /** Most writes running at once; 1 keeps order with a transport that cannot pipeline. */
  readonly maxInFlight: number
  /** `write` always gives one outcome for the whole batch: its events share one promise, which costs far less. */
  readonly uniform?: boolean
  /** Resolves once events can be written; rejects with what went wrong. Called again after a loss, with back-off. */
  connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void>
  /** One outcome an event, same order; or one outcome for them all. Never rejects. Settles by the deadline. */
  write(batch: readonly WireEvent[], deadlineMs: number): Promise<Delivery | readonly Delivery[]>
  /** Releases the connection. Idempotent. Writes still running settle as `unknown`. */
  close(): Promise<void>
}

/** The wire form a subscription asked for, where its transport has a choice. */
export type PayloadFormat = 'jsonrpc' | 'text'

/** How a payload is cut: the text form of a `datagram` ends with an empty line, that of a broker `message` does not. */
export type PayloadFraming = 'datagram' | 'message'

/** What the bus offers to a sink it opens. */
export interface TransportHost {
  readonly log: Log
  readonly clock: Clock
  /** The form the subscription asked for, or the default of the era. */
  readonly format: PayloadFormat
  /**
   * The common payload (JSON-RPC notification or legacy text): in the form the subscription asked for, else in
   * `preferred` (the module's `format` parameter), else in that of the era.
   */
  codec(framing: PayloadFraming, preferred?: PayloadFormat | undefined): EventCodec
  buffered(link: Link): Sink
  /** Opens (or shares) the sink of another address: for transports that compose others. Throws AddressError. */
  sink(address: Address): Sink
  /** Parses any socket text, `scheme:rest`: for transports that compose others. Throws AddressError. */
  parse(text: string): Address
  /** Runs an `event_route`: for the `route` transport only. Undefined when no such route exists. */
  route(name: string): ((event: WireEvent) => Delivery | Promise<Delivery>) | undefined
}

export interface Transport<A extends Address = Address> {
  /** What stands before the first colon of a socket text. */
  readonly scheme: string
  /** Parses what follows `scheme:`. No I/O. Throws AddressError. `host` gives composing transports access to the others. */
  parse(rest: string, host: Pick<TransportHost, 'parse' | 'route'>): A
  /**
   * Throws AddressError where the address cannot work as things are (missing directory): then nothing is subscribed.
   * Otherwise returns at once; the sink connects by itself.
   */
  open(address: A, host: TransportHost): Sink
  /** True for addresses that must be delivered inside the raise (`event_route[E, sync]`). */
  isInline?(address: A): boolean
  /**
   * The addresses that each get every event, where this one stands for several (`virtual:PARALLEL`). The bus gives each
   * a queue and retries of its own, so that one that is away holds up none of the others.
   */
  fanOut?(address: A): readonly Address[] | undefined
  /** Its sinks remember what they did with an event, so each subscription opens its own instead of sharing one. */
  readonly perSubscription?: boolean
}

/** What each transport promises, for its page and for the conformance suite to hold it to. */
export interface Promises {
  /** Events arrive in the order they were accepted. */
  readonly ordered: boolean
  /** What `delivered` means: `accepted` by the local system, `written` to storage, or `confirmed` by the peer. */
  readonly delivered: 'accepted' | 'written' | 'confirmed'
  /** An absent peer is noticed: sends fail instead of vanishing. */
  readonly noticesAbsence: boolean
}

/** A transport and the `loadmodule` it belongs to, declared as data. */
export interface TransportSpec {
  /** The module name scripts load, `event_rabbitmq`. */
  readonly module: string
  readonly doc: string
  /** Grammar of the socket text, for the reference page. */
  readonly grammar: string
  /** Example sockets; a test parses each of them. */
  readonly examples: readonly string[]
  readonly promises: Promises
  readonly params?: Readonly<Record<string, ParamSpec>>
  readonly events?: Readonly<Record<string, EventSpec>>
  readonly stats?: Readonly<Record<string, StatSpec>>
  readonly commands?: Readonly<Record<string, CommandSpec>>
}

export interface TransportContext<S extends TransportSpec> {
  readonly params: ParamValues<Part<S, 'params'>>
  readonly log: Log
  readonly clock: Clock
  readonly stats: Stats<S>
  readonly raise: Raisers<S>
  /** Expands a format string with variables against the dummy message (flatstore's `suffix`). */
  expand(format: string): string
  /** Options of a TLS client domain defined elsewhere in the script; undefined when there is none of that name. */
  tlsDomain(name: string): Readonly<Record<string, unknown>> | undefined
}

export interface TransportHandlers<S extends TransportSpec> {
  /** One per scheme (`event_datagram` has two). */
  readonly transports: readonly Transport[]
  readonly commands?: Commands<S>
  /** Runs last, after every sink is closed. */
  stop?(): Promise<void>
}

export interface TransportModule<S extends TransportSpec = TransportSpec> {
  readonly spec: S
  setup(context: TransportContext<S>): TransportHandlers<S>
}

/** Declares a transport. The handlers' types follow from the spec. */
export function defineTransport<const S extends TransportSpec>(
  spec: S,
  setup: (context: TransportContext<S>) => TransportHandlers<S>,
): TransportModule<S> {
  return { spec, setup }
}
