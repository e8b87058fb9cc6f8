import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { addScramUser, startKafka } from '../../support/kafka/kafka-broker.ts'
import { startGuardedNats } from '../../support/nats-server.ts'
import { freePort } from '../../support/ports.ts'
import { startRedis } from '../../support/redis-server.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'
import { type EventRig, eventRig } from './event-rig.ts'
import { listed, raise } from './listed.ts'

/*
 * Servers that refuse the user or the password of a running proxy, until they are told better: SIP is answered as before, the
 * listing of subscribers says who refuses, nobody is pestered, and what waited is delivered once the credentials are right.
 */

const HEAD = `
log_level=4
loadmodule "sl.so"
loadmodule "event_kafka.so"
loadmodule "event_nats.so"
loadmodule "event_bullmq.so"
modparam("event_kafka", "connect_timeout", 10000)
modparam("event_nats", "connect_timeout", 10000)
modparam("event_bullmq", "connect_timeout", 10000)
`
const PATIENCE = { timeout: 30_000, interval: 5 }
const PASSWORD = 's3cret-pw'
const STEP_MS = 100

/** A proxy whose requests raise E_V for one receiver, time that passes only by request, and the way to the receiver. */
interface Scene {
  readonly rig: EventRig
  readonly clock: VirtualClock
  readonly relay: TcpRelay
}

async function scene(relay: TcpRelay, socket: string): Promise<Scene> {
  const clock = new VirtualClock()
  const script = `startup_route { subscribe_event("E_V", "${socket}"); }
route { $avp(v) = $rU; raise_event("E_V", , $avp(v)); sl_send_reply(200, "OK"); }`
  return { rig: await eventRig(script, { clock, head: HEAD, settings: 'event_max_queued=20' }), clock, relay }
}

async function relayTo(port: number): Promise<TcpRelay> {
  const relay = await TcpRelay.to(port)
  onTestFinished(() => relay.stop())
  return relay
}

/** Lets time pass between attempts to connect, but none during one, until `read` gives what is expected. */
async function passing<T>({ clock, relay }: Scene, read: () => T | Promise<T>, expected: T): Promise<void> {
  const step = async (): Promise<T> => {
    if (relay.connections === 0) await clock.advance(STEP_MS)
    return read()
  }
  await expect.poll(step, PATIENCE).toEqual(expected)
}

/** Raises 30 events, and sees what becomes of them and of the connections while the receiver refuses. */
async function expectRefused(tried: Scene, error: RegExp): Promise<void> {
  const { rig, clock, relay } = tried
  await raise(rig, 0, 30)
  await expect.poll(async () => (await listed(rig)).health, PATIENCE).toBe('down')
  expect(relay.accepted).toBe(1)
  const sinceMs = clock.monotonicMs()
  await passing(tried, () => relay.accepted, 7)
  // Six pauses that double from 100 ms, each at least half as long as that.
  expect(clock.monotonicMs() - sinceMs).toBeGreaterThanOrEqual((100 + 200 + 400 + 800 + 1600 + 3200) / 2)
  const down = await listed(rig)
  expect(down).toMatchObject({ health: 'down', raised: 30, delivered: 0, queued: 20, dropped_overflow: 10 })
  expect(down.last_error).toMatch(error)
  expect(JSON.stringify(down) + rig.proxy.log.join('')).not.toContain(PASSWORD)
}

/** All that had waited is delivered. */
async function expectLetIn(tried: Scene): Promise<void> {
  await passing(tried, async () => (await listed(tried.rig)).delivered, 20)
  expect(await listed(tried.rig)).toMatchObject({ health: 'up', raised: 30, queued: 0, dropped_overflow: 10 })
}

describe.skipIf(inject('natsAddress') === null)('a NATS server', () => {
  it.each([
    ['user and password', `user: proxy, password: "${PASSWORD}"`, `proxy:${PASSWORD}@`, /refuses user "proxy" or its/],
    ['token', `token: "${PASSWORD}"`, `${PASSWORD}@`, /refuses our token/],
  ])(
    'that refuses the %s is down until it takes them, and again when it no longer does',
    async (_, allowed, login, error) => {
      const { server, authorize } = await startGuardedNats('user: other, password: other')
      onTestFinished(() => server.stop())
      const relay = await relayTo(server.port)
      const tried = await scene(relay, `nats:${login}127.0.0.1:${relay.port}/sip`)
      await expectRefused(tried, error)
      await authorize(allowed)
      await expectLetIn(tried)
      await authorize('user: other, password: other')
      await passing(tried, async () => (await listed(tried.rig)).health, 'down')
      await raise(tried.rig, 30, 35)
      expect(await listed(tried.rig)).toMatchObject({ delivered: 20, queued: 5 })
      await authorize(allowed)
      await passing(tried, async () => (await listed(tried.rig)).delivered, 25)
    },
  )
})

describe.skipIf(inject('redisAddress') === null)('a Redis', () => {
  it('that refuses the password is down until it takes it', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const client = new Redis(server.port, '127.0.0.1')
    onTestFinished(() => client.disconnect())
    await client.config('SET', 'requirepass', 'other')
    const relay = await relayTo(server.port)
    const tried = await scene(relay, `bullmq::${PASSWORD}@127.0.0.1:${relay.port}/sip`)
    await expectRefused(tried, /WRONGPASS/)
    await client.config('SET', 'requirepass', PASSWORD)
    await expectLetIn(tried)
  })
})

describe.skipIf(inject('kafkaBrokers') === null || process.env['KAFKA_BROKERS'] !== undefined)(
  'an Apache Kafka',
  () => {
    it('that refuses the user is down until it takes them', { timeout: 180_000 }, async () => {
      const port = await freePort()
      const relay = await relayTo(port)
      const broker = await startKafka({ port, advertisedPort: relay.port })
      onTestFinished(() => broker.stop())
      const login = (mechanism: string): string =>
        `g.security.protocol=SASL_PLAINTEXT&g.sasl.mechanism=${mechanism}&g.sasl.username=proxy&g.sasl.password=${PASSWORD}`
      const plain = await relayTo(port)
      await expectRefused(
        await scene(plain, `kafka:127.0.0.1:${plain.port}/sip?${login('PLAIN')}`),
        /refuses user "proxy": SASL PLAIN authentication failed/,
      )
      const tried = await scene(relay, `kafka:127.0.0.1:${relay.port}/sip?${login('SCRAM-SHA-256')}`)
      await expectRefused(tried, /refuses user "proxy": SASL SCRAM SHA256 authentication failed/)
      await addScramUser(broker, 'proxy', PASSWORD)
      await expectLetIn(tried)
      const admin = new Kafka({ clientId: 'test', brokers: [broker.hostPort], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      onTestFinished(() => admin.disconnect())
      const offsets = await admin.fetchTopicOffsets('sip')
      expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBe(20)
    })
  },
)
