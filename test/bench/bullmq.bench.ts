import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import bullmq from '../../transports/bullmq/index.ts'
import { redisMissing, startRedis } from '../support/redis-server.ts'
import { BENCH_NAMES, benchValues, sendBare, sendThroughBus } from './bus-rig.ts'
import { atLeast, type Bench, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 10_000
/** Jobs added at once, and how often at a time: the transport's own. */
const BATCH = 128
const BATCHES = 4
const QUEUE = 'bench'

/** Adds the same jobs in bulk. */
async function plainAdd(queue: Queue, run: number): Promise<void> {
  await sendBare(Math.ceil(EVENTS / BATCH), BATCHES, group => {
    const count = Math.min(BATCH, EVENTS - group * BATCH)
    return queue.addBulk(Array.from({ length: count }, (_, i) => job(run, group * BATCH + i)))
  })
}

function job(run: number, n: number): { name: string; data: unknown; opts: object } {
  const values = benchValues(n)
  const params = Object.fromEntries(BENCH_NAMES.map((name, i) => [name, values[i]]))
  const opts = { jobId: `job-${run}-${n}`, timestamp: Date.now(), removeOnComplete: { count: 1000 } }
  return { name: 'E_BENCH', data: { jsonrpc: '2.0', method: 'E_BENCH', params }, opts }
}

export const bench: Bench = async () => {
  const missing = redisMissing()
  if (missing !== undefined) return [figure('bullmq: not measured', missing)]
  const server = await startRedis()
  const redis = new Redis(server.port, '127.0.0.1', { maxRetriesPerRequest: null })
  const queue = new Queue(QUEUE, { connection: redis })
  let run = 0
  const timed = async (add: () => Promise<void>): Promise<number> => {
    await redis.flushall()
    const ms = await msOf(add)
    const count = await queue.getWaitingCount()
    if (count !== EVENTS) throw new Error(`${count} of ${EVENTS} jobs came`)
    return ms
  }
  try {
    const [ours, plain] = await inTurn(
      () => timed(() => sendThroughBus(EVENTS, bullmq, `bullmq:${server.hostPort}/${QUEUE}`)),
      () => timed(() => plainAdd(queue, run++)),
    )
    return [
      atLeast(
        'bullmq: events raised, queued and added',
        rate(EVENTS, ours),
        `${rate(EVENTS, plain)} plain addBulk loop, same window`,
        plain / ours,
        0.8,
      ),
    ]
  } finally {
    await queue.close()
    redis.disconnect()
    await server.stop()
  }
}
