import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import type {
  ArgSpec,
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

/** What became of several events: the same of all, or one for each, in order. */
export type Outcomes = Delivery | readonly Delivery[]

export const DELIVERED: Delivery = Object.freeze({ outcome: 'delivered' })

export type DeliveryCode =
  | 'E_NOT_CONNECTED'
  | 'E_QUEUE_FULL'
  | 'E_EXPIRED'
  | 'E_TIMEOUT'
  | 'E_REFUSED'
  | 'E_TOO_LARGE'
  | 'E_UNENCODABLE'
  | 'E_CLOSED'

export interface DeliveryErrorOptions extends ErrorOptions {
  readonly permanent?: boolean
  readonly retryAfterMs?: number
}

/** Why an event was not delivered. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: DeliveryCode
  /** The same event would fail the same way again: it is not tried again but goes to the dead letters. */
  readonly permanent: boolean
  /** The receiver asked to be left alone for so long (`Retry-After`); undefined where it did not say. */
  readonly retryAfterMs: number | undefined
  constructor(code: DeliveryCode, message: string, options?: DeliveryErrorOptions) {
    super(message, options)
    this.code = code
    this.permanent = options?.permanent ?? false
    this.retryAfterMs = options?.retryAfterMs
  }
}

export const failed = (error: DeliveryError): Delivery => ({ outcome: 'failed', error })
export const unknown = (error: DeliveryError): Delivery => ({ outcome: 'unknown', error })

export interface Health {
  readonly state: 'up' | 'connecting' | 'down'
  /** When this state began, on the monotonic clock. */
  readonly sinceMs: number
  readonly lastError?: DeliveryError | undefined
  /** Which of several receivers is in use, `host:port`. Undefined where there is one only, or none in use. */
  readonly receiver?: string | undefined
}

/**
 * Whether a sink that is one of several is given events. `closed`: it is. `open`: it has failed and is left out for a while.
 * `half-open`: that while is over, and the next event tries it.
 */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** One of the sinks that another is made of. */
export interface ChildReport {
  /** Canonical text of its address. */
  readonly socket: string
  readonly health: Health
  /** Undefined where the policy never leaves it out. */
  readonly breaker: BreakerState | undefined
  /** What it is made of itself. */
  readonly children: readonly ChildReport[]
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
  /** The media type of the bytes, `application/json`. */
  readonly contentType: string
  /** Throws DeliveryError E_UNENCODABLE, permanent, for an event this form cannot carry so that it reads back equal. */
  encode(event: WireEvent): Buffer
}

/** A codec that needs nothing but the name and the values. */
export interface PlainCodec extends EventCodec {
  encode(event: EventData): Buffer
}

/** The facts of an event: name and parameters in wire order. `names` is null when the parameters are positional. */
export interface EventData {
  readonly name: string
  readonly names: readonly string[] | null
  /** `undefined` is an unset parameter: encoders leave it out. */
  readonly values: readonly (Value | undefined)[]
}

/** The run of Fanfare an event was raised in. One object for all events of a run. */
export interface EventOrigin {
  /** Name of the node. */
  readonly node: string
  /** Tells this run from all others, of this node or another: 8 hexadecimal digits. */
  readonly boot: string
}

/** The run as one text, `/fanfare/NODE/BOOT`: the `source` of a CloudEvent, the `app_id` of an AMQP message. */
export function originPath({ node, boot }: EventOrigin): string {
  return `/fanfare/${encodeURIComponent(node)}/${boot}`
}

/** An event on its way to subscribers. Immutable; shared by all of them. */
export interface WireEvent extends EventData {
  /** A UUID of version 7 (RFC 9562): grows with time, unique across restarts and nodes; the same on every retry. */
  readonly id: string
  /** 1, 2, 3 … in order of the raises of one run, whoever subscribed: a gap at a consumer is not a loss by itself. */
  readonly sequence: number
  readonly origin: EventOrigin
  /** Wall-clock time of the raise, milliseconds since 1970. */
  readonly raisedAtMs: number
  /** Call-ID of the message a script was processing when it raised the event; undefined for all others. */
  readonly callId: string | undefined
  /** The event in this codec's form. The Buffer is shared: do not write to it. */
  encode(codec: EventCodec): Buffer
}

export interface Sink {
  readonly health: Health
  /** Most events worth giving at once: more would only wait here, with their time running. Undefined: no such bound. */
  readonly window?: number | undefined
  /**
   * Settles by `deadlineMs` (monotonic clock); never throws or rejects; never waits for a connection: while there is
   * none it answers `failed` with E_NOT_CONNECTED at once. Events accepted into one write may share one promise.
   */
  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery>
  /**
   * Several events at once, in order: one outcome for them all, or one for each in the same order. Otherwise as `send`.
   * Optional: a sink without it gets its events one by one.
   */
  sendAll?(events: readonly WireEvent[], deadlineMs: number): Outcomes | Promise<Outcomes>
  /** Resolves once all that was accepted before the call has settled, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>
  /** Flushes, then releases everything. Idempotent; resolves even with the peer hung, by the abort of `signal`. Later sends: E_CLOSED. */
  close(signal: AbortSignal): Promise<void>
  /** Calls back after each change of `health`. */
  onHealth(listener: () => void): void
  /** The sinks it is made of, as they are now; absent where it is none of several. */
  children?(): readonly ChildReport[]
}

/** A link settles its batches this much before their deadline, so that it and nobody else says what became of them. */
export const SETTLE_AHEAD_MS = 20

/** What most transports write instead of a Sink: `host.buffered(link)` adds batching, reconnection, health and shutdown. */
export interface Link {
  /** Most events given to one `write`. */
  readonly maxBatch: number
  /** Most writes running at once; 1 keeps order with a transport that cannot pipeline. */
  readonly maxInFlight: number
  /** See {@link Sink.window}: for links that take a round trip for each write. */
  readonly window?: number | undefined
  /**
   * The form `write` asks events for. Where it is given, events are encoded before they are put into a batch, and one
   * that cannot be is refused alone; `event.encode(codec)` in `write` then never throws.
   */
  readonly codec?: EventCodec
  /** See {@link Health.receiver}; asked for when a connection has been made. */
  readonly receiver?: string | undefined
  /** Resolves once events can be written; rejects with what went wrong. Called again after a loss, with back-off. */
  connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void>
  /**
   * One outcome an event, same order; or one outcome for them all, which costs less. Never rejects. Settles by the
   * deadline. The array is the caller's: copy what is needed later.
   */
  write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes>
  /** Releases the connection. Idempotent. Writes still running settle as `unknown`. */
  close(): Promise<void>
}

/** The wire forms a subscription can ask for, where its transport has a choice. */
export const PAYLOAD_FORMATS = ['jsonrpc', 'text', 'json', 'cloudevents', 'csv'] as const
export type PayloadFormat = (typeof PAYLOAD_FORMATS)[number]

/** Those that need nothing but a message to put them into: what a transport offers that does not say otherwise. */
export const MESSAGE_FORMATS = ['jsonrpc', 'text', 'json', 'cloudevents'] as const satisfies readonly PayloadFormat[]
export type MessageFormat = (typeof MESSAGE_FORMATS)[number]

/** Reads the module parameter `format`. Throws Error that says what `module` expects. */
export function messageFormatOf(module: string, text: string | undefined): MessageFormat | undefined {
  const format = MESSAGE_FORMATS.find(known => known === text)
  if (text !== undefined && format === undefined)
    throw new Error(`${module}: format must be one of ${MESSAGE_FORMATS.join(', ')}, not "${text}"`)
  return format
}

/** How a payload is cut: the text form of a `datagram` ends with an empty line, that of a broker `message` does not. */
export type PayloadFraming = 'datagram' | 'message'

/**
 * A function that gives the value of one field of an event as text: the partition key of a log, the order a subscription
 * asks for. `callid` falls back to the Call-ID of the message that was being processed. Undefined where there is none.
 */
export function keyReader(field: string): (event: WireEvent) => string | undefined {
  let names: readonly string[] | null = null
  let at = -1
  return event => {
    if (event.names !== names) {
      names = event.names
      at = names?.indexOf(field) ?? -1
    }
    const value = at < 0 ? undefined : event.values[at]
    if (value !== undefined && value !== null) return String(value)
    return field === 'callid' ? event.callId : undefined
  }
}

/** The bytes of an event, or why this form cannot carry it. For sinks that are not made of a {@link Link}. */
export function tryEncode(event: WireEvent, codec: EventCodec): Buffer | DeliveryError {
  try {
    return event.encode(codec)
  } catch (cause) {
    if (cause instanceof DeliveryError) return cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new DeliveryError('E_UNENCODABLE', `cannot be written: ${reason}`, { cause, permanent: true })
  }
}

/** What the bus offers to a sink it opens. */
export interface TransportHost {
  readonly log: Log
  readonly clock: Clock
  /** The form the subscription asked for; undefined when it left that to the transport. */
  readonly format: PayloadFormat | undefined
  /**
   * The field whose value the subscription wants order kept by (`key=callid`): events of one value follow one another,
   * others may overtake. Undefined when all events are to stay in order. See {@link keyReader}.
   */
  readonly key: string | undefined
  /**
   * A common payload: in the form the subscription asked for, else in `preferred` (the module's `format` parameter),
   * else in that of the era. Not for `csv`.
   */
  codec(framing: PayloadFraming, preferred?: MessageFormat | undefined): EventCodec
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
  /** The forms a subscription may ask for; {@link MESSAGE_FORMATS} where it does not say, [] where there is no choice. */
  readonly formats?: readonly PayloadFormat[]
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

/** What an argument of a {@link TransportFunctionSpec} reads as. */
export interface TransportFunctionKinds {
  readonly str: string
  /** All values of a variable, the newest first. */
  readonly list: readonly Value[]
  /** A route of the script, given by name: runs it with these AVPs, on no message of anybody's. */
  readonly route: (avps: Readonly<Record<string, Value>>) => void
}

/** A script function of the module: it sends something that is no event. */
export interface TransportFunctionSpec {
  readonly args: readonly ArgSpec<string, keyof TransportFunctionKinds>[]
  readonly doc: string
  readonly returns: string
}

type FunctionArgs<A extends readonly ArgSpec[]> = {
  readonly [E in A[number] as E['name']]: E extends ArgSpec<string, infer K, infer O>
    ? K extends keyof TransportFunctionKinds
      ? TransportFunctionKinds[K] | (O extends true ? undefined : never)
      : never
    : never
}

/** A transport and the `loadmodule` it belongs to, declared as data. */
export interface TransportSpec {
  /** The module name scripts load, `event_rabbitmq`. */
  readonly module: string
  /** Other names they load it by. */
  readonly aliases?: readonly string[]
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
  readonly functions?: Readonly<Record<string, TransportFunctionSpec>>
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
  /**
   * Outer call: once for each call in the script, with the texts that are known at load; an Error it throws is reported
   * there. Inner call: for each message; false, or a promise of it, is −1.
   */
  readonly functions?: {
    readonly [N in keyof Part<S, 'functions'>]: Part<S, 'functions'>[N] extends { readonly args: infer A }
      ? A extends readonly ArgSpec[]
        ? (known: Readonly<Record<string, string | undefined>>) => (args: FunctionArgs<A>) => boolean | Promise<boolean>
        : never
      : never
  }
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
