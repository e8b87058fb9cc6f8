import { randomUUID } from 'node:crypto'
import { type Consumer, Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import type { Delivery } from '../../../src/events/transport.ts'
import { systemClock } from '../../../src/util/clock.ts'
import kafka from '../../../transports/kafka/index.ts'
import { openTransport, setUpTransport, silentLog } from '../../conformance/host.ts'
import { readJsonRpc } from '../../conformance/json-arrival.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { startKafka } from '../../support/kafka/kafka-broker.ts'

const brokers = inject('kafkaBrokers')
const DEADLINE_MS = 25_000
const PATIENT = { connect_timeout: 10_000 }

const clientOf = (address = brokers ?? ''): Kafka =>
  new Kafka({ clientId: 'test', brokers: address.split(','), logLevel: logLevel.NOTHING })

/** A topic of its own and all that arrives in it. */
class Topic {
  readonly name: string
  readonly messages: { partition: number; message: KafkaMessage }[] = []
  readonly #consumer: Consumer
  #wake: () => void = () => {}

  private constructor(name: string, consumer: Consumer) {
    this.name = name
    this.#consumer = consumer
  }

  static async open(partitions = 1, address = brokers ?? ''): Promise<Topic> {
    const client = clientOf(address)
    const name = `test.${randomUUID()}`
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
    await admin.disconnect()
    const consumer = client.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
    const topic = new Topic(name, consumer)
    await topic.#listen()
    return topic
  }

  async #listen(): Promise<void> {
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topic: this.name, fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => {
        this.messages.push({ partition, message })
        this.#wake()
        return Promise.resolve()
      },
    })
  }

  async arrived(count: number): Promise<void> {
    while (this.messages.length < count) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  close(): Promise<void> {
    return this.#consumer.disconnect()
  }
}

/** The broker tells its own address to clients, so no relay can stand between: what fails is tested with a broker of its own. */
async function topicPeer(): Promise<Peer> {
  const topic = await Topic.open()
  return {
    socket: `kafka:${brokers}/${topic.name}`,
    arrivals: () => topic.messages.map(({ message }) => readJsonRpc(String(message.value))),
    arrived: count => topic.arrived(count),
    close: () => topic.close(),
  }
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function ownTopic(partitions: number): Promise<Topic> {
  const topic = await Topic.open(partitions)
  cleanUps.push(() => topic.close())
  return topic
}

async function sendTo(target: string, events: readonly ReturnType<typeof sampleEvent>[]): Promise<Delivery[]> {
  const transport = openTransport([kafka], PATIENT)
  cleanUps.push(() => transport.close())
  const sink = transport.open(`kafka:${brokers}/${target}`)
  await whenUp(sink)
  return Promise.all(events.map(event => sink.send(event, transport.deadline(DEADLINE_MS))))
}

describe.skipIf(brokers === null)('with Apache Kafka', () => {
  transportConformance({ name: 'kafka', module: kafka, params: PATIENT, makePeer: topicPeer })
})

describe.skipIf(brokers === null)('a record', () => {
  it('carries the time of the event, and its identity in headers', async () => {
    const topic = await ownTopic(1)
    const event = sampleEvent('E_ID', ['n'], [1])
    expect(await sendTo(topic.name, [event])).toEqual([{ outcome: 'delivered' }])
    await topic.arrived(1)
    const message = topic.messages[0]?.message
    const headers = Object.fromEntries(
      Object.entries(message?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    expect(headers).toEqual({
      id: event.id,
      type: 'E_ID',
      sequence: String(event.sequence),
      node: event.origin.node,
      boot: event.origin.boot,
      'content-type': 'application/json',
    })
    expect(message?.timestamp).toBe(String(event.raisedAtMs))
    expect(message?.key).toBeNull()
  })

  it('has the value of the key field as its key, and those with one key are in one partition, in order', async () => {
    const topic = await ownTopic(4)
    const events = Array.from({ length: 60 }, (_, i) => sampleEvent('E_KEY', ['callid', 'n'], [`call ${i % 6}`, i]))
    await sendTo(`${topic.name}?key=callid`, events)
    await topic.arrived(60)
    for (let call = 0; call < 6; call++) {
      const own = topic.messages.filter(({ message }) => String(message.key) === `call ${call}`)
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1)
      const numbers = own.map(({ message }) => JSON.parse(String(message.value)).params.n)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      expect(numbers).toHaveLength(10)
    }
    expect(new Set(topic.messages.map(({ partition }) => partition)).size).toBeGreaterThan(1)
  })

  it('too large for the broker is refused for good, and the others of its batch arrive', async () => {
    const topic = await ownTopic(1)
    const events = [1, 2, 3].map(n => sampleEvent('E_SIZE', ['n', 'text'], [n, n === 2 ? 'x'.repeat(2 ** 21) : '']))
    const outcomes = await sendTo(topic.name, events)
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'failed', 'delivered'])
    expect(outcomes[1]).toMatchObject({ error: { permanent: true } })
    await topic.arrived(2)
    expect(topic.messages.map(({ message }) => JSON.parse(String(message.value)).params.n)).toEqual([1, 3])
  })
})

describe.skipIf(brokers === null || process.env['KAFKA_BROKERS'] !== undefined)(
  'while Kafka is killed and comes back',
  () => {
    it('every event is delivered, repeated ones with the same id', { timeout: 180_000 }, async () => {
      const broker = await startKafka()
      cleanUps.push(() => broker.stop())
      const topic = await Topic.open(1, broker.hostPort)
      cleanUps.push(() => topic.close())
      const bus = new EventBus({ clock: systemClock, log: silentLog })
      for (const transport of setUpTransport(kafka, { connect_timeout: 10_000 }).transports)
        bus.registerTransport(transport)
      const type = bus.catalogue.define('E_V', null, 'test')
      const socket = `kafka:${broker.hostPort}/${topic.name}`
      const subscription = bus.subscribe({ event: 'E_V', socket, expireS: null, by: 'script' })
      const raise = async (from: number, to: number): Promise<void> => {
        for (let n = from; n < to; n++) {
          bus.raise(type, ['n'], [n])
          if (n % 10 === 9) await new Promise(resolve => setImmediate(resolve))
        }
      }
      await raise(0, 200)
      await topic.arrived(200)
      const raising = raise(200, 600)
      await broker.kill()
      await raising
      await broker.restart()
      await subscription.whenIdle()
      expect(subscription.counters).toMatchObject({ raised: 600, delivered: 600, failed: 0, queued: 0 })
      const seen = (): Map<number, Set<string>> => {
        const ids = new Map<number, Set<string>>()
        for (const { message } of topic.messages) {
          const { n } = JSON.parse(String(message.value)).params
          ids.set(n, (ids.get(n) ?? new Set()).add(String(message.headers?.['id'])))
        }
        return ids
      }
      while (seen().size < 600) await new Promise(resolve => setTimeout(resolve, 50))
      for (const ids of seen().values()) expect(ids.size).toBe(1)
      await bus.close(AbortSignal.timeout(10_000))
    })
  },
)
