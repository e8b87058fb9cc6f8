import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import type { EventFields, EventSpec, Value } from '../util/spec.ts'
import { Catalogue, type Era, type EventType } from './catalogue.ts'
import { type DeadLetter, type DeadLetterLimits, DeadLetters } from './dead-letters.ts'
import { EventSequence, type RaisedEvent, type RaiseSource } from './event.ts'
import { makeOrigin } from './event-id.ts'
import type { OpenStore } from './event-store.ts'
import { Outlets, type RouteRun } from './outlets.ts'
import { DEFAULT_POLICY, type DeliveryPolicy } from './policy.ts'
import { splitSocket } from './socket-options.ts'
import type { SubscribeRequest } from './subscribe-request.ts'
import type { Subscription } from './subscription.ts'
import { SubscriptionBook, type SubscriptionListener } from './subscription-book.ts'
import { SubscriptionMaker } from './subscription-maker.ts'
import type { Address, Delivery, EventOrigin, Transport } from './transport.ts'

/** Longest chain of events that raise one another (config.h MAX_REC_LEV of OpenSIPS). */
export const MAX_EVENT_DEPTH = 100

/** How many subscriptions took the event; 0 when nobody listens; −1 when it was refused at the end of a long chain. */
export type RaiseResult = number

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
  /** Where it departs from {@link DEFAULT_DEAD_LETTER_LIMITS}. */
  readonly deadLetters?: Partial<DeadLetterLimits>
  /** Where events of durable subscriptions, and of queues that overflow to disk, wait. Without it such are refused. */
  readonly openStore?: OpenStore | undefined
}

/** A time stamp may be so much old: reading two clocks for each event costs more than making it. */
const WALL_STEP_MS = 0.25

/**
 * Carries events from those who raise them to those who subscribed. Raising never waits and never throws; everything
 * that waits happens behind a queue.
 */
export class EventBus {
  readonly catalogue: Catalogue
  /** Events that were refused because they came from too long a chain of events. */
  tooDeep = 0
  /** Events that were refused for good, and may be sent again. */
  readonly deadLetters: DeadLetters
  /** The run that events raised here come from. */
  readonly origin: EventOrigin
  readonly #clock: Clock
  readonly #log: Log
  readonly #outlets: Outlets
  readonly #book: SubscriptionBook
  readonly #sequence: EventSequence
  readonly #tails = new Set<TailListener>()
  /** Told like tails, but only of events that somebody is subscribed to: they make nothing heard. */
  readonly #watchers = new Set<TailListener>()
  #isClosed = false
  #wall = 0
  #wallReadMs = Number.NEGATIVE_INFINITY

  constructor({ clock, log, era = '4.0', policy = {}, node, deadLetters, openStore }: BusOptions) {
    this.catalogue = new Catalogue(era, log)
    this.origin = makeOrigin(node)
    this.deadLetters = new DeadLetters(clock, deadLetters)
    this.#sequence = new EventSequence(this.origin)
    this.#clock = clock
    this.#log = log
    this.#outlets = new Outlets(clock, log, era)
    const maker = new SubscriptionMaker({
      clock,
      log,
      policy: { ...DEFAULT_POLICY, ...policy },
      outlets: this.#outlets,
      deadLetters: this.deadLetters,
      openStore,
      raiseAlarm: (name, values) => this.#raiseLater(name, values),
      observerOf: subscription =>
        this.#isWatched ? (event, delivery) => this.#show(event, subscription, delivery) : undefined,
    })
    this.#book = new SubscriptionBook(clock, this.catalogue, maker)
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
    return this.#book.hears(type.id)
  }

  /** Whether a raise of this event would be seen at all, by subscribers or by those who watch. */
  isHeard(type: EventType): boolean {
    return this.#book.hears(type.id) || this.#tails.size > 0
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
    if (!this.#book.hears(type.id) && this.#tails.size === 0) return 0
    const depth = Math.max(this.#outlets.depth, source?.message?.eventDepth ?? 0)
    if (this.#isClosed) return 0
    if (depth >= MAX_EVENT_DEPTH) return this.#refuse(type)
    try {
      return this.#distribute(type, names, values, source, depth)
    } catch (error) {
      this.#log.often(type.name).error('raising an event failed', { event: type.name, reason: String(error) })
      return 0
    }
  }

  /** A function that raises the event from an object of its fields, which is only read when somebody listens. */
  makeRaiser<E extends EventSpec>(type: EventType): (fields: EventFields<E>) => void {
    const sources = type.fieldNames.map(name => sourceOf(type, name))
    return fields => {
      if (!this.#book.hears(type.id) && this.#tails.size === 0) return
      const record = fields as Readonly<Record<string, Value | undefined>>
      // Of its size from the start: an array that grows leaves several behind.
      const values = new Array<Value | undefined>(sources.length)
      for (let i = 0; i < sources.length; i++) values[i] = record[sources[i] ?? '']
      this.raise(type, type.fieldNames, values)
    }
  }

  /** Subscribes, renews, or (expire 0 by management) ends a subscription. Throws SubscribeError. */
  subscribe(request: SubscribeRequest): Subscription {
    return this.#book.subscribe(request)
  }

  /** Ends a subscription at once; events raised before are still sent. Gives false when there is none. */
  unsubscribe(event: string, socket: string, filter?: string | undefined): boolean {
    return this.#book.unsubscribe(event, socket, filter)
  }

  /** Tells of subscriptions made, renewed and ended. */
  follow(listener: SubscriptionListener): void {
    this.#book.follow(listener)
  }

  /** Sends dead letters again to the subscriptions that refused them, where these still are; gives how many. */
  retryDeadLetters(isWanted: (letter: DeadLetter) => boolean = () => true): number {
    const nowMs = this.#clock.monotonicMs()
    return this.deadLetters.remove(letter => {
      if (!isWanted(letter)) return false
      const { event, subscribed, filterText, socket } = letter
      const receivers = this.#book.list().filter(one => one.event === subscribed && one.filterText === filterText)
      return receivers.some(one => one.offerAgain(event, socket, nowMs))
    })
  }

  /** Live subscriptions to an event (those to all events included), or all there are. Newest first. */
  subscriptions(event?: string): readonly Subscription[] {
    return this.#book.list(event)
  }

  /** Those who would get this event now. */
  receiversOf({ type, names, values }: RaisedEvent): readonly Subscription[] {
    return this.#book.matching(type.id, names, values).filter(subscription => !subscription.isExpired)
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
    await this.#book.drain(signal)
  }

  /** Takes no more events, drains, then closes every sink. What is still queued when `signal` aborts is dropped and counted. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    await this.drain(signal)
    await this.#book.close(signal)
    this.#tails.clear()
    this.#watchers.clear()
  }

  #refuse(type: EventType): RaiseResult {
    this.tooDeep++
    this.#log.often(type.name).error('event not raised: too many events led to one another', {
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
    const matching = this.#book.matching(type.id, names, values)
    if (matching.length === 0 && this.#tails.size === 0) return 0
    const nowMs = this.#clock.monotonicMs()
    const event = this.#sequence.next(type, names, values, this.#wallMs(nowMs), source?.message, depth)
    if (this.#isWatched) this.#show(event, null, null)
    let taken = 0
    for (const subscription of matching) {
      if (subscription.isExpired) {
        this.#book.end(subscription)
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

  /** Tells of deliveries, once what led to it is over: it may be told in the middle of one. */
  #raiseLater(name: string, values: readonly (string | number)[]): void {
    const type = this.catalogue.find(name)
    if (type === undefined || !this.isHeard(type)) return
    setImmediate(() => this.raise(type, type.fieldNames, values))
  }
}

/** The declared field a wire name is read from: a former name reads the present field. */
function sourceOf(type: EventType, name: string): string {
  if (type.spec === null || name in type.spec.fields) return name
  return type.spec.formerFields?.[name] ?? name
}
