import type { Clock } from '../util/clock.ts'
import { listed, NOTHING, type SubscriptionCounters } from './counters.ts'
import type { RaisedEvent } from './event.ts'
import type { Expiring } from './expiry.ts'
import type { Filter } from './filter.ts'
import { countersOf } from './lane.ts'
import type { PooledSink } from './sink-pool.ts'
import type { SubscriptionOptions } from './socket-options.ts'
import type { Address, ChildReport, Health, PayloadFormat } from './transport.ts'
import type { Ways } from './ways.ts'

/** The error of the latest attempt that failed. */
export interface LastError {
  readonly code: string
  readonly message: string
  /** Wall-clock time. */
  readonly atMs: number
}

/** One way a subscription's events take. There is one, but for a socket that stands for several. */
export interface LaneReport {
  readonly socket: string
  readonly health: Health
  readonly counters: SubscriptionCounters
  readonly lastError: LastError | null
  /** The sinks it is spread over by a policy; empty for most. */
  readonly children: readonly ChildReport[]
}

/** What is subscribed, all of it checked but for the address. */
export interface SubscriptionPlan {
  /** Name of the event, or `*` for all. */
  readonly event: string
  readonly address: Address
  readonly filter: Filter | null
  readonly options: SubscriptionOptions
}

/** What all subscriptions share. */
export interface SubscriptionParts {
  readonly clock: Clock
  /** Parses a socket text; throws where it cannot. */
  readonly parse: (text: string) => Address
  /** Makes the ways to the sinks a subscription holds; from then on these are the ways' own. */
  openWays(subscription: Subscription, held: readonly PooledSink[]): Ways
}

const HEALTH_ORDER = { down: 0, connecting: 1, up: 2 } as const

/**
 * Someone who wants an event sent somewhere, for a time or for good. There may be a million that never get an event, so what
 * delivers is only made when there is something to deliver.
 */
export class Subscription implements Expiring {
  /** Grows with each subscription made. */
  readonly serial: number
  /** Name of the event, or `*` for all. */
  readonly event: string
  readonly filter: Filter | null
  readonly options: SubscriptionOptions
  queuedMs: number | undefined
  readonly #address: Address
  readonly #parts: SubscriptionParts
  readonly #held: readonly PooledSink[]
  #ways: Ways | undefined
  #expireS: number | null = null
  #endsMs: number | undefined

  /** `held`: the sinks it leads to, one but for a socket that stands for several; none: it describes one that has ended. */
  constructor(serial: number, plan: SubscriptionPlan, held: readonly PooledSink[], parts: SubscriptionParts) {
    const { address } = plan
    const [first] = held
    this.serial = serial
    this.event = plan.event
    this.filter = plan.filter
    this.options = plan.options
    // Those of one socket keep one address.
    this.#address = first?.address.text === address.text && first.address.key === address.key ? first.address : address
    this.#parts = parts
    this.#held = held
  }

  /** Canonical text of the socket, secrets masked. */
  get socket(): string {
    return this.#address.text
  }

  /** What renewals match on; holds secrets. */
  get key(): string {
    return this.#address.key
  }

  get address(): Address {
    return this.#address
  }

  /** Lifetime asked for, seconds; null when permanent. */
  get expireS(): number | null {
    return this.#expireS
  }

  /** When it ends, on the monotonic clock; infinite when permanent. */
  get expiresMs(): number {
    return this.#endsMs ?? Number.POSITIVE_INFINITY
  }

  /** Seconds left, rounded up; 0 when expired, null when permanent. */
  get ttl(): number | null {
    if (this.#endsMs === undefined) return null
    return Math.max(0, Math.ceil((this.#endsMs - this.#parts.clock.monotonicMs()) / 1000))
  }

  get isExpired(): boolean {
    return this.#endsMs !== undefined && this.#parts.clock.monotonicMs() >= this.#endsMs
  }

  /** Canonical text of the filter, or null. */
  get filterText(): string | null {
    return this.filter === null ? null : this.filter.text
  }

  /** The wire form asked for, if any. */
  get format(): PayloadFormat | undefined {
    return this.options.format
  }

  /** Each event counts once, however many ways it goes. */
  get counters(): SubscriptionCounters {
    return this.#ways?.counters ?? NOTHING
  }

  /** The worst of its ways. */
  get health(): Health {
    const all = this.#held.map(({ sink }) => sink.health)
    return all.reduce(
      (a, b) => (HEALTH_ORDER[b.state] < HEALTH_ORDER[a.state] ? b : a),
      all[0] ?? { state: 'down', sinceMs: 0 },
    )
  }

  /** The latest error on any of its ways. */
  get lastError(): LastError | null {
    return this.lanes.map(lane => lane.lastError).reduce((a, b) => ((b?.atMs ?? 0) > (a?.atMs ?? 0) ? b : a), null)
  }

  get lanes(): readonly LaneReport[] {
    return this.#held.map(({ address, sink }, i) => {
      const lane = this.#ways?.lanes[i]
      const way = { socket: address.text, health: sink.health, children: sink.children?.() ?? [] }
      if (lane === undefined) return { ...way, counters: NOTHING, lastError: null }
      lane.expire()
      const { lastError: error, lastErrorAtMs: atMs } = lane
      const lastError = error === undefined ? null : { code: error.code, message: error.message, atMs }
      return { ...way, counters: countersOf(lane), lastError }
    })
  }

  /** Restarts the clock; with a number also sets the lifetime. A permanent one becomes expiring, never the reverse. */
  renew(expireS: number | null, leftMs = (expireS ?? this.#expireS ?? 0) * 1000): void {
    if (expireS !== null) this.#expireS = expireS
    // A whole number takes no room of its own.
    if (this.#expireS !== null) this.#endsMs = Math.ceil(this.#parts.clock.monotonicMs() + leftMs)
  }

  /** Whether a socket text means this subscription's socket. False where it does not parse. */
  matchesSocket(text: string): boolean {
    try {
      return this.#parts.parse(text).key === this.key
    } catch {
      return false
    }
  }

  /** The sinks its events are spread over by a policy, those of inner policies included. */
  get children(): readonly ChildReport[] {
    const all = (reports: readonly ChildReport[]): readonly ChildReport[] =>
      reports.flatMap(report => [report, ...all(report.children)])
    return this.#held.flatMap(({ sink }) => all(sink.children?.() ?? []))
  }

  /** Gives an event its way. `nowMs` is the monotonic clock. */
  offer(event: RaisedEvent, nowMs: number): void {
    this.begin().offer(event, nowMs)
  }

  /** Gives an event that one of its ways refused to that way again. False when it has no such way. */
  offerAgain(event: RaisedEvent, socket: string, nowMs: number): boolean {
    return this.#held.some(({ address }) => address.text === socket) && this.begin().offerAgain(event, socket, nowMs)
  }

  /** Makes its ways now: what an earlier run left on disk is sent without any new event. */
  begin(): Ways {
    return (this.#ways ??= this.#parts.openWays(this, this.#held))
  }

  /** The members by which OpenSIPS lists a subscription (events reference §1.8). */
  lifetime(): { readonly socket: string; readonly expire: number | 'never'; readonly ttl?: number | 'expired' } {
    const { socket, expireS, ttl } = this
    if (expireS === null || ttl === null) return { socket, expire: 'never' }
    return { socket, expire: expireS, ttl: ttl === 0 ? 'expired' : ttl }
  }

  /** What OpenSIPS does not tell: filter, health, what became of the events. Empty while there is nothing to tell. */
  report(): Readonly<Record<string, unknown>> {
    const { filterText, options, lanes, counters, lastError } = this
    return {
      ...(filterText === null ? {} : { filter: filterText }),
      ...(options.format === undefined ? {} : { format: options.format }),
      ...(options.text === '' ? {} : { options: options.text }),
      ...(counters.raised === 0 && lastError === null ? {} : { health: this.health.state, ...listed(counters) }),
      ...inUse(this.health),
      ...(lastError === null
        ? {}
        : { last_error: lastError.message, last_error_at: Math.floor(lastError.atMs / 1000) }),
      ...(lanes.length > 1 || counters.raised === 0 ? {} : listedChildren(lanes[0]?.children ?? [])),
      ...(lanes.length < 2 || counters.raised === 0 ? {} : { ways: lanes.map(listedWay) }),
    }
  }

  /** Resolves once nothing is queued or in flight. */
  async whenIdle(): Promise<void> {
    if (this.#ways !== undefined) await Promise.all(this.#ways.lanes.map(lane => lane.whenIdle()))
  }

  /** It has had an event, or had some from the start. */
  get hasBegun(): boolean {
    return this.#ways !== undefined
  }

  /**
   * Takes no more events, sends what it can of those that wait, releases its sinks. `signal` ends the wait. `forGood`:
   * the subscription itself has ended, and not only the process.
   */
  async close(signal: AbortSignal, forGood: boolean): Promise<void> {
    if (this.#ways === undefined) await Promise.all(this.#held.map(held => held.release(signal)))
    else await Promise.all(this.#ways.lanes.map(lane => lane.close(signal, forGood)))
  }
}

const inUse = ({ receiver }: Health): { readonly receiver?: string } => (receiver === undefined ? {} : { receiver })

const listedWay = ({ socket, health, counters, children }: LaneReport): Readonly<Record<string, unknown>> => ({
  socket,
  health: health.state,
  ...inUse(health),
  ...listed(counters),
  ...listedChildren(children),
})

function listedChildren(children: readonly ChildReport[]): Readonly<Record<string, unknown>> {
  if (children.length === 0) return {}
  return {
    children: children.map(({ socket, health, breaker, children: inner }) => ({
      socket,
      health: health.state,
      ...inUse(health),
      ...(breaker === undefined ? {} : { breaker }),
      ...listedChildren(inner),
    })),
  }
}
