import { connect } from 'amqplib'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import rabbitmq from '../../transports/rabbitmq/index.ts'
import { RabbitMqBroker, rabbitmqMissing } from '../support/rabbitmq-broker.ts'
import { BENCH_NAMES, benchBus, benchValues, until } from './bus-rig.ts'
import { atLeast, type Bench, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 20_000
/** Messages on their way at a time: what a subscription allows itself. */
const WINDOW = 1024
const QUEUE = 'bench'

/** Publishes the same messages with confirms, a window at a time: the least that any reliable publisher does. */
async function plainPublish(url: string): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createConfirmChannel()
  let confirmed = 0
  for (let n = 0; n < EVENTS; n++) {
    const bytes = jsonRpc.encode({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) })
    // The identity that ours carry, of the same length.
    const messageId = `01901234-5678-7000-8000-${String(n).padStart(12, '0')}`
    const appId = '/fanfare/bench/01234567'
    const properties = { messageId, appId, type: 'E_BENCH', timestamp: 0, contentType: 'application/json' }
    channel.publish('', QUEUE, bytes, properties, () => confirmed++)
    if (n - confirmed >= WINDOW) await until(() => n - confirmed < WINDOW)
  }
  await until(() => confirmed === EVENTS)
  await connection.close()
}

async function throughBus(socket: string): Promise<void> {
  const rig = benchBus([rabbitmq])
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket, expireS: null, by: 'script' })
  await until(() => subscription.health.state === 'up')
  for (let n = 0; n < EVENTS; n++) {
    rig.raise(n)
    // The queue of the subscription keeps the window full without holding every event.
    if (n % WINDOW === 0) await until(() => n - subscription.counters.delivered < 2 * WINDOW)
  }
  await until(() => subscription.counters.delivered === EVENTS)
  await rig.close()
}

export const bench: Bench = async () => {
  const missing = rabbitmqMissing()
  if (missing !== undefined) return [figure('rabbitmq: not measured', missing)]
  const broker = await RabbitMqBroker.start()
  try {
    const connection = await connect(broker.url)
    const channel = await connection.createChannel()
    await channel.assertQueue(QUEUE, { durable: true })
    const timed = async (publish: () => Promise<void>): Promise<number> => {
      await channel.purgeQueue(QUEUE)
      const ms = await msOf(publish)
      const { messageCount } = await channel.checkQueue(QUEUE)
      if (messageCount !== EVENTS) throw new Error(`${messageCount} of ${EVENTS} messages came`)
      return ms
    }
    const [ours, plain] = await inTurn(
      () => timed(() => throughBus(`rabbitmq:guest:guest@${broker.hostPort}/${QUEUE}`)),
      () => timed(() => plainPublish(broker.url)),
      7,
    )
    await connection.close()
    return [
      atLeast(
        'rabbitmq: events raised, queued and confirmed',
        rate(EVENTS, ours),
        `${rate(EVENTS, plain)} plain amqplib loop, same window`,
        plain / ours,
        0.8,
      ),
    ]
  } finally {
    await broker.stop()
  }
}
