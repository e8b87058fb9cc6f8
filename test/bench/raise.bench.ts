import { type BenchBus, benchBus, NullTransport, until } from './bus-rig.ts'
import { type Bench, cpuUs, figure, inTurn, nsPerCall } from './measure.ts'

const MATCHING = 8

interface Loaded {
  readonly rig: BenchBus
  readonly sink: NullTransport
}

function busWith(subscribe: (rig: BenchBus) => void): Loaded {
  const rig = benchBus([])
  const sink = new NullTransport()
  rig.bus.registerTransport(sink)
  subscribe(rig)
  return { rig, sink }
}

const RAISES = 2000
const ROUNDS = 25

/** Nanoseconds of processor time for a raise and its delivery: raises, and then the pump running dry. */
async function nsOfRound({ rig, sink }: Loaded, perRaise: number): Promise<number> {
  const before = sink.taken
  const startedUs = cpuUs()
  for (let n = 0; n < RAISES; n++) rig.raise(3)
  await until(() => sink.taken === before + RAISES * perRaise)
  return ((cpuUs() - startedUs) * 1000) / RAISES
}

/** Two buses, or one twice, in turn: what disturbs one disturbs the other. */
const nsPerRaise = (a: Loaded, b: Loaded, perRaise = 1): Promise<readonly [number, number]> =>
  inTurn(
    () => nsOfRound(a, perRaise),
    () => nsOfRound(b, perRaise),
    ROUNDS,
  )

export const bench: Bench = async () => {
  const nobody = busWith(() => {})
  const quietNs = nsPerCall(() => nobody.rig.raise(3), 1_000_000)
  const plainSubscribers = (count: number): Loaded =>
    busWith(({ bus }) => {
      for (let i = 0; i < count; i++)
        bus.subscribe({ event: 'E_BENCH', socket: `null:${i}`, expireS: null, by: 'script' })
    })
  const alone = plainSubscribers(1)
  const [oneNs] = await nsPerRaise(alone, alone)
  const crowd = plainSubscribers(MATCHING)
  const [severalNs] = await nsPerRaise(crowd, crowd, MATCHING)
  return [
    figure('raise, nobody subscribed', `${quietNs.toFixed(0)} ns`),
    figure('raise and deliver to 1 subscriber', `${oneNs.toFixed(0)} ns`),
    figure(`raise and deliver to ${MATCHING} subscribers, each`, `${(severalNs / MATCHING).toFixed(0)} ns`),
  ]
}
