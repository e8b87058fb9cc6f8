import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { EventBus } from '../../events/bus.ts'
import type { Subscription } from '../../events/subscription.ts'
import type { Clock } from '../../util/clock.ts'

/** Seconds from the raise to the delivery. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600]
const LABELS = ['event', 'subscription', 'transport'] as const
type Label = (typeof LABELS)[number]

/**
 * What became of events, by event, subscription and transport. Read from the subscriptions when somebody asks; only the
 * latency is taken as deliveries happen. Gives what ends that.
 */
export function registerEventMetrics(registry: Registry, bus: EventBus, clock: Clock): () => void {
  registerCounters(registry, bus)
  registerGauges(registry, bus)
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

function registerCounters(registry: Registry, bus: EventBus): void {
  const counters: readonly [name: string, help: string, read: (s: Subscription['counters']) => number][] = [
    ['raised', 'Events that the subscription was to get.', c => c.raised],
    ['delivered', 'Events that their receiver has.', c => c.delivered],
    ['dead_lettered', 'Events that were given up as refused.', c => c.failed],
    ['retried', 'Attempts after the first.', c => c.retried],
    ['maybe_duplicate', 'Events sent again that the receiver may have had already.', c => c.maybeDuplicate],
  ]
  for (const [name, help, read] of counters) {
    new Counter<Label>({
      name: `fanfare_events_${name}_total`,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset()
        for (const subscription of bus.subscriptions()) this.inc(labelsOf(subscription), read(subscription.counters))
      },
    })
  }
  new Counter<Label | 'reason'>({
    name: 'fanfare_events_dropped_total',
    help: 'Events that were given up unsent, by the reason.',
    labelNames: [...LABELS, 'reason'],
    registers: [registry],
    collect() {
      this.reset()
      for (const subscription of bus.subscriptions()) {
        const { dropped } = subscription.counters
        for (const [reason, count] of Object.entries(dropped)) this.inc({ ...labelsOf(subscription), reason }, count)
      }
    },
  })
}

function registerGauges(registry: Registry, bus: EventBus): void {
  const gauges: readonly [name: string, help: string, read: (s: Subscription) => number][] = [
    ['fanfare_event_queue_length', 'Events that wait.', s => s.counters.queued],
    [
      'fanfare_events_in_flight',
      'Events given to the receiver whose outcome is not known yet.',
      s => s.counters.inFlight,
    ],
    ['fanfare_event_oldest_seconds', 'How long the oldest event has waited.', s => s.counters.oldestMs / 1000],
    ['fanfare_subscription_up', '1: the receiver can be reached.', s => (s.health.state === 'up' ? 1 : 0)],
  ]
  for (const [name, help, read] of gauges) {
    new Gauge<Label>({
      name,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset()
        for (const subscription of bus.subscriptions()) this.set(labelsOf(subscription), read(subscription))
      },
    })
  }
}

function labelsOf({ event, socket }: Subscription): Record<Label, string> {
  return { event, subscription: socket, transport: socket.slice(0, socket.indexOf(':')) }
}
