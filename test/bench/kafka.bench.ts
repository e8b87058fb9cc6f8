import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import kafka from '../../transports/kafka/index.ts'
import { kafkaMissing, startKafka } from '../support/kafka/kafka-broker.ts'
import { BENCH_NAMES, benchIdentity, benchValues, sendBare, sendThroughBus } from './bus-rig.ts'
import { atLeast, type Bench, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 40_960
/** Records in a request, one request at a time: the transport's own. */
const BATCH = 1024
const TOPIC = 'bench'

/** Sends the same records with an idempotent producer. */
async function plainSend(producer: Producer): Promise<void> {
  await sendBare(Math.ceil(EVENTS / BATCH), 1, group => {
    const messages = Array.from({ length: BATCH }, (_, i) => record(group * BATCH + i))
    return producer.send({ topic: TOPIC, messages, acks: -1 })
  })
}

function record(n: number): { key: null; value: Buffer; timestamp: string; headers: Record<string, string> } {
  const { id, type, sequence, node, boot } = benchIdentity(n)
  return {
    key: null,
    value: jsonRpc.encode({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) }),
    timestamp: String(Date.now()),
    headers: { id, type, sequence, node, boot, 'content-type': 'application/json' },
  }
}

export const bench: Bench = async () => {
  const missing = kafkaMissing()
  if (missing !== undefined) return [figure('kafka: not measured', missing)]
  const broker = await startKafka()
  try {
    const client = new Kafka({ clientId: 'bench', brokers: [broker.hostPort], logLevel: logLevel.NOTHING })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: 4 }] })
    await admin.disconnect()
    const producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const [ours, plain] = await inTurn(
      () => msOf(() => sendThroughBus(EVENTS, kafka, `kafka:${broker.hostPort}/${TOPIC}`)),
      () => msOf(() => plainSend(producer)),
    )
    await producer.disconnect()
    return [
      atLeast(
        'kafka: events raised, queued and confirmed',
        rate(EVENTS, ours),
        `${rate(EVENTS, plain)} plain kafkajs loop, same batches`,
        plain / ours,
        0.8,
      ),
    ]
  } finally {
    await broker.stop()
  }
}
