import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from 'nats'
import { EventBus } from '../../src/events/bus.ts'
import type { EventType } from '../../src/events/catalogue.ts'
import { EventSpool } from '../../src/events/spool/event-spool.ts'
import { systemClock } from '../../src/util/clock.ts'
import flatstore from '../../transports/flatstore/index.ts'
import nats from '../../transports/nats/index.ts'
import virtual from '../../transports/virtual/index.ts'
import { setUpTransport, silentLog } from '../conformance/host.ts'
import { natsMissing, startNats } from '../support/nats-server.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { BENCH_NAMES, benchValues, NullTransport, until } from './bus-rig.ts'
import { atLeast, type Bench, type Claim, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 50_000
const SLICE = 1000
const FAILOVERS = 5

/** A bus with a spool in a folder of its own, and everything the claims below send to. */
class Rig {
  readonly bus: EventBus
  readonly type: EventType
  readonly sink = new NullTransport()
  readonly #spool: EventSpool

  constructor(folder: string) {
    this.#spool = new EventSpool({
      folder: mkdtempSync(join(folder, 'spool-')),
      clock: systemClock,
      log: silentLog,
      limits: { retainMs: 0, mostPendingBytes: 2 ** 30 },
      typeOf: () => this.type,
    })
    this.bus = new EventBus({ clock: systemClock, log: silentLog, openStore: this.#spool.openStore })
    for (const module of [flatstore, nats, virtual])
      for (const transport of setUpTransport(module).transports) this.bus.registerTransport(transport)
    this.bus.registerTransport(this.sink)
    this.type = this.bus.catalogue.define('E_BENCH', null, 'bench')
  }

  raise(n: number): void {
    this.bus.raise(this.type, BENCH_NAMES, benchValues(n))
  }

  async close(): Promise<void> {
    await this.bus.close(AbortSignal.timeout(5000))
    await this.#spool.close()
  }
}

/** Milliseconds until every event of a socket is where it goes to. */
async function throughput(folder: string, socket: string): Promise<number> {
  const rig = new Rig(folder)
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket, expireS: null, by: 'script' })
  await until(() => subscription.health.state === 'up')
  const ms = await msOf(async () => {
    for (let n = 0; n < EVENTS; n += SLICE) {
      for (let i = 0; i < SLICE; i++) rig.raise(n + i)
      await until(() => n - subscription.counters.delivered < 8 * SLICE)
    }
    await until(() => subscription.counters.delivered === EVENTS)
  })
  await rig.close()
  return ms
}

/** Nanoseconds that the raise itself takes, what follows left out. */
async function raiseNs(folder: string, options: string): Promise<number> {
  const rig = new Rig(folder)
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket: `null:x${options}`, expireS: null, by: 'script' })
  let ns = 0n
  for (let n = 0; n < EVENTS; n += SLICE) {
    const startedNs = process.hrtime.bigint()
    for (let i = 0; i < SLICE; i++) rig.raise(n + i)
    ns += process.hrtime.bigint() - startedNs
    await until(() => subscription.counters.delivered === n + SLICE)
  }
  await rig.close()
  return Number(ns) / EVENTS
}

async function durability(folder: string): Promise<readonly Claim[]> {
  const [durable, plain] = await inTurn(
    () => raiseNs(folder, ' [durable]'),
    () => raiseNs(folder, ''),
    3,
  )
  const claim = figure('raise for a durable subscription', `${durable.toFixed(0)} ns`)
  return [{ ...claim, against: `${plain.toFixed(0)} ns in memory`, ratio: durable / plain }]
}

async function parallel(folder: string, address: string): Promise<readonly Claim[]> {
  const slow = `nats:${address}/bench?jetstream`
  let files = 0
  const [both, alone] = await inTurn(
    () => throughput(folder, `virtual:PARALLEL ${slow} flatstore:${join(folder, `events${files++}`)}`),
    () => throughput(folder, slow),
    7,
  )
  return [
    atLeast('PARALLEL to two', rate(EVENTS, both), `${rate(EVENTS, alone)} to the slower alone`, alone / both, 0.9),
  ]
}

/** Time from the death of the first child to the first event at the second. */
async function failover(folder: string, port: number, receiver: NatsConnection): Promise<readonly Claim[]> {
  const times: number[] = []
  for (let round = 0; round < FAILOVERS; round++) {
    const relay = await TcpRelay.to(port)
    const rig = new Rig(folder)
    const subject = `failover.${round}`
    let arrivedMs = 0
    let first = 0
    const watch = receiver.subscribe('first', { callback: () => void first++ })
    receiver.subscribe(subject, {
      callback: () => {
        arrivedMs ||= performance.now()
      },
    })
    await receiver.flush()
    const socket = `virtual:FAILOVER nats:127.0.0.1:${relay.port}/first nats:127.0.0.1:${port}/${subject}`
    const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket, expireS: null, by: 'script' })
    // Until it is connected, its events go to the other.
    for (let n = 0; first === 0; n--) {
      rig.raise(n)
      await until(() => subscription.counters.queued + subscription.counters.inFlight === 0)
    }
    await receiver.flush()
    arrivedMs = 0
    const diedMs = performance.now()
    await relay.stop()
    for (let n = 1; arrivedMs === 0; n++) {
      rig.raise(n)
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    times.push(arrivedMs - diedMs)
    watch.unsubscribe()
    await rig.close()
  }
  const sorted = times.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return [figure('FAILOVER: from the death of a child to the first event at the next', `${median.toFixed(1)} ms`)]
}

export const bench: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-'))
  try {
    const claims = [...(await durability(folder))]
    const missing = natsMissing()
    if (missing !== undefined) return [...claims, figure('PARALLEL and FAILOVER: not measured', missing)]
    const server = await startNats()
    const receiver = await connect({ servers: server.hostPort })
    try {
      const manager = await receiver.jetstreamManager()
      await manager.streams.add({ name: 'bench', subjects: ['bench'] })
      claims.push(...(await parallel(folder, server.hostPort)), ...(await failover(folder, server.port, receiver)))
    } finally {
      await receiver.close()
      await server.stop()
    }
    return claims
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
