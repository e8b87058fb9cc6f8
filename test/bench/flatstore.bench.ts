import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import flatstore from '../../transports/flatstore/index.ts'
import { benchBus, until } from './bus-rig.ts'
import { atLeast, type Bench, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 200_000
const SLICE = 2_000
const BATCH_BYTES = 65_536

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
    const [ours, plain] = await inTurn(
      () => timed(throughBus),
      () => timed(plainWrite),
    )
    return [
      atLeast(
        'flatstore: events raised, queued and written',
        rate(EVENTS, ours),
        `${rate(EVENTS, plain)} plain batched write`,
        plain / ours,
        0.7,
      ),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
