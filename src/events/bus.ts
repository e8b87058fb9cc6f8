import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { EventFields, EventSpec, Value } from '../util/spec.ts'
import { Catalogue, type Era, type EventType } from './catalogue.ts'
import { type DeadLetter, DeadLetters } from './dead-letters.ts'
import { EventSequence, type RaisedEvent, type RaiseSource } from './event.ts'
import { makeOrigin } from './event-id.ts'
import type { OpenStore } from './event-store.ts'
import { type Filter, FilterError, parseFilter } from './filter.ts'
import { Outlets, type RouteRun } from './outlets.ts'
import { DEFAULT_POLICY, type DeliveryPolicy } from './policy.ts'
import { ANY_EVENT, Registry } from './registry.ts'
import { DeliveryScheduler } from './scheduler.ts'
import { NO_OPTIONS, parseOptions, type SubscriptionOptions, splitSocket } from './socket-options.ts'
import type { Subscription } from './subscription.ts'
import { SubscriptionMaker, type SubscriptionPlan } from './subscription-maker.ts'
import type { Address, Delivery, EventOrigin, PayloadFormat, Transport } from './transport.ts'

/** Longest chain of events that raise one another (config.h MAX_REC_LEV of OpenSIPS). */
export const MAX_EVENT_DEPTH = 100

/** How many subscriptions took the event; 0 when nobody listens; −1 when it was refused at the end of a long chain. */
export type RaiseResult = number

/** What a subscription asks for. */
export interface SubscribeRequest {
  /** Name of a published event, or `*` for all. */
  readonly event: string
  /** `scheme:rest`, with or without options behind it (`src/events/socket-options.ts`). */
  readonly socket: string
  /** Lifetime in seconds. Null is permanent; so is 0 from a script, while 0 from management ends the subscription. */
  readonly expireS: number | null
  readonly filter?: string | undefined
  /** Comes before the option of the same name. */
  readonly format?: PayloadFormat | undefined
  /** Options as they could stand behind the socket, without the brackets; they are added to those that do. */
  readonly options?: string | undefined
  readonly by: 'script' | 'mi'
}

export type SubscribeErrorCode = 'E_UNKNOWN_EVENT' | 'E_BAD_SOCKET' | 'E_BAD_FILTER' | 'E_BAD_EXPIRE'

/** A subscription that cannot be made: which part of the request is at fault, and why. */
export class SubscribeError extends Error {
  override readonly name = 'SubscribeError'
  readonly code: SubscribeErrorCode
  readonly part: 'event' | 'socket' | 'filter' | 'expire'
  constructor(code: SubscribeErrorCode, part: SubscribeError['part'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.part = part
  }
}

/** Sees events pass: `subscription` is null for the raise itself, `delivery` tells what became of it there. */
export type TailListener = (event: RaisedEvent, subscription: Subscription | null, delivery: Delivery | null) => void

export interface BusOptions {
  readonly clock: Clock
  readonly log: Log
  /** Decides the payload and the fields of events that changed; by default `4.0`. */
  readonly era?: Era
  /** Where it departs from {@link DEFAULT_POLICY}. */
  readonly policy?: Partial<DeliveryPolicy>
  /** Name of this node; by default the machine's. */
  readonly node?: string | undefined
  /** Where events of durable subscriptions, and of queues that overflow to disk, wait. Without it such are refused. */
  readonly openStore?: OpenStore | undefined
}

/** A time stamp may be so much old: reading two clocks for each event costs more than making it. */
const WALL_STEP_MS = 0.25

/** Time an ended subscription has to send what waits. */
const FAREWELL_MS = 5_000

/**
 * Carries events from those who raise them to those who subscribed. Raising never waits and never throws; everything
 * that waits happens behind a queue.
 */
export class EventBus {
  readonly catalogue: Catalogue
  /** Events that were refused because they came from too long a chain of events. */
  tooDeep = 0
  /** Events that were refused for good, and may be sent again. */
  readonly deadLetters = new DeadLetters()
  /** The run that events raised here come from. */
  readonly origin: EventOrigin
  readonly #clock: Clock
  readonly #log: Log
  readonly #outlets: Outlets
  readonly #registry = new Registry()
  readonly #maker: SubscriptionMaker
  readonly #sequence: EventSequence
  readonly #tails = new Set<TailListener>()
  /** Told like tails, but only of events that somebody is subscribed to: they make nothing heard. */
  readonly #watchers = new Set<TailListener>()
  /** Subscriptions that have ended but still send. */
  readonly #leaving = new Set<Promise<void>>()
  #isClosed = false
  #wall = 0
  #wallReadMs = Number.NEGATIVE_INFINITY

  constructor({ clock, log, era = '4.0', policy = {}, node, openStore }: BusOptions) {
    this.catalogue = new Catalogue(era, log)
    this.origin = makeOrigin(node)
    this.#sequence = new EventSequence(this.origin)
    this.#clock = clock
    this.#log = log
    this.#outlets = new Outlets(clock, log, era)
    this.#maker = new SubscriptionMaker({
      clock,
      log,
      policy: { ...DEFAULT_POLICY, ...policy },
      outlets: this.#outlets,
      scheduler: new DeliveryScheduler(clock),
      deadLetters: this.deadLetters,
      openStore,
      raiseAlarm: (name, values) => this.#raiseLater(name, values),
      observerOf: subscription =>
        this.#isWatched ? (event, delivery) => this.#show(event, subscription, delivery) : undefined,
      onExpired: expired => void this.#end(expired),
    })
  }

  /** Makes a scheme known. A second transport of the same scheme is a mistake in the composition: throws. */
  registerTransport(transport: Transport): void {
    this.#outlets.register(transport)
  }

  /** Schemes that sockets can begin with. */
  get schemes(): readonly string[] {
    return this.#outlets.schemes
  }

  /**
   * Tells the bus how event routes are run. `run` gives undefined where there is no such route. A route that goes on
   * after waiting for something raises with a message whose `eventDepth` is that of its event plus one; until then the
   * bus knows by itself.
   */
  setRouteRunner(run: (name: string) => RouteRun | undefined): void {
    this.#outlets.setRouteRunner(run)
  }

  /** Runs what an event causes, so that what is raised until it returns is known to come from this event. */
  within<T>(event: RaisedEvent, run: () => T): T {
    return this.#outlets.within(event, run)
  }

  /** Whether a raise of this event would reach anybody but for filters. */
  hasSubscribers(type: EventType): boolean {
    return this.#registry.hears(type.id)
  }

  /** Whether a raise of this event would be seen at all, by subscribers or by those who watch. */
  isHeard(type: EventType): boolean {
    return this.#registry.hears(type.id) || this.#tails.size > 0
  }

  /**
   * Hands the event to everyone whose subscription matches, newest first. Synchronous, cheap when nobody listens, never
   * throws. `names` is null for positional values. The arrays must not change afterwards.
   */
  raise(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    source?: RaiseSource,
  ): RaiseResult {
    if (!this.#registry.hears(type.id) && this.#tails.size === 0) return 0
    const depth = Math.max(this.#outlets.depth, source?.message?.eventDepth ?? 0)
    if (this.#isClosed) return 0
    if (depth >= MAX_EVENT_DEPTH) return this.#refuse(type)
    try {
      return this.#distribute(type, names, values, source, depth)
    } catch (error) {
      this.#log.error('raising an event failed', { event: type.name, reason: String(error) })
      return 0
    }
  }

  /** A function that raises the event from an object of its fields, which is only read when somebody listens. */
  makeRaiser<E extends EventSpec>(type: EventType): (fields: EventFields<E>) => void {
    const sources = type.fieldNames.map(name => sourceOf(type, name))
    return fields => {
      if (!this.#registry.hears(type.id) && this.#tails.size === 0) return
      const record = fields as Readonly<Record<string, Value | undefined>>
      // Of its size from the start: an array that grows leaves several behind.
      const values = new Array<Value | undefined>(sources.length)
      for (let i = 0; i < sources.length; i++) values[i] = record[sources[i] ?? '']
      this.raise(type, type.fieldNames, values)
    }
  }

  /** Subscribes, renews, or (expire 0 by management) ends a subscription. Throws SubscribeError. */
  subscribe(request: SubscribeRequest): Subscription {
    const type = this.#eventOf(request.event)
    const expireS = lifetimeOf(request)
    const { address, options } = this.#socketOf(request)
    const filter = this.#filterOf(request.filter, type)
    const plan = { event: request.event, address, filter, options }
    const known = this.#registry.find(request.event, address.key, filter?.text ?? null)
    if (expireS === 0) return this.#cancel(known ?? this.#maker.describe(plan))
    if (known !== undefined && asksNothingNew(known.options, options)) {
      known.renew(expireS)
      return known
    }
    const subscription = this.#open(plan)
    // The new one must be in place before the old one goes: they may share a sink.
    if (known !== undefined) this.#end(known)
    subscription.renew(expireS)
    this.#registry.add(subscription, type)
    return subscription
  }

  /** Ends a subscription at once; events raised before are still sent. Gives false when there is none. */
  unsubscribe(event: string, socket: string, filter?: string | undefined): boolean {
    let found: Subscription | undefined
    try {
      const type = this.#eventOf(event)
      found = this.#registry.find(event, this.parse(socket).key, this.#filterOf(filter, type)?.text ?? null)
    } catch {
      return false
    }
    return found !== undefined && !found.isExpired && this.#end(found)
  }

  /** Sends dead letters again to the subscriptions that refused them, where these still are; gives how many. */
  retryDeadLetters(isWanted: (letter: DeadLetter) => boolean = () => true): number {
    const nowMs = this.#clock.monotonicMs()
    return this.deadLetters.remove(letter => {
      if (!isWanted(letter)) return false
      const subscriptions = this.#registry.list().filter(one => one.event === letter.subscribed)
      return subscriptions.some(one => one.offerAgain(letter.event, letter.socket, nowMs))
    })
  }

  /** Live subscriptions to an event (those to all events included), or all there are. Newest first. */
  subscriptions(event?: string): readonly Subscription[] {
    const all = this.#registry.list(event)
    for (const subscription of all) if (subscription.isExpired) this.#end(subscription)
    return all.filter(subscription => !subscription.isExpired)
  }

  /** Parses a socket text; options behind it are checked and left out. Throws AddressError. */
  parse(text: string): Address {
    return this.#outlets.parse(splitSocket(text).socket)
  }

  /** Calls back for every raise and every outcome until the function it gives is called. */
  tail(listener: TailListener): () => void {
    this.#tails.add(listener)
    return () => void this.#tails.delete(listener)
  }

  /** As `tail`, but an event that nobody is subscribed to is not made for this listener. */
  watch(listener: TailListener): () => void {
    this.#watchers.add(listener)
    return () => void this.#watchers.delete(listener)
  }

  /** Resolves once nothing is queued or in flight, or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    // What is on disk need not be sent before the process ends.
    const waitedFor = this.#registry.list().filter(({ options }) => options.policy.durable !== true)
    const idle = waitedFor.map(subscription => subscription.whenIdle())
    await settledBefore(Promise.all([...idle, ...this.#leaving]), signal)
  }

  /** Takes no more events, drains, then closes every sink. What is still queued when `signal` aborts is dropped and counted. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    await this.drain(signal)
    const all = this.#registry.list()
    for (const subscription of all) this.#registry.remove(subscription)
    await settledBefore(
      Promise.all([...all.map(subscription => subscription.close(signal, false)), ...this.#leaving]),
      signal,
    )
    this.#tails.clear()
    this.#watchers.clear()
  }

  #refuse(type: EventType): RaiseResult {
    this.tooDeep++
    this.#log.error('event not raised: too many events led to one another', {
      event: type.name,
      limit: MAX_EVENT_DEPTH,
    })
    return -1
  }

  #distribute(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    source: RaiseSource | undefined,
    depth: number,
  ): RaiseResult {
    const matching = this.#registry.matching(type.id, names, values)
    if (matching.length === 0 && this.#tails.size === 0) return 0
    const nowMs = this.#clock.monotonicMs()
    const event = this.#sequence.next(type, names, values, this.#wallMs(nowMs), source?.message, depth)
    if (this.#isWatched) this.#show(event, null, null)
    let taken = 0
    for (const subscription of matching) {
      if (subscription.isExpired) {
        this.#end(subscription)
        continue
      }
      subscription.offer(event, nowMs)
      taken++
    }
    event.release()
    return taken
  }

  /** The wall clock; read again only when time has passed. */
  #wallMs(monotonicMs: number): number {
    if (monotonicMs - this.#wallReadMs >= WALL_STEP_MS) {
      this.#wallReadMs = monotonicMs
      this.#wall = this.#clock.nowMs()
    }
    return this.#wall
  }

  #show(event: RaisedEvent, subscription: Subscription | null, delivery: Delivery | null): void {
    for (const listener of this.#tails) this.#tell(this.#tails, listener, event, subscription, delivery)
    for (const listener of this.#watchers) this.#tell(this.#watchers, listener, event, subscription, delivery)
  }

  #tell(
    listeners: Set<TailListener>,
    listener: TailListener,
    event: RaisedEvent,
    subscription: Subscription | null,
    delivery: Delivery | null,
  ): void {
    try {
      listener(event, subscription, delivery)
    } catch (error) {
      listeners.delete(listener)
      this.#log.error('a listener of events failed and was removed', { reason: String(error) })
    }
  }

  get #isWatched(): boolean {
    return this.#tails.size > 0 || this.#watchers.size > 0
  }

  #eventOf(name: string): EventType | null {
    if (name === ANY_EVENT) return null
    const type = this.catalogue.find(name)
    if (type === undefined) throw unknownEvent(name)
    return type
  }

  #socketOf({ socket: text, options: more, format }: SubscribeRequest): Pick<SubscriptionPlan, 'address' | 'options'> {
    try {
      const { socket, options } = splitSocket(text)
      return { address: this.#outlets.parse(socket), options: joined(options, more, format) }
    } catch (cause) {
      throw socketError(cause)
    }
  }

  #filterOf(text: string | undefined, type: EventType | null): Filter | null {
    if (text === undefined || text.trim() === '') return null
    try {
      return parseFilter(text, type)
    } catch (cause) {
      if (!(cause instanceof FilterError)) throw cause
      throw new SubscribeError('E_BAD_FILTER', 'filter', cause.message, { cause })
    }
  }

  #open(plan: SubscriptionPlan): Subscription {
    try {
      return this.#maker.open(plan)
    } catch (cause) {
      throw socketError(cause)
    }
  }

  /** Tells of deliveries, once what led to it is over: it may be told in the middle of one. */
  #raiseLater(name: string, values: readonly (string | number)[]): void {
    const type = this.catalogue.find(name)
    if (type === undefined || !this.isHeard(type)) return
    setImmediate(() => this.raise(type, type.fieldNames, values))
  }

  /** Expire 0: what is there ends; what is not there is described as ended. */
  #cancel(subscription: Subscription): Subscription {
    this.#end(subscription)
    return subscription
  }

  #end(subscription: Subscription): boolean {
    if (!this.#registry.remove(subscription)) return false
    const farewell = new AbortController()
    const timer = this.#clock.after(FAREWELL_MS, () => farewell.abort())
    const leaving = subscription.close(farewell.signal, true).finally(() => {
      timer.clear()
      this.#leaving.delete(leaving)
    })
    this.#leaving.add(leaving)
    return true
  }
}

/** Renewing without options keeps those there are. */
function asksNothingNew(known: SubscriptionOptions, asked: SubscriptionOptions): boolean {
  return (
    (asked.text === '' && asked.format === undefined) || (asked.text === known.text && asked.format === known.format)
  )
}

function joined(
  options: SubscriptionOptions,
  more: string | undefined,
  format: PayloadFormat | undefined,
): SubscriptionOptions {
  if (format === undefined && (more === undefined || more.trim() === '')) return options
  const added = more === undefined || more.trim() === '' ? NO_OPTIONS : parseOptions(more)
  const text = [options.text, added.text].filter(one => one !== '').join(' ')
  const wanted = format ?? added.format ?? options.format
  return { ...(wanted === undefined ? {} : { format: wanted }), policy: { ...options.policy, ...added.policy }, text }
}

function unknownEvent(name: string): SubscribeError {
  const message = `no event is named "${name}"; expected one that evi:list shows, or ${ANY_EVENT} for all`
  return new SubscribeError('E_UNKNOWN_EVENT', 'event', message)
}

function lifetimeOf({ expireS, by }: SubscribeRequest): number | null {
  if (expireS === null) return null
  if (!Number.isFinite(expireS) || expireS < 0)
    throw new SubscribeError('E_BAD_EXPIRE', 'expire', `the lifetime must be 0 seconds or more, not ${expireS}`)
  return expireS === 0 && by === 'script' ? null : expireS
}

function socketError(cause: unknown): SubscribeError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SubscribeError('E_BAD_SOCKET', 'socket', message, { cause })
}

/** The declared field a wire name is read from: a former name reads the present field. */
function sourceOf(type: EventType, name: string): string {
  if (type.spec === null || name in type.spec.fields) return name
  return type.spec.formerFields?.[name] ?? name
}
