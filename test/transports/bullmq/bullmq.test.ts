import { randomUUID } from 'node:crypto'
import { type Job, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Delivery } from '../../../src/events/transport.ts'
import bullmq from '../../../transports/bullmq/index.ts'
import { openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { startRedis } from '../../support/redis-server.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'

const address = inject('redisAddress')
const port = Number(address?.split(':')[1] ?? 6379)
const DEADLINE_MS = 20_000
const PATIENT = { connect_timeout: 10_000 }

/** What a job holds, as a worker reads it. */
interface Payload {
  readonly method: string
  readonly params?: Record<string, string | number | null>
}

/** A BullMQ worker on a queue of its own in the real Redis, reached through a relay that can fail. */
class WorkerPeer implements Peer {
  readonly #worker: Worker<Payload>
  readonly #relay: TcpRelay
  readonly #queue: string
  readonly #jobs: Job<Payload>[] = []
  #wake: () => void = () => {}

  private constructor(relay: TcpRelay, queue: string) {
    this.#relay = relay
    this.#queue = queue
    this.#worker = new Worker<Payload>(
      queue,
      job => {
        this.#jobs.push(job)
        this.#wake()
        return Promise.resolve()
      },
      { connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null }, concurrency: 1 },
    )
    this.#worker.on('error', () => {})
  }

  static async open(): Promise<WorkerPeer> {
    const peer = new WorkerPeer(await TcpRelay.to(port), randomUUID())
    await peer.#worker.waitUntilReady()
    return peer
  }

  get socket(): string {
    return `bullmq:127.0.0.1:${this.#relay.port}/${this.#queue}`
  }

  arrivals() {
    return this.#jobs.map(({ data: { method, params = {} } }) => ({ event: method, values: Object.values(params) }))
  }

  async arrived(count: number): Promise<void> {
    while (this.#jobs.length < count) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  stop(): Promise<void> {
    return this.#relay.stop()
  }

  start(): Promise<void> {
    return this.#relay.start()
  }

  hang(): void {
    this.#relay.hang()
  }

  cut(): void {
    this.#relay.cutNext()
  }

  async close(): Promise<void> {
    await this.#relay.stop()
    await this.#worker.close(true)
  }
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
  transportConformance({ name: 'bullmq', module: bullmq, params: PATIENT, makePeer: () => WorkerPeer.open() })
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
