import { setImmediate as turn } from 'node:timers/promises'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { EventBus } from '../../events/bus.ts'
import type { Subscription } from '../../events/subscription.ts'
import type { Clock } from '../../util/clock.ts'

/** Seconds from the raise to the delivery. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600]
const LABELS = ['event', 'subscription', 'transport'] as const
type Label = (typeof LABELS)[number]
type Labels = Record<Label, string>

/** Subscriptions looked at before SIP has its turn again: there may be a million. */
const SLICE = 2000

const COUNTERS = {
  raised: 'Events that the subscription was to get.',
  delivered: 'Events that their receiver has.',
  failed: 'Attempts that failed, repeated or not.',
  dead_lettered: 'Events that were given up as refused.',
  retried: 'Attempts after the first.',
  maybe_duplicate: 'Events sent again that the receiver may have had already.',
} as const

const GAUGES = {
  fanfare_event_queue_length: 'Events that wait.',
  fanfare_events_in_flight: 'Events given to the receiver whose outcome is not known yet.',
  fanfare_event_oldest_seconds: 'How long the oldest event has waited.',
  fanfare_subscription_up: '1: the receiver can be reached.',
} as const

/** What subscriptions to one event and socket come to; they may differ in their filters. */
interface Sums {
  readonly labels: Labels
  readonly counters: Record<keyof typeof COUNTERS, number>
  readonly dropped: Map<string, number>
  readonly gauges: Record<keyof typeof GAUGES, number>
  /** How many of their breakers are in a state, by child and state. */
  readonly breakers: Map<string, { readonly child: string; readonly state: string; count: number }>
}

/**
 * What became of events, by event, subscription and transport. Read from the subscriptions when somebody asks; only the
 * latency is taken as deliveries happen.
 */
export class EventMetrics {
  readonly #bus: EventBus
  readonly #counters: Readonly<Record<keyof typeof COUNTERS, Counter<Label>>>
  readonly #gauges: Readonly<Record<keyof typeof GAUGES, Gauge<Label>>>
  readonly #dropped: Counter<Label | 'reason'>
  readonly #breakers: Gauge<Label | 'child' | 'state'>
  /** Ends the taking of latencies. */
  readonly stop: () => void
  #refreshing: Promise<void> | undefined

  constructor(registry: Registry, bus: EventBus, clock: Clock) {
    this.#bus = bus
    const common = { labelNames: LABELS, registers: [registry] }
    this.#counters = mapped(
      COUNTERS,
      (name, help) => new Counter({ ...common, name: `fanfare_events_${name}_total`, help }),
    )
    this.#gauges = mapped(GAUGES, (name, help) => new Gauge({ ...common, name, help }))
    this.#dropped = new Counter({
      name: 'fanfare_events_dropped_total',
      help: 'Events that were given up unsent, by the reason.',
      labelNames: [...LABELS, 'reason'],
      registers: [registry],
    })
    this.#breakers = new Gauge({
      name: 'fanfare_breaker_state',
      help: 'Subscriptions whose breaker for this child of a virtual socket is in this state.',
      labelNames: [...LABELS, 'child', 'state'],
      registers: [registry],
    })
    this.stop = watchLatency(registry, bus, clock)
  }

  /** Reads every subscription anew. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const all = new Map<string, Sums>()
    for (const [i, subscription] of this.#bus.subscriptions().entries()) {
      if (i % SLICE === SLICE - 1) await turn()
      const key = `${subscription.event} ${subscription.socket}`
      let sums = all.get(key)
      if (sums === undefined) all.set(key, (sums = nothing(subscription)))
      add(sums, subscription)
    }
    this.#show([...all.values()])
  }

  #show(all: readonly Sums[]): void {
    const metrics = [...Object.values(this.#counters), ...Object.values(this.#gauges), this.#dropped, this.#breakers]
    for (const metric of metrics) metric.reset()
    for (const { labels, counters, gauges, dropped, breakers } of all) {
      for (const name of keysOf(COUNTERS)) this.#counters[name].inc(labels, counters[name])
      for (const name of keysOf(GAUGES)) this.#gauges[name].set(labels, gauges[name])
      for (const [reason, count] of dropped) this.#dropped.inc({ ...labels, reason }, count)
      for (const { child, state, count } of breakers.values()) this.#breakers.set({ ...labels, child, state }, count)
    }
  }
}

function watchLatency(registry: Registry, bus: EventBus, clock: Clock): () => void {
  const latency = new Histogram<Label>({
    name: 'fanfare_event_delivery_seconds',
    help: 'Time from the raise of an event until its receiver had it.',
    labelNames: LABELS,
    buckets: BUCKETS,
    registers: [registry],
  })
  return bus.watch((event, subscription, delivery) => {
    if (subscription === null || delivery?.outcome !== 'delivered') return
    latency.observe(labelsOf(subscription), Math.max(0, clock.nowMs() - event.raisedAtMs) / 1000)
  })
}

const nothing = (subscription: Subscription): Sums => ({
  labels: labelsOf(subscription),
  counters: mapped(COUNTERS, () => 0),
  dropped: new Map(),
  gauges: { ...mapped(GAUGES, () => 0), fanfare_subscription_up: 1 },
  breakers: new Map(),
})

function add({ counters, dropped, gauges, breakers }: Sums, subscription: Subscription): void {
  const c = subscription.counters
  counters.raised += c.raised
  counters.delivered += c.delivered
  counters.failed += c.retried + c.failed
  counters.dead_lettered += c.failed
  counters.retried += c.retried
  counters.maybe_duplicate += c.maybeDuplicate
  for (const [reason, count] of Object.entries(c.dropped)) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
  gauges.fanfare_event_queue_length += c.queued
  gauges.fanfare_events_in_flight += c.inFlight
  gauges.fanfare_event_oldest_seconds = Math.max(gauges.fanfare_event_oldest_seconds, c.oldestMs / 1000)
  if (subscription.health.state !== 'up') gauges.fanfare_subscription_up = 0
  for (const { socket: child, breaker } of subscription.children) {
    if (breaker === undefined) continue
    for (const state of ['closed', 'open', 'half-open']) {
      const known = breakers.get(`${state} ${child}`) ?? { child, state, count: 0 }
      if (state === breaker) known.count++
      breakers.set(`${state} ${child}`, known)
    }
  }
}

function labelsOf({ event, socket }: Subscription): Labels {
  return { event, subscription: socket, transport: socket.slice(0, socket.indexOf(':')) }
}

const keysOf = <T extends object>(object: T): (keyof T)[] => Object.keys(object) as (keyof T)[]

function mapped<K extends string, V>(
  texts: Readonly<Record<K, string>>,
  make: (name: K, help: string) => V,
): Record<K, V> {
  return Object.fromEntries(keysOf(texts).map(name => [name, make(name, texts[name])])) as Record<K, V>
}
