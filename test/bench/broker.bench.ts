import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection, nanos } from 'nats'
import { EventBus } from '../../src/events/bus.ts'
import type { EventType } from '../../src/events/catalogue.ts'
import type { SubscriptionCounters } from '../../src/events/counters.ts'
import { EventSpool } from '../../src/events/spool/event-spool.ts'
import { systemClock } from '../../src/util/clock.ts'
import flatstore from '../../transports/flatstore/index.ts'
import nats from '../../transports/nats/index.ts'
import virtual from '../../transports/virtual/index.ts'
import { setUpTransport, silentLog } from '../conformance/host.ts'
import { natsMissing, startNats } from '../support/nats-server.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { BENCH_NAMES, benchValues, NullTransport, until } from './bus-rig.ts'
import { atLeast, type Bench, type Claim, cpuUs, figure, inPairs, inTurn, median, msOf, rate } from './measure.ts'

const EVENTS = 50_000
const SLICE = 1000
/** Of PARALLEL: short, so that both of a pair find the same machine. */
const PAIR_EVENTS = 30_000
const PAIRS = 41
/** Events raised between two looks at how far deliveries are, and how many may wait: more than any window. */
const AHEAD = { step: 256, most: 4096 }
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

/** What it took until every event of a socket was where it goes to. */
interface Run {
  readonly ms: number
  readonly cpuUs: number
}

/** What is done once, as opening a file, is done before. */
async function throughput(folder: string, socket: string): Promise<Run> {
  const rig = new Rig(folder)
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket, expireS: null, by: 'script' })
  await until(() => subscription.health.state === 'up')
  const counters = () => subscription.counters
  await deliver(rig, SLICE, counters)
  const startedUs = cpuUs()
  const ms = await msOf(() => deliver(rig, PAIR_EVENTS, counters))
  const run = { ms, cpuUs: cpuUs() - startedUs }
  await rig.close()
  return run
}

/** Rests while it waits: a loop that looks all the time would take the processor time that is measured. */
async function deliver(rig: Rig, events: number, counters: () => SubscriptionCounters): Promise<void> {
  const before = counters().delivered
  for (let n = 0; n < events; n++) {
    rig.raise(n)
    while (n % AHEAD.step === 0 && before + n - counters().delivered > AHEAD.most) await rest()
  }
  while (counters().delivered < before + events) await rest()
}

const rest = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 1))

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

/**
 * The server has a processor of its own here, and both ways of PARALLEL share the other: what is held to the bound is how
 * much later the slower way is done, and beside it stands the processor time that the second way takes. What else the machine
 * does comes and goes over seconds: it slows both jobs of a short pair, or a few pairs only.
 */
async function parallel(folder: string, address: string, renew: () => Promise<void>): Promise<readonly Claim[]> {
  const slow = `nats:${address}/bench?jetstream`
  let files = 0
  const run = async (socket: string, cpus: number[]): Promise<number> => {
    await renew()
    const { ms, cpuUs } = await throughput(folder, socket)
    cpus.push(cpuUs)
    return ms
  }
  const cpus = { both: [] as number[], alone: [] as number[] }
  const both = () => run(`virtual:PARALLEL ${slow} flatstore:${join(folder, `events${files++}`)}`, cpus.both)
  const alone = () => run(slow, cpus.alone)
  await both()
  await alone()
  const [aloneMs, bothMs, ratio] = await inPairs(alone, both, PAIRS)
  const against = `${rate(PAIR_EVENTS, aloneMs)} to the slower alone`
  const [bothUs, aloneUs] = [median(cpus.both) / PAIR_EVENTS, median(cpus.alone) / PAIR_EVENTS]
  const cpu = figure('PARALLEL to two: processor time', `${bothUs.toFixed(1)} µs an event`)
  return [
    atLeast('PARALLEL to two', rate(PAIR_EVENTS, bothMs), against, ratio, 0.9),
    { ...cpu, against: `${aloneUs.toFixed(1)} µs for the slower alone`, ratio: aloneUs / bothUs },
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
      // It keeps ids for a short time and nothing of earlier pairs, so that each finds it the same.
      await manager.streams.add({ name: 'bench', subjects: ['bench'], duplicate_window: nanos(1000) })
      const renew = async (): Promise<void> => void (await manager.streams.purge('bench'))
      claims.push(...(await parallel(folder, server.hostPort, renew)))
      claims.push(...(await failover(folder, server.port, receiver)))
    } finally {
      await receiver.close()
      await server.stop()
    }
    return claims
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
