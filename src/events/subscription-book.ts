import type { Clock } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { Value } from '../util/spec.ts'
import type { Catalogue, EventType } from './catalogue.ts'
import { ExpiryQueue } from './expiry.ts'
import { type Filter, parseFilter } from './filter.ts'
import { FilterError } from './filter-scanner.ts'
import { ANY_EVENT, Registry } from './registry.ts'
import { NO_OPTIONS, parseOptions, type SubscriptionOptions, splitSocket } from './socket-options.ts'
import { SubscribeError, type SubscribeRequest } from './subscribe-request.ts'
import type { Subscription, SubscriptionPlan } from './subscription.ts'
import type { SubscriptionMaker } from './subscription-maker.ts'
import type { PayloadFormat } from './transport.ts'

/** Time an ended subscription has to send what waits. */
const FAREWELL_MS = 5_000
/** Different options that are remembered, so that those who ask for the same share them. */
const MOST_WISHES = 1000
/** For one that has nothing to send. */
const AT_ONCE = AbortSignal.abort()

/** Told of subscriptions made, renewed and ended; not of those that end with the process. */
export interface SubscriptionListener {
  subscribed(subscription: Subscription, request: SubscribeRequest, isNew: boolean): void
  ended(subscription: Subscription): void
}

/** Makes, renews, lists and ends subscriptions. */
export class SubscriptionBook {
  readonly #clock: Clock
  readonly #catalogue: Catalogue
  readonly #maker: SubscriptionMaker
  readonly #registry = new Registry()
  readonly #expiry: ExpiryQueue<Subscription>
  /** Subscriptions that have ended but still send. */
  readonly #leaving = new Set<Promise<void>>()
  readonly #wishes = new Map<string, SubscriptionOptions>()
  #listener: SubscriptionListener | undefined

  constructor(clock: Clock, catalogue: Catalogue, maker: SubscriptionMaker) {
    this.#clock = clock
    this.#catalogue = catalogue
    this.#maker = maker
    this.#expiry = new ExpiryQueue(clock, expired => this.end(expired))
  }

  follow(listener: SubscriptionListener): void {
    this.#listener = listener
  }

  /** Whether anybody may want an event of this id; filters may still say no. */
  hears(id: number): boolean {
    return this.#registry.hears(id)
  }

  /** Those who want this event, the newest subscription first. Some may have expired. */
  matching(
    id: number,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
  ): readonly Subscription[] {
    return this.#registry.matching(id, names, values)
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
    const subscription =
      known !== undefined && asksNothingNew(known.options, options) ? known : this.#replace(known, plan, type)
    subscription.renew(expireS, request.leftMs)
    this.#expiry.set(subscription)
    this.#listener?.subscribed(subscription, request, subscription !== known)
    return subscription
  }

  /** Ends a subscription at once; events raised before are still sent. Gives false when there is none. */
  unsubscribe(event: string, socket: string, filter?: string | undefined): boolean {
    let found: Subscription | undefined
    try {
      const type = this.#eventOf(event)
      const { key } = this.#maker.parse(splitSocket(socket).socket)
      found = this.#registry.find(event, key, this.#filterOf(filter, type)?.text ?? null)
    } catch {
      return false
    }
    return found !== undefined && !found.isExpired && this.end(found)
  }

  /** Live subscriptions to an event (those to all events included), or all there are. Newest first. */
  list(event?: string): readonly Subscription[] {
    const nowMs = this.#clock.monotonicMs()
    return this.#registry.list(event).filter(subscription => {
      if (subscription.expiresMs > nowMs) return true
      this.end(subscription)
      return false
    })
  }

  /** Takes a subscription off the list and lets it send what waits. False when it was off already. */
  end(subscription: Subscription): boolean {
    if (!this.#registry.remove(subscription)) return false
    this.#expiry.remove(subscription)
    this.#listener?.ended(subscription)
    const leaving = this.#sayFarewell(subscription).finally(() => this.#leaving.delete(leaving))
    this.#leaving.add(leaving)
    return true
  }

  async #sayFarewell(subscription: Subscription): Promise<void> {
    if (!subscription.hasBegun) return subscription.close(AT_ONCE, true)
    const farewell = new AbortController()
    const timer = this.#clock.after(FAREWELL_MS, () => farewell.abort())
    await subscription.close(farewell.signal, true)
    timer.clear()
  }

  /** Resolves once nothing is queued or in flight, or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    // What is on disk need not be sent before the process ends.
    const waitedFor = this.#registry.list().filter(one => one.hasBegun && one.options.policy.durable !== true)
    const idle = waitedFor.map(subscription => subscription.whenIdle())
    await settledBefore(Promise.all([...idle, ...this.#leaving]), signal)
  }

  /** Ends all with the process: their sinks are closed, and what is on disk stays there. */
  async close(signal: AbortSignal): Promise<void> {
    const all = this.#registry.list()
    for (const subscription of all) this.#registry.remove(subscription)
    this.#expiry.stop()
    const closed = all.map(subscription => subscription.close(signal, false))
    await settledBefore(Promise.all([...closed, ...this.#leaving]), signal)
  }

  /** The new one must be in place before the old one goes: they may share a sink. */
  #replace(known: Subscription | undefined, plan: SubscriptionPlan, type: EventType | null): Subscription {
    const subscription = this.#open(plan)
    if (known !== undefined) this.end(known)
    this.#registry.add(subscription, type)
    return subscription
  }

  #open(plan: SubscriptionPlan): Subscription {
    try {
      return this.#maker.open(plan)
    } catch (cause) {
      throw socketError(cause)
    }
  }

  /** Expire 0: what is there ends; what is not there is described as ended. */
  #cancel(subscription: Subscription): Subscription {
    this.end(subscription)
    return subscription
  }

  #eventOf(name: string): EventType | null {
    if (name === ANY_EVENT) return null
    const type = this.#catalogue.find(name)
    if (type === undefined) throw unknownEvent(name)
    return type
  }

  #socketOf({ socket: text, options: more, format }: SubscribeRequest): Pick<SubscriptionPlan, 'address' | 'options'> {
    try {
      const { socket, options } = splitSocket(text)
      return { address: this.#maker.parse(socket), options: this.#shared(joined(options, more, format)) }
    } catch (cause) {
      throw socketError(cause)
    }
  }

  /** Subscriptions that ask for the same share what they ask for: there are few wishes and may be many subscriptions. */
  #shared(options: SubscriptionOptions): SubscriptionOptions {
    if (options.policy === NO_OPTIONS.policy && options.format === undefined) return NO_OPTIONS
    const wish = `${options.format ?? ''} ${options.text}`
    const known = this.#wishes.get(wish)
    if (known !== undefined) return known
    if (this.#wishes.size < MOST_WISHES) this.#wishes.set(wish, options)
    return options
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
