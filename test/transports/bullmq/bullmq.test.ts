import { randomUUID } from 'node:crypto'
import { type Job, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Delivery } from '../../../src/events/transport.ts'
import bullmq from '../../../transports/bullmq/index.ts'
import { openTransport } from '../../conformance/host.ts'
import { Arrivals, readJsonRpc } from '../../conformance/json-arrival.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Arrival, type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { startRedis } from '../../support/redis-server.ts'
import { relayedPeer } from '../../support/relayed-peer.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'

const address = inject('redisAddress')
const port = Number(address?.split(':')[1] ?? 6379)
const DEADLINE_MS = 20_000
const PATIENT = { connect_timeout: 10_000 }

/** A BullMQ worker on a queue of its own in the real Redis, reached through a relay that can fail. */
async function workerPeer(): Promise<Peer> {
  const queue = randomUUID()
  const arrivals = new Arrivals<Arrival>()
  const take = async ({ data }: Job): Promise<void> => arrivals.add(readJsonRpc(JSON.stringify(data)))
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  const worker = new Worker(queue, take, { connection, concurrency: 1 })
  worker.on('error', () => {})
  await worker.waitUntilReady()
  const relay = await TcpRelay.to(port)
  return relayedPeer(relay, {
    socket: `bullmq:127.0.0.1:${relay.port}/${queue}`,
    arrivals: () => arrivals.all,
    arrived: count => arrivals.reached(count),
    close: () => worker.close(true),
  })
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function queueOf(name: string, at = port): Queue {
  const queue = new Queue(name, { connection: { host: '127.0.0.1', port: at, maxRetriesPerRequest: null } })
  queue.on('error', () => {})
  cleanUps.push(() => queue.close())
  return queue
}

async function sendTo(socket: string, events: readonly ReturnType<typeof sampleEvent>[]): Promise<Delivery[]> {
  const transport = openTransport([bullmq], PATIENT)
  cleanUps.push(() => transport.close())
  const sink = transport.open(socket)
  await whenUp(sink)
  return Promise.all(events.map(event => sink.send(event, transport.deadline(DEADLINE_MS))))
}

describe.skipIf(address === null)('with a Redis and a BullMQ worker', () => {
  transportConformance({ name: 'bullmq', module: bullmq, params: PATIENT, makePeer: workerPeer })
})

describe.skipIf(address === null)('a job', () => {
  it('has the name, the id and the time of the event, and is one however often the event is sent', async () => {
    const name = randomUUID()
    const event = sampleEvent('E_JOB', ['callid', 'n'], ['abc', 5])
    const outcomes = await sendTo(`bullmq:${address}/${name}?attempts=3`, [event, event])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered'])
    const jobs = await queueOf(name).getJobs(['waiting', 'prioritized', 'delayed'])
    expect(jobs).toHaveLength(1)
    expect(jobs[0]).toMatchObject({ id: event.id, name: 'E_JOB', timestamp: event.raisedAtMs, opts: { attempts: 3 } })
    expect(jobs[0]?.data).toEqual({ jsonrpc: '2.0', method: 'E_JOB', params: { callid: 'abc', n: 5 } })
  })

  it('that a Redis out of memory refuses is a failure with its words', async () => {
    const redis = await startRedis()
    cleanUps.push(() => redis.stop())
    const client = new Redis(redis.port, '127.0.0.1')
    cleanUps.push(() => client.disconnect())
    await client.config('SET', 'maxmemory', '1')
    const [outcome] = await sendTo(`bullmq:${redis.hostPort}/full`, [sampleEvent('E_FULL', null, [])])
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED', permanent: false } })
    expect(outcome?.outcome === 'failed' && outcome.error.message).toContain('OOM')
  })

  it('of a Redis that asks for a password needs it', async () => {
    const redis = await startRedis()
    cleanUps.push(() => redis.stop())
    const client = new Redis(redis.port, '127.0.0.1')
    cleanUps.push(() => client.disconnect())
    await client.config('SET', 'requirepass', 'secret')
    const [outcome] = await sendTo(`bullmq::secret@${redis.hostPort}/q`, [sampleEvent('E_IN', null, [])])
    expect(outcome).toEqual({ outcome: 'delivered' })
    const transport = openTransport([bullmq], PATIENT)
    cleanUps.push(() => transport.close())
    const sink = transport.open(`bullmq::wrong@${redis.hostPort}/q`)
    const refused = await sink.send(sampleEvent('E_OUT', null, []), transport.deadline(DEADLINE_MS))
    expect(refused.outcome).toBe('failed')
  })
})
