import { readFilter } from '../../src/modules/event_routing/filters.ts'
import { routingTransport } from '../../src/modules/event_routing/transport.ts'
import { Waits } from '../../src/modules/event_routing/waits.ts'
import { systemClock } from '../../src/util/clock.ts'
import { type BenchBus, benchBus } from './bus-rig.ts'
import { atMost, type Bench, cpuUs, figure, heapUsed, median } from './measure.ts'

const COUNTS = [10, 1_000, 100_000] as const
const RAISES = 5_000
const ROUNDS = 25

interface Waiting {
  readonly rig: BenchBus
  readonly waits: Waits
  /** Waits that were told. */
  told: number
}

/** A bus whose event so many calls wait for, each for another user. */
function waitingCalls(count: number): Waiting {
  const rig = benchBus([])
  const waits = new Waits(systemClock, { value: 0 })
  const waiting: Waiting = { rig, waits, told: 0 }
  rig.bus.registerTransport(routingTransport(systemClock, event => void waits.raised(event)))
  rig.bus.subscribe({ event: 'E_BENCH', socket: 'routing:E_BENCH', expireS: null, by: 'script' })
  for (let user = 0; user < count; user++) waitFor(waiting, user, 'notify')
  return waiting
}

function waitFor(waiting: Waiting, user: number, kind: 'notify' | 'wait'): void {
  const { rig, waits } = waiting
  const { filter } = readFilter([`aor=user${user}@example.org`], rig.type, 'strict', () => false)
  waits.add({
    event: rig.type,
    filter: filter ?? null,
    timeoutS: 3600,
    kind,
    route: '',
    callId: `call-${user}`,
    transaction: null,
    onMatch: () => {
      waiting.told++
    },
  })
}

/** Nanoseconds of processor time of a raise that exactly one of the waits is told of. */
function nsOfRaise(waiting: Waiting): number {
  const before = waiting.told
  const startedUs = cpuUs()
  for (let i = 0; i < RAISES; i++) waiting.rig.raise(3)
  const ns = ((cpuUs() - startedUs) * 1000) / RAISES
  if (waiting.told !== before + RAISES) throw new Error(`${waiting.told - before} told of ${RAISES} raises`)
  return ns
}

/** The same for a script that waits once: the wait begins, is met and is over. */
function nsOfOneShot(waiting: Waiting): number {
  const user = COUNTS[2] + 1
  const startedUs = cpuUs()
  for (let i = 0; i < RAISES; i++) {
    waitFor(waiting, user, 'wait')
    waiting.rig.raise(user)
  }
  return ((cpuUs() - startedUs) * 1000) / RAISES
}

/** Medians of measuring each in turn: what disturbs one disturbs the others. */
function inTurns(all: readonly Waiting[], measure: (waiting: Waiting) => number): readonly number[] {
  for (let warm = 0; warm < 5; warm++) for (const one of all) measure(one)
  const found = all.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) for (const [i, one] of all.entries()) found[i]?.push(measure(one))
  return found.map(median)
}

export const bench: Bench = async () => {
  const few = COUNTS.slice(0, 2).map(waitingCalls)
  const before = heapUsed()
  const all = [...few, waitingCalls(COUNTS[2])]
  const bytes = (heapUsed() - before) / COUNTS[2]
  const ns = (value: number | undefined): string => `${(value ?? Number.NaN).toFixed(0)} ns`
  const claimsOf = (what: string, [least = 0, ...more]: readonly number[]) =>
    more.map((cost, i) =>
      atMost(`${what}, ${COUNTS[i + 1]} calls wait`, ns(cost), `${ns(least)} with ${COUNTS[0]}`, cost / least, 2),
    )
  const claims = [
    ...claimsOf('raise that one call waits for', inTurns(all, nsOfRaise)),
    ...claimsOf('a wait that begins and is met', inTurns(all, nsOfOneShot)),
  ]
  for (const { waits } of all) waits.endAll('stopped')
  return [...claims, figure('heap of a wait', `${bytes.toFixed(0)} bytes`)]
}
