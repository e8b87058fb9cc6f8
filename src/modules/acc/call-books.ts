import type { EventBus } from '../../events/bus.ts'
import type { RaisedEvent } from '../../events/event.ts'
import { fieldValue } from '../../events/filter.ts'
import type { Subscription } from '../../events/subscription.ts'
import type { Clock } from '../../util/clock.ts'
import type { AccType } from './kinds.ts'
import type { CallRecord } from './records.ts'

const HOUR_MS = 3_600_000
/** Calls whose records are not everywhere yet; beyond it the oldest are counted and not listed any more. */
const MOST_OPEN = 100_000

/** What became of the calls that ended in one hour. */
export interface HourOfCalls {
  /** The hour in UTC, `2026-11-20T17`. */
  readonly hour: string
  ended: number
  /** CDR events raised. */
  raised: number
  /** Rows that the database has. */
  stored: number
  /** Calls whose event a subscription has, by its socket. */
  readonly confirmed: Map<string, number>
}

/** An ended call that lacks a record somewhere. */
export interface OpenCallRecord {
  readonly callId: string
  readonly endedAtMs: number
  /** `stored`, `raised`, or the socket of a subscription. */
  readonly lacks: readonly string[]
}

interface Entry {
  readonly callId: string
  readonly endedAtMs: number
  readonly hour: HourOfCalls
  readonly lacks: Set<string>
}

/** Compares the calls that ended with the records that were raised, stored and confirmed. In memory, for so many hours. */
export class CallBooks {
  readonly #clock: Clock
  readonly #bus: EventBus
  readonly #keptHours: number
  readonly #hours = new Map<string, HourOfCalls>()
  /** The hour asked for last, by its number since 1970: nearly always the one asked for next. */
  #latest: { readonly number: number; readonly hour: HourOfCalls } | null = null
  readonly #open = new Map<string, Entry>()
  /** Whose record an event is, until every subscription has it. */
  readonly #byEvent = new Map<string, Entry>()

  constructor(bus: EventBus, clock: Clock, keptHours: number) {
    this.#bus = bus
    this.#clock = clock
    this.#keptHours = keptHours
  }

  /** Watches the events until the returned function is called. */
  watch(): () => void {
    return this.#bus.watch((event, subscription, delivery) => {
      if (event.name !== 'E_ACC_CDR') return
      if (subscription === null) this.#raised(event)
      else if (delivery?.outcome === 'delivered') this.#confirmed(event, subscription)
    })
  }

  /** A call has ended whose record goes there. */
  ended({ core }: CallRecord, types: readonly AccType[]): void {
    const nowMs = this.#clock.nowMs()
    const hour = this.#hourOf(nowMs)
    hour.ended++
    const type = this.#bus.catalogue.find('E_ACC_CDR')
    // Where nobody is subscribed nothing is raised, and nothing is missing.
    const isHeard = type !== undefined && this.#bus.isHeard(type)
    const lacksRow = types.includes('db')
    const lacksEvent = isHeard && types.includes('evi')
    if (!lacksRow && !lacksEvent) return
    const lacks = new Set<string>()
    if (lacksRow) lacks.add('stored')
    if (lacksEvent) lacks.add('raised')
    this.#open.set(keyOf(core.callId, core.toTag), { callId: core.callId, endedAtMs: nowMs, hour, lacks })
    if (this.#open.size <= MOST_OPEN) return
    const [oldest] = this.#open.keys()
    if (oldest !== undefined) this.#open.delete(oldest)
  }

  /** The database has the row. */
  stored({ core }: CallRecord): void {
    const key = keyOf(core.callId, core.toTag)
    const entry = this.#open.get(key)
    if (entry === undefined) return
    entry.hour.stored++
    this.#has(key, entry, 'stored')
  }

  /** Hours with ended calls, the latest first. */
  hours(): readonly HourOfCalls[] {
    return [...this.#hours.values()].toReversed()
  }

  /** Calls whose records are not everywhere, the longest waiting first. */
  missing(): readonly OpenCallRecord[] {
    return [...this.#open.values()].map(({ callId, endedAtMs, lacks }) => ({ callId, endedAtMs, lacks: [...lacks] }))
  }

  #raised(event: RaisedEvent): void {
    const key = keyOf(textOf(event, 'callid'), textOf(event, 'to_tag'))
    const entry = this.#open.get(key)
    if (entry === undefined) return
    if (entry.lacks.has('raised')) entry.hour.raised++
    const receivers = this.#bus
      .subscriptions()
      .filter(s => s.event === event.name || s.event === '*')
      .filter(s => s.filter === null || s.filter.matches(event.names, event.values))
    for (const { socket } of receivers) entry.lacks.add(socket)
    if (receivers.length > 0) this.#byEvent.set(event.id, entry)
    this.#has(key, entry, 'raised')
  }

  #confirmed(event: RaisedEvent, { socket }: Subscription): void {
    const entry = this.#byEvent.get(event.id)
    if (entry === undefined || !entry.lacks.has(socket)) return
    entry.hour.confirmed.set(socket, (entry.hour.confirmed.get(socket) ?? 0) + 1)
    this.#has(keyOf(textOf(event, 'callid'), textOf(event, 'to_tag')), entry, socket)
    if (entry.lacks.size === 0) this.#byEvent.delete(event.id)
  }

  #has(key: string, entry: Entry, what: string): void {
    entry.lacks.delete(what)
    if (entry.lacks.size === 0 && this.#open.get(key) === entry) this.#open.delete(key)
  }

  #hourOf(nowMs: number): HourOfCalls {
    const number = Math.floor(nowMs / HOUR_MS)
    if (this.#latest?.number === number) return this.#latest.hour
    const hour = this.#hourNamed(new Date(nowMs).toISOString().slice(0, 13), nowMs)
    this.#latest = { number, hour }
    return hour
  }

  #hourNamed(name: string, nowMs: number): HourOfCalls {
    let hour = this.#hours.get(name)
    if (hour !== undefined) return hour
    hour = { hour: name, ended: 0, raised: 0, stored: 0, confirmed: new Map() }
    this.#hours.set(name, hour)
    const oldest = new Date(nowMs - this.#keptHours * HOUR_MS).toISOString().slice(0, 13)
    for (const known of this.#hours.keys()) if (known < oldest) this.#hours.delete(known)
    return hour
  }
}

const keyOf = (callId: string, toTag: string): string => `${callId} ${toTag}`

function textOf({ names, values }: RaisedEvent, field: string): string {
  return String(fieldValue(names, values, field) ?? '')
}
