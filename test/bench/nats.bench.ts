import { connect, headers, type MsgHdrs, type NatsConnection } from 'nats'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import nats from '../../transports/nats/index.ts'
import { natsMissing, startNats } from '../support/nats-server.ts'
import { BENCH_NAMES, benchIdentity, benchValues, sendBare, sendThroughBus } from './bus-rig.ts'
import { atLeast, type Bench, type Claim, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 20_000
/** Events between two questions whether the server has read them, and how many questions are open: the transport's own. */
const BATCH = 256
const BATCHES = 8

const payload = (n: number): Buffer => jsonRpc.encode({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) })

function headersOf(n: number): MsgHdrs {
  const { id, ...rest } = benchIdentity(n)
  const fields = headers()
  fields.set('Nats-Msg-Id', id)
  fields.set('Content-Type', 'application/json')
  for (const [name, value] of Object.entries(rest)) fields.set(name, value)
  return fields
}

/** Numbers of the events in a group. */
function* numbers(group: number): Generator<number> {
  for (let n = group * BATCH; n < Math.min(EVENTS, (group + 1) * BATCH); n++) yield n
}

async function plainCore(connection: NatsConnection, subject: string): Promise<void> {
  await sendBare(Math.ceil(EVENTS / BATCH), BATCHES, async group => {
    for (const n of numbers(group)) connection.publish(subject, payload(n), { headers: headersOf(n) })
    await connection.flush()
  })
}

async function plainJetStream(connection: NatsConnection, subject: string, run: number): Promise<void> {
  const jetStream = connection.jetstream()
  await sendBare(Math.ceil(EVENTS / BATCH), BATCHES, group =>
    Promise.all(
      [...numbers(group)].map(n => jetStream.publish(subject, payload(n), { headers: headersOf(run * EVENTS + n) })),
    ),
  )
}

async function compared(name: string, socket: string, plain: () => Promise<void>): Promise<Claim> {
  const [ours, theirs] = await inTurn(
    () => msOf(() => sendThroughBus(EVENTS, nats, socket)),
    () => msOf(plain),
  )
  const against = `${rate(EVENTS, theirs)} plain nats loop, same window`
  return atLeast(name, rate(EVENTS, ours), against, theirs / ours, 0.8)
}

export const bench: Bench = async () => {
  const missing = natsMissing()
  if (missing !== undefined) return [figure('nats: not measured', missing)]
  const server = await startNats()
  try {
    const connection = await connect({ servers: server.hostPort })
    const manager = await connection.jetstreamManager()
    await manager.streams.add({ name: 'BENCH', subjects: ['stored.bench'], max_msgs: 100_000 })
    let runs = 0
    const socket = `nats:${server.hostPort}`
    const claims = [
      await compared('nats: events raised, queued and read', `${socket}/bench`, () => plainCore(connection, 'bench')),
      await compared('nats: events raised, queued and stored by JetStream', `${socket}/stored.bench?jetstream`, () =>
        plainJetStream(connection, 'stored.bench', runs++),
      ),
    ]
    await connection.close()
    return claims
  } finally {
    await server.stop()
  }
}
