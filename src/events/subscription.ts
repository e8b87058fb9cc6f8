import type { Clock, Timer } from '../util/clock.ts'
import type { RaisedEvent } from './event.ts'
import type { FanOutTally } from './fan-out-tally.ts'
import type { Filter } from './filter.ts'
import type { Lane } from './lane.ts'
import type { SubscriptionCounters } from './ledger.ts'
import type { SubscriptionOptions } from './socket-options.ts'
import type { Address, Health, PayloadFormat } from './transport.ts'

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
}

/** What a subscription is made of. */
export interface SubscriptionInit {
  /** Grows with each subscription made. */
  readonly serial: number
  /** Name of the event, or `*` for all. */
  readonly event: string
  readonly address: Address
  readonly filter: Filter | null
  readonly options: SubscriptionOptions
  readonly lanes: readonly Lane[]
  /** What became of each event as a whole, where it goes several ways. */
  readonly tally: FanOutTally | undefined
  readonly clock: Clock
  /** Parses a socket text; throws where it cannot. */
  readonly parse: (text: string) => Address
  readonly onExpired: (subscription: Subscription) => void
}

/** setTimeout fires at once for longer delays. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
const HEALTH_ORDER = { down: 0, connecting: 1, up: 2 } as const

/** Someone who wants an event sent somewhere, for a time or for good. */
export class Subscription {
  readonly serial: number
  /** Name of the event, or `*` for all. */
  readonly event: string
  /** Canonical text of the socket, secrets masked. */
  readonly socket: string
  /** What renewals match on; holds secrets. */
  readonly key: string
  readonly filter: Filter | null
  readonly options: SubscriptionOptions
  readonly #tally: FanOutTally | undefined
  readonly #lanes: readonly Lane[]
  readonly #clock: Clock
  readonly #parse: (text: string) => Address
  readonly #onExpired: (subscription: Subscription) => void
  #expireS: number | null = null
  #sinceMs: number
  #timer: Timer | undefined

  constructor(init: SubscriptionInit) {
    this.serial = init.serial
    this.event = init.event
    this.socket = init.address.text
    this.key = init.address.key
    this.filter = init.filter
    this.options = init.options
    this.#tally = init.tally
    this.#lanes = init.lanes
    this.#clock = init.clock
    this.#parse = init.parse
    this.#onExpired = init.onExpired
    this.#sinceMs = init.clock.monotonicMs()
  }

  /** Lifetime asked for, seconds; null when permanent. */
  get expireS(): number | null {
    return this.#expireS
  }

  /** Seconds left, rounded up; 0 when expired, null when permanent. */
  get ttl(): number | null {
    if (this.#expireS === null) return null
    return Math.max(0, Math.ceil((this.#expiresMs - this.#clock.monotonicMs()) / 1000))
  }

  get isExpired(): boolean {
    return this.#expireS !== null && this.#clock.monotonicMs() >= this.#expiresMs
  }

  /** Canonical text of the filter, or null. */
  get filterText(): string | null {
    return this.filter === null ? null : this.filter.text
  }

  /** The wire form asked for, if any. */
  get format(): PayloadFormat | undefined {
    return this.options.format
  }

  /** Each event counts once, however many ways it goes: kept on disk, as on the way that is furthest behind. */
  get counters(): SubscriptionCounters {
    if (this.#tally !== undefined) return this.#tally.counters(this.#lanes)
    const [first, ...others] = this.#lanes
    if (first === undefined) return NOTHING
    return countersOf(others.reduce((a, b) => (b.counters.delivered < a.counters.delivered ? b : a), first))
  }

  /** The worst of its ways. */
  get health(): Health {
    const all = this.lanes.map(lane => lane.health)
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
    return this.#lanes.map(lane => {
      lane.expire()
      const { lastError: error, lastErrorAtMs: atMs } = lane
      const lastError = error === undefined ? null : { code: error.code, message: error.message, atMs }
      return { socket: lane.socket, health: lane.health, counters: countersOf(lane), lastError }
    })
  }

  /** Restarts the clock; with a number also sets the lifetime. A permanent one becomes expiring, never the reverse. */
  renew(expireS: number | null): void {
    this.#sinceMs = this.#clock.monotonicMs()
    if (expireS !== null) this.#expireS = expireS
    this.#timer?.clear()
    if (this.#expireS !== null) this.#arm()
  }

  /** Whether a socket text means this subscription's socket. False where it does not parse. */
  matchesSocket(text: string): boolean {
    try {
      return this.#parse(text).key === this.key
    } catch {
      return false
    }
  }

  /** Gives an event its way. `nowMs` is the monotonic clock. */
  offer(event: RaisedEvent, nowMs: number): void {
    this.#tally?.begin(event)
    for (const lane of this.#lanes) lane.offer(event, nowMs)
  }

  /** Gives an event that one of its ways refused to that way again. False when it has no such way. */
  offerAgain(event: RaisedEvent, socket: string, nowMs: number): boolean {
    const lane = this.#lanes.find(one => one.socket === socket)
    if (lane === undefined) return false
    this.#tally?.begin(event, 1)
    lane.offer(event, nowMs)
    return true
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
      ...(lanes.length < 2 || counters.raised === 0 ? {} : { ways: lanes.map(listedWay) }),
    }
  }

  /** Resolves once nothing is queued or in flight. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.whenIdle()))
  }

  /**
   * Takes no more events, sends what it can of those that wait, releases its sinks. `signal` ends the wait. `forGood`:
   * the subscription itself has ended, and not only the process.
   */
  async close(signal: AbortSignal, forGood: boolean): Promise<void> {
    this.#timer?.clear()
    await Promise.all(this.#lanes.map(lane => lane.close(signal, forGood)))
  }

  get #expiresMs(): number {
    return this.#sinceMs + (this.#expireS ?? 0) * 1000
  }

  #arm(): void {
    const leftMs = Math.max(1, this.#expiresMs - this.#clock.monotonicMs())
    this.#timer = this.#clock.after(Math.min(leftMs, LONGEST_TIMER_MS), () => {
      if (this.isExpired) this.#onExpired(this)
      else this.#arm()
    })
  }
}

const NOTHING: SubscriptionCounters = {
  raised: 0,
  delivered: 0,
  failed: 0,
  dropped: { overflow: 0, coalesced: 0, expired: 0, closed: 0 },
  retried: 0,
  maybeDuplicate: 0,
  queued: 0,
  inFlight: 0,
  oldestMs: 0,
}

function countersOf(lane: Lane): SubscriptionCounters {
  const { queued, inFlight, oldestMs } = lane
  return { ...lane.counters, dropped: { ...lane.counters.dropped }, queued, inFlight, oldestMs }
}

const inUse = ({ receiver }: Health): { readonly receiver?: string } => (receiver === undefined ? {} : { receiver })

const listedWay = ({ socket, health, counters }: LaneReport): Readonly<Record<string, unknown>> => ({
  socket,
  health: health.state,
  ...inUse(health),
  ...listed(counters),
})

/** Counters in the spelling of management: only what is not zero, beside the three that are always told. */
function listed(counters: SubscriptionCounters): Readonly<Record<string, number>> {
  const { raised, delivered, queued, failed, inFlight, retried, maybeDuplicate, dropped } = counters
  const optional = {
    failed,
    in_flight: inFlight,
    retried,
    maybe_duplicate: maybeDuplicate,
    dropped_overflow: dropped.overflow,
    dropped_coalesced: dropped.coalesced,
    dropped_expired: dropped.expired,
    dropped_closed: dropped.closed,
  }
  return { raised, delivered, queued, ...Object.fromEntries(Object.entries(optional).filter(([, count]) => count > 0)) }
}
