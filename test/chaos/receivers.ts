import { connect as connectAmqp } from 'amqplib'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import kafkajs from 'kafkajs'
import { connect as connectNats } from 'nats'
import { kafkaMissing, startKafka } from '../support/kafka/kafka-broker.ts'
import { natsMissing, startNats } from '../support/nats-server.ts'
import { RabbitMqBroker, rabbitmqMissing } from '../support/rabbitmq-broker.ts'
import { redisMissing, startRedis } from '../support/redis-server.ts'

/** Something that arrived: the id of its event, and the Call-ID that the event carries. */
export interface Arrival {
  readonly id: string
  readonly callId: string
}

/** A broker that can be killed, and what it has stored. */
export interface Receiver {
  readonly name: string
  /** The socket text that reaches it. */
  readonly socket: string
  kill(): Promise<void>
  restart(): Promise<void>
  /** Everything it has stored. The broker must be up. */
  stored(): Promise<readonly Arrival[]>
  stop(): Promise<void>
}

const NAME = 'chaos'
const callIdOf = (text: string): string => (JSON.parse(text) as { params: { callid: string } }).params.callid

const KINDS = [
  { missing: rabbitmqMissing, start: rabbitmqReceiver },
  { missing: kafkaMissing, start: kafkaReceiver },
  { missing: natsMissing, start: natsReceiver },
  { missing: redisMissing, start: bullmqReceiver },
] as const

/** All four, each with a place that keeps what it is given. Rejects with the reason when one cannot be had. */
export async function startReceivers(): Promise<readonly Receiver[]> {
  const started: Receiver[] = []
  try {
    for (const { missing, start } of KINDS) {
      const reason = missing()
      if (reason !== undefined) throw new Error(`a broker is missing: ${reason}`)
      started.push(await start())
    }
  } catch (error) {
    await Promise.all(started.map(receiver => receiver.stop()))
    throw error
  }
  return started
}

async function rabbitmqReceiver(): Promise<Receiver> {
  const broker = await RabbitMqBroker.start()
  const connection = await connectAmqp(broker.url)
  const channel = await connection.createChannel()
  await channel.assertQueue(NAME, { durable: true })
  await connection.close()
  return {
    name: 'RabbitMQ',
    socket: `rabbitmq:${broker.hostPort}/persistent?${NAME}`,
    kill: () => broker.kill(),
    restart: () => broker.restart(),
    stop: () => broker.stop(),
    stored: async () => {
      const reader = await connectAmqp(broker.url)
      const from = await reader.createChannel()
      const arrivals: Arrival[] = []
      const { messageCount } = await from.checkQueue(NAME)
      const { promise: complete, resolve } = Promise.withResolvers<void>()
      if (messageCount === 0) resolve()
      await from.consume(
        NAME,
        message => {
          if (message === null) return
          arrivals.push({ id: String(message.properties.messageId), callId: callIdOf(message.content.toString()) })
          if (arrivals.length >= messageCount) resolve()
        },
        { noAck: true },
      )
      await complete
      await reader.close()
      return arrivals
    },
  }
}

async function kafkaReceiver(): Promise<Receiver> {
  const { Kafka, logLevel } = kafkajs
  const broker = await startKafka()
  const client = new Kafka({ clientId: NAME, brokers: [broker.hostPort], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: NAME, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  return {
    name: 'Kafka',
    socket: `kafka:${broker.hostPort}/${NAME}`,
    kill: () => broker.kill(),
    restart: () => broker.restart(),
    stop: () => broker.stop(),
    stored: async () => {
      const reader = client.admin()
      await reader.connect()
      const [offsets] = await reader.fetchTopicOffsets(NAME)
      await reader.disconnect()
      const last = Number(offsets?.high ?? 0)
      const arrivals: Arrival[] = []
      const consumer = client.consumer({ groupId: `${NAME}-${process.pid}`, maxWaitTimeInMs: 200 })
      const { promise: complete, resolve } = Promise.withResolvers<void>()
      if (last === 0) resolve()
      await consumer.connect()
      await consumer.subscribe({ topic: NAME, fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachMessage: ({ message }) => {
          arrivals.push({ id: String(message.headers?.['id']), callId: callIdOf(String(message.value)) })
          if (Number(message.offset) >= last - 1) resolve()
          return Promise.resolve()
        },
      })
      await complete
      await consumer.disconnect()
      return arrivals
    },
  }
}

async function natsReceiver(): Promise<Receiver> {
  const server = await startNats()
  const connection = await connectNats({ servers: server.hostPort })
  const manager = await connection.jetstreamManager()
  // Its memory of ids must outlast the longest time an event is tried.
  await manager.streams.add({ name: NAME, subjects: [NAME], duplicate_window: 1_200_000_000_000 })
  await connection.close()
  return {
    name: 'NATS JetStream',
    socket: `nats:${server.hostPort}/${NAME}?stream=${NAME}`,
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
    stored: async () => {
      const reader = await connectNats({ servers: server.hostPort })
      const { state } = await (await reader.jetstreamManager()).streams.info(NAME)
      const consumer = await reader.jetstream().consumers.get(NAME)
      const arrivals: Arrival[] = []
      if (state.messages > 0) {
        for await (const message of await consumer.consume()) {
          arrivals.push({ id: String(message.headers?.get('Nats-Msg-Id')), callId: callIdOf(message.string()) })
          if (arrivals.length >= state.messages) break
        }
      }
      await reader.close()
      return arrivals
    },
  }
}

async function bullmqReceiver(): Promise<Receiver> {
  const server = await startRedis()
  return {
    name: 'BullMQ',
    socket: `bullmq:${server.hostPort}/${NAME}`,
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
    stored: async () => {
      const connection = new Redis(server.port, '127.0.0.1', { maxRetriesPerRequest: null })
      const queue = new Queue(NAME, { connection })
      const jobs = await queue.getJobs(['waiting', 'prioritized', 'delayed', 'active'])
      await queue.close()
      connection.disconnect()
      return jobs.map(({ id, data }) => ({
        id: String(id),
        callId: (data as { params: { callid: string } }).params.callid,
      }))
    },
  }
}
