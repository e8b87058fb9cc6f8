import { type BenchBus, benchBus, NullTransport, until } from './bus-rig.ts'
import { atMost, type Bench, type Claim, cpuUs, figure, heapUsed, inTurn } from './measure.ts'

const FEW = 10
const MILLION = 1_000_000
/** Consumers of the many subscriptions: a million sockets nobody has. */
const SOCKETS = 1000
const RAISES = 2000
const ROUNDS = 25
/** Of the million, those that are given an event each. */
const BUSY = 100_000

interface Loaded {
  readonly rig: BenchBus
  readonly sink: NullTransport
}

function busWith(count: number, sockets: number, expireS: number | null = null): Loaded {
  const rig = benchBus([])
  const sink = new NullTransport()
  rig.bus.registerTransport(sink)
  for (let i = 0; i < count; i++)
    rig.bus.subscribe({
      event: 'E_BENCH',
      socket: `null:${i % sockets}`,
      expireS,
      filter: `aor=user${i}@example.org`,
      by: 'mi',
    })
  return { rig, sink }
}

/** Nanoseconds of processor time for a raise that one subscription matches, and its delivery. */
async function nsOfRaise({ rig, sink }: Loaded): Promise<number> {
  const before = sink.taken
  const startedUs = cpuUs()
  for (let n = 0; n < RAISES; n++) rig.raise(3)
  await until(() => sink.taken === before + RAISES)
  return ((cpuUs() - startedUs) * 1000) / RAISES
}

/** Bytes of heap that each of many takes. */
async function bytesOfEach(count: number, make: () => unknown): Promise<number> {
  const before = heapUsed()
  const made = await make()
  const bytes = (heapUsed() - before) / count
  // Held until here, or there would be nothing to measure.
  return made === undefined ? Number.NaN : bytes
}

/** Nanoseconds of processor time for subscribing and ending one that comes and goes, beside those that stay. */
function nsOfComing({ rig: { bus } }: Loaded): Promise<number> {
  const [event, socket, filter] = ['E_BENCH', 'null:7', 'aor=guest@example.org']
  const startedUs = cpuUs()
  for (let n = 0; n < RAISES; n++) {
    bus.subscribe({ event, socket, filter, expireS: 60, by: 'mi' })
    bus.unsubscribe(event, socket, filter)
  }
  return Promise.resolve(((cpuUs() - startedUs) * 1000) / RAISES)
}

async function busy(many: Loaded): Promise<Loaded> {
  const before = many.sink.taken
  for (let n = 0; n < BUSY; n++) {
    many.rig.raise(n)
    if (n % 1000 === 0) await until(() => many.sink.taken > before + n - 1000)
  }
  await until(() => many.sink.taken === before + BUSY)
  return many
}

/** A million filtered subscriptions: what each costs, and what a raise costs that one of them matches. */
export const bench: Bench = async () => {
  const own = await bytesOfEach(BUSY, () => busWith(BUSY, BUSY))
  const expiring = await bytesOfEach(BUSY, () => busWith(BUSY, SOCKETS, 3600))
  const few = busWith(FEW, FEW)
  let many = few
  const bytes = await bytesOfEach(MILLION, () => (many = busWith(MILLION, SOCKETS)))
  const [fewNs, manyNs] = await inTurn(
    () => nsOfRaise(few),
    () => nsOfRaise(many),
    ROUNDS,
  )
  const [comingFewNs, comingManyNs] = await inTurn(
    () => nsOfComing(few),
    () => nsOfComing(many),
    ROUNDS,
  )
  const used = await bytesOfEach(BUSY, () => busy(many))
  const claims: Claim[] = [
    atMost(
      `raise, one of ${MILLION} filtered subscriptions matches`,
      `${manyNs.toFixed(0)} ns`,
      `${fewNs.toFixed(0)} ns with ${FEW}`,
      manyNs / fewNs,
      2,
    ),
    atMost(
      `subscribing and ending one beside ${MILLION}`,
      `${comingManyNs.toFixed(0)} ns`,
      `${comingFewNs.toFixed(0)} ns beside ${FEW}`,
      comingManyNs / comingFewNs,
      3,
    ),
    atMost(
      `heap of one of ${MILLION} filtered subscriptions`,
      `${bytes.toFixed(0)} bytes`,
      '500 bytes',
      bytes / 500,
      1,
    ),
    figure('the same, with a lifetime', `${expiring.toFixed(0)} bytes`),
    figure('the same, each with a socket of its own', `${own.toFixed(0)} bytes`),
    figure('what its first event adds', `${used.toFixed(0)} bytes`),
  ]
  return claims
}
