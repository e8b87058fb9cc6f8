import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import type { EventType } from '../../../src/events/catalogue.ts'
import type { DeliveryPolicy } from '../../../src/events/policy.ts'
import type { Subscription } from '../../../src/events/subscription.ts'
import { systemClock } from '../../../src/util/clock.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'
import { setUpTransport, silentLog } from '../../conformance/host.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { canStartRabbitMq, RabbitMqBroker } from '../../support/rabbitmq-broker.ts'

const MINUTE_MS = 60_000
const turn = () => new Promise(resolve => setImmediate(resolve))

/** Events raised so far = what became of them: at every moment, whatever happens to the broker. */
function expectBalance({ counters }: Subscription, raised: number): void {
  const { delivered, failed, queued, inFlight, dropped } = counters
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  expect(delivered + failed + queued + inFlight + gone).toBe(raised)
}

/** Waits, but says what it waited for instead of running into the test's own time limit. */
async function within<T>(promise: Promise<T>, what: string, state: () => unknown): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what}: ${JSON.stringify(state())}`)), 50_000)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const emptied = (subscription: Subscription): Promise<void> =>
  within(subscription.whenIdle(), 'events still wait', () => {
    const { counters, health, lastError } = subscription
    return { counters, health, lastError }
  })

const arrived = (queue: AmqpQueue, count: number): Promise<void> =>
  within(queue.arrived(count), `the queue does not have ${count} messages`, () => queue.messages.length)

describe.skipIf(!canStartRabbitMq())('while RabbitMQ is killed and comes back', () => {
  let broker: RabbitMqBroker
  beforeAll(async () => {
    broker = await RabbitMqBroker.start()
  }, MINUTE_MS)
  afterAll(() => broker?.stop())

  /** A subscription that sends persistent messages to a durable queue of its own, and a way to read that. */
  async function subscribed(policy: Partial<DeliveryPolicy>, type: 'classic' | 'quorum' = 'classic') {
    const name = `fanfare.${crypto.randomUUID()}`
    const openQueue = (): Promise<AmqpQueue> =>
      AmqpQueue.open(broker.url, { name, durable: true, arguments: { 'x-queue-type': type } })
    await (await openQueue()).close()
    // RabbitMQ 3.10 has a new queue on disk only after a while; a crash before that loses it, a quorum queue even for good.
    broker.ctl('eval', 'mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()].')
    const bus = new EventBus({ clock: systemClock, log: silentLog, policy })
    const { transports } = setUpTransport(rabbitmq, { connect_timeout: 10_000 })
    for (const transport of transports) bus.registerTransport(transport)
    const event = bus.catalogue.define('E_V', null, 'test')
    const socket = `rabbitmq:${broker.hostPort}/persistent?${name}`
    const subscription = bus.subscribe({ event: 'E_V', socket, expireS: null, by: 'script' })
    return { bus, type: event, subscription, openQueue }
  }

  /** Raises numbered events, a few in each turn of the event loop, checking the balance all the way. */
  async function raise(bus: EventBus, type: EventType, subscription: Subscription, from: number, to: number) {
    for (let n = from; n < to; n++) {
      bus.raise(type, ['seq'], [n])
      expectBalance(subscription, n + 1)
      if (n % 10 === 9) await turn()
    }
  }

  it(
    'no event is lost: each is in the quorum queue at least once',
    async () => {
      const { bus, type, subscription, openQueue } = await subscribed({}, 'quorum')
      await raise(bus, type, subscription, 0, 500)
      await emptied(subscription)
      expect(subscription.counters.delivered).toBe(500)
      const raising = raise(bus, type, subscription, 500, 2500)
      await turn()
      await broker.kill()
      await raising
      expect(subscription.counters.queued).toBeGreaterThan(0)
      const restarted = broker.restart()
      await raise(bus, type, subscription, 2500, 3000)
      await restarted
      await emptied(subscription)
      expectBalance(subscription, 3000)
      expect(subscription.counters).toMatchObject({ delivered: 3000, failed: 0 })
      const queue = await openQueue()
      await arrived(queue, 3000)
      const seen = new Set(queue.messages.map(({ content }) => JSON.parse(content.toString()).params.seq))
      expect(seen.size).toBe(3000)
      const ids = new Set(queue.messages.map(({ properties }) => properties.messageId))
      expect(ids.size).toBe(3000)
      await queue.close()
      await bus.close(AbortSignal.timeout(10_000))
    },
    2 * MINUTE_MS,
  )

  it('what a bounded queue cannot keep is dropped and counted', { timeout: 2 * MINUTE_MS }, async () => {
    const { bus, type, subscription, openQueue } = await subscribed({ maxQueued: 100 })
    await raise(bus, type, subscription, 0, 50)
    await emptied(subscription)
    await broker.kill()
    await raise(bus, type, subscription, 50, 1050)
    await broker.restart()
    await emptied(subscription)
    expectBalance(subscription, 1050)
    const { delivered, dropped } = subscription.counters
    expect(dropped.overflow).toBeGreaterThan(0)
    expect(delivered + dropped.overflow).toBe(1050)
    const queue = await openQueue()
    await arrived(queue, delivered)
    await queue.close()
    await bus.close(AbortSignal.timeout(10_000))
  })

  it(
    'a broker short of memory is noticed: events wait until it takes messages again',
    async () => {
      const { bus, type, subscription } = await subscribed({ sendTimeoutMs: 1000 })
      broker.ctl('set_vm_memory_high_watermark', '0')
      // The broker tells a connection only once it publishes.
      while (!subscription.lastError?.message.includes('takes no messages for now: low on memory')) {
        if (subscription.counters.queued === 0) bus.raise(type, ['seq'], [0])
        await turn()
      }
      broker.ctl('set_vm_memory_high_watermark', '0.4')
      await emptied(subscription)
      expect(subscription.counters.delivered).toBe(subscription.counters.raised)
      await bus.close(AbortSignal.timeout(10_000))
    },
    2 * MINUTE_MS,
  )
})
