import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { EventFields, EventSpec, Value } from '../util/spec.ts'
import { Catalogue, type Era, type EventType } from './catalogue.ts'
import { DEFAULT_POLICY, type DeliveryPolicy, Lane, type LaneContext } from './delivery.ts'
import { EventSequence, type RaisedEvent, type RaiseSource } from './event.ts'
import { type Filter, FilterError, parseFilter } from './filter.ts'
import { type Outlet, Outlets, type RouteRun } from './outlets.ts'
import { ANY_EVENT, Registry } from './registry.ts'
import { DeliveryScheduler } from './scheduler.ts'
import { Subscription } from './subscription.ts'
import type { Address, Delivery, PayloadFormat, Transport } from './transport.ts'

/** Longest chain of events that raise one another (config.h MAX_REC_LEV of OpenSIPS). */
export const MAX_EVENT_DEPTH = 100

/** How many subscriptions took the event; 0 when nobody listens; −1 when it was refused at the end of a long chain. */
export type RaiseResult = number

/** What a subscription asks for. */
export interface SubscribeRequest {
  /** Name of a published event, or `*` for all. */
  readonly event: string
  readonly socket: string
  /** Lifetime in seconds. Null is permanent; so is 0 from a script, while 0 from management ends the subscription. */
  readonly expireS: number | null
  readonly filter?: string | undefined
  readonly format?: PayloadFormat | undefined
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
}

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
  readonly #clock: Clock
  readonly #log: Log
  readonly #policy: DeliveryPolicy
  readonly #outlets: Outlets
  readonly #registry = new Registry()
  readonly #scheduler: DeliveryScheduler
  readonly #sequence = new EventSequence()
  readonly #tails = new Set<TailListener>()
  /** Subscriptions that have ended but still send. */
  readonly #leaving = new Set<Promise<void>>()
  #serial = 0
  #isClosed = false

  constructor({ clock, log, era = '4.0', policy = {} }: BusOptions) {
    this.catalogue = new Catalogue(era, log)
    this.#clock = clock
    this.#log = log
    this.#outlets = new Outlets(clock, log, era)
    this.#policy = { ...DEFAULT_POLICY, ...policy }
    this.#scheduler = new DeliveryScheduler(clock)
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
      const values: (Value | undefined)[] = []
      for (const name of sources) values.push(record[name])
      this.raise(type, type.fieldNames, values)
    }
  }

  /** Subscribes, renews, or (expire 0 by management) ends a subscription. Throws SubscribeError. */
  subscribe(request: SubscribeRequest): Subscription {
    const type = this.#eventOf(request.event)
    const expireS = lifetimeOf(request)
    const address = this.#addressOf(request.socket)
    const filter = this.#filterOf(request.filter, type)
    const known = this.#registry.find(request.event, address.key, filter?.text ?? null)
    if (expireS === 0) return this.#cancel(known, request.event, address, filter)
    if (known !== undefined && (request.format === undefined || request.format === known.format)) {
      known.renew(expireS)
      return known
    }
    const subscription = this.#open(request.event, address, filter, request.format)
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

  /** Live subscriptions to an event (those to all events included), or all there are. Newest first. */
  subscriptions(event?: string): readonly Subscription[] {
    const all = this.#registry.list(event)
    for (const subscription of all) if (subscription.isExpired) this.#end(subscription)
    return all.filter(subscription => !subscription.isExpired)
  }

  /** Parses a socket text. Throws AddressError. */
  parse(text: string): Address {
    return this.#outlets.parse(text)
  }

  /** Calls back for every raise and every outcome until the function it gives is called. */
  tail(listener: TailListener): () => void {
    this.#tails.add(listener)
    return () => void this.#tails.delete(listener)
  }

  /** Resolves once nothing is queued or in flight, or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    const idle = this.#registry.list().map(subscription => subscription.whenIdle())
    await settledBefore(Promise.all([...idle, ...this.#leaving]), signal)
  }

  /** Takes no more events, drains, then closes every sink. What is still queued when `signal` aborts is dropped and counted. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    await this.drain(signal)
    const all = this.#registry.list()
    for (const subscription of all) this.#registry.remove(subscription)
    await settledBefore(Promise.all([...all.map(subscription => subscription.close(signal)), ...this.#leaving]), signal)
    this.#tails.clear()
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
    const event = this.#sequence.next(type, names, values, this.#clock.nowMs(), source, depth)
    this.#show(event, null, null)
    const nowMs = this.#clock.monotonicMs()
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

  #show(event: RaisedEvent, subscription: Subscription | null, delivery: Delivery | null): void {
    for (const tail of this.#tails) {
      try {
        tail(event, subscription, delivery)
      } catch (error) {
        this.#tails.delete(tail)
        this.#log.error('a listener of events failed and was removed', { reason: String(error) })
      }
    }
  }

  #eventOf(name: string): EventType | null {
    if (name === ANY_EVENT) return null
    const type = this.catalogue.find(name)
    if (type === undefined) throw unknownEvent(name)
    return type
  }

  #addressOf(socket: string): Address {
    try {
      return this.parse(socket)
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

  #open(event: string, address: Address, filter: Filter | null, format: PayloadFormat | undefined): Subscription {
    const lanes = this.#openOutlets(address, format).map(
      ({ address: way, sink, isInline }) =>
        new Lane(
          way.text,
          sink,
          this.#policy,
          this.#laneContext(() => subscription),
          isInline,
        ),
    )
    const subscription: Subscription = this.#make(event, address, filter, format, lanes)
    return subscription
  }

  #openOutlets(address: Address, format: PayloadFormat | undefined): readonly Outlet[] {
    try {
      return this.#outlets.open(address, format)
    } catch (cause) {
      throw socketError(cause)
    }
  }

  #laneContext(subscription: () => Subscription): LaneContext {
    return {
      clock: this.#clock,
      log: this.#log,
      scheduler: this.#scheduler,
      observe: (event, delivery) => {
        if (this.#tails.size > 0) this.#show(event, subscription(), delivery)
      },
    }
  }

  #make(
    event: string,
    address: Address,
    filter: Filter | null,
    format: PayloadFormat | undefined,
    lanes: readonly Lane[],
  ): Subscription {
    return new Subscription({
      serial: this.#serial++,
      event,
      address,
      filter,
      format,
      lanes,
      clock: this.#clock,
      parse: text => this.parse(text),
      onExpired: expired => this.#end(expired),
    })
  }

  /** Expire 0: what is there ends; what is not there is described as ended. */
  #cancel(known: Subscription | undefined, event: string, address: Address, filter: Filter | null): Subscription {
    const subscription = known ?? this.#make(event, address, filter, undefined, [])
    this.#end(subscription)
    return subscription
  }

  #end(subscription: Subscription): boolean {
    if (!this.#registry.remove(subscription)) return false
    const farewell = new AbortController()
    const timer = this.#clock.after(FAREWELL_MS, () => farewell.abort())
    const leaving = subscription.close(farewell.signal).finally(() => {
      timer.clear()
      this.#leaving.delete(leaving)
    })
    this.#leaving.add(leaving)
    return true
  }
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
