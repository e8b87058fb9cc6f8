import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RaisedEvent } from '../../src/events/event.ts'
import type { Outcomes } from '../../src/events/transport.ts'
import flatstore from '../../transports/flatstore/index.ts'
import { openTransport } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { BENCH_NAMES, benchBus, benchValues, until } from './bus-rig.ts'
import { atLeast, type Bench, figure, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 200_000
const SLICE = 2_000
const BATCH_BYTES = 65_536
/** Batches given to the sink whose outcome is awaited later. */
const IN_FLIGHT = 4

/** Writes the same lines, collected into batches: the least that any writer does. */
async function plainWrite(path: string): Promise<void> {
  const stream = createWriteStream(path, { flags: 'a' })
  let pending: Buffer[] = []
  let pendingBytes = 0
  const flush = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const batch = Buffer.concat(pending)
      pending = []
      pendingBytes = 0
      stream.write(batch, error => (error ? reject(error) : resolve()))
    })
  for (let n = 0; n < EVENTS; n++) {
    const line = Buffer.from(
      `E_BENCH,user${n}@example.org,sip:user${n}@192.0.2.7:5060,a84b4c76e66710-${n}@pc33.example.org,${n},3600,Bench/1.0\n`,
    )
    pending.push(line)
    pendingBytes += line.length
    if (pendingBytes >= BATCH_BYTES) await flush()
  }
  if (pendingBytes > 0) await flush()
  await new Promise(resolve => stream.end(resolve))
}

async function throughBus(path: string): Promise<void> {
  const rig = benchBus([flatstore])
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket: `flatstore:${path}`, expireS: null, by: 'script' })
  const delivered = (): number => subscription.counters.delivered
  for (let n = 0; n < EVENTS; ) {
    for (const end = n + SLICE; n < end; n++) rig.raise(n)
    await until(() => delivered() >= n - 2 * SLICE)
  }
  await until(() => delivered() === EVENTS)
  await rig.close()
}

/** The transport alone: events that are there already, given to its sink in the batches a subscription gives. */
async function throughSink(path: string, events: readonly RaisedEvent[]): Promise<number> {
  const transport = openTransport([flatstore])
  const sink = transport.open(`flatstore:${path}`)
  if (sink.sendAll === undefined) throw new Error('the sink takes no batches')
  await until(() => sink.health.state === 'up')
  // What making the events left behind is not the writer's to clear up.
  globalThis.gc?.()
  const ms = await msOf(async () => {
    const running: (Outcomes | Promise<Outcomes>)[] = []
    for (let from = 0; from < EVENTS; from += SLICE) {
      running.push(sink.sendAll?.(events.slice(from, from + SLICE), transport.deadline(60_000)) ?? [])
      if (running.length >= IN_FLIGHT) await running.shift()
    }
    await Promise.all(running)
  })
  await transport.close()
  return ms
}

/** Its texts are in one piece, as they are when they were cut out of a message, and not put together at their first use. */
const numbered = (n: number): RaisedEvent => {
  const values = benchValues(n).map(value => (typeof value === 'string' ? Buffer.from(value).toString() : value))
  return sampleEvent('E_BENCH', BENCH_NAMES, values)
}

export const bench: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-'))
  try {
    let file = 0
    const timed = async (write: (path: string) => Promise<void>): Promise<number> => {
      const path = join(folder, `${file++}`)
      const ms = await msOf(() => write(path))
      if (statSync(path).size < EVENTS * 100) throw new Error('lines are missing')
      rmSync(path)
      return ms
    }
    const [sink, plain] = await inTurn(
      async () => {
        // Made before the clock runs, and new each time: an event keeps the form it was written in.
        const events = Array.from({ length: EVENTS }, (_, n) => numbered(n))
        const path = join(folder, `${file++}`)
        const ms = await throughSink(path, events)
        if (statSync(path).size < EVENTS * 100) throw new Error('lines are missing')
        rmSync(path)
        return ms
      },
      () => timed(plainWrite),
    )
    const [whole, plainAgain] = await inTurn(
      () => timed(throughBus),
      () => timed(plainWrite),
    )
    return [
      atLeast(
        'flatstore: the transport alone',
        rate(EVENTS, sink),
        `${rate(EVENTS, plain)} plain batched write`,
        plain / sink,
        0.7,
      ),
      {
        ...figure('flatstore: raised, queued and written', rate(EVENTS, whole)),
        against: `${rate(EVENTS, plainAgain)} plain batched write`,
        ratio: plainAgain / whole,
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
