import { type BenchBus, benchBus, NullTransport, until } from './bus-rig.ts'
import { atMost, type Bench, figure, nsPerCall } from './measure.ts'

const FEW = 10
const MANY = 100_000
const MATCHING = 8

function busWith(subscribe: (rig: BenchBus) => void): { rig: BenchBus; sink: NullTransport } {
  const rig = benchBus([])
  const sink = new NullTransport()
  rig.bus.registerTransport(sink)
  subscribe(rig)
  return { rig, sink }
}

/** Nanoseconds for a raise and its delivery: rounds of raises, each followed by the pump running dry. */
async function nsPerRaise({ rig, sink }: { rig: BenchBus; sink: NullTransport }, perRaise: number): Promise<number> {
  const raises = 2000
  const round = async (): Promise<number> => {
    const before = sink.taken
    const startedNs = process.hrtime.bigint()
    for (let n = 0; n < raises; n++) rig.raise(3)
    await until(() => sink.taken === before + raises * perRaise)
    return Number(process.hrtime.bigint() - startedNs) / raises
  }
  const all: number[] = []
  for (let i = 0; i < 12; i++) all.push(await round())
  return all.slice(2).toSorted((a, b) => a - b)[5] ?? Number.NaN
}

const filtered = (count: number) =>
  busWith(({ bus }) => {
    for (let i = 0; i < count; i++)
      bus.subscribe({
        event: 'E_BENCH',
        socket: `null:${i}`,
        expireS: null,
        filter: `aor=user${i}@example.org`,
        by: 'script',
      })
  })

export const bench: Bench = async () => {
  const nobody = busWith(() => {})
  const quietNs = nsPerCall(() => nobody.rig.raise(3), 1_000_000)
  const one = await nsPerRaise(
    busWith(({ bus }) => void bus.subscribe({ event: 'E_BENCH', socket: 'null:0', expireS: null, by: 'script' })),
    1,
  )
  const several = await nsPerRaise(
    busWith(({ bus }) => {
      for (let i = 0; i < MATCHING; i++)
        bus.subscribe({ event: 'E_BENCH', socket: `null:${i}`, expireS: null, by: 'script' })
    }),
    MATCHING,
  )
  const fewNs = await nsPerRaise(filtered(FEW), 1)
  const manyNs = await nsPerRaise(filtered(MANY), 1)
  return [
    figure('raise, nobody subscribed', `${quietNs.toFixed(0)} ns`),
    figure('raise and deliver to 1 subscriber', `${one.toFixed(0)} ns`),
    figure(`raise and deliver to ${MATCHING} subscribers, each`, `${(several / MATCHING).toFixed(0)} ns`),
    atMost(
      `raise, one of ${MANY} filtered subscriptions matches`,
      `${manyNs.toFixed(0)} ns`,
      `${fewNs.toFixed(0)} ns with ${FEW}`,
      manyNs / fewNs,
      2,
    ),
  ]
}
