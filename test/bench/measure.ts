/** One measured claim: two things done in one run, and the ratio between them that is promised. */
export interface Claim {
  readonly name: string
  /** What was measured, for the table: `412 ns`. */
  readonly measured: string
  /** What it was held against; '' for a figure that stands alone. */
  readonly against: string
  readonly ratio: number | null
  /** The bound the ratio must keep, `≥ 0.8`; '' for none. */
  readonly bound: string
  readonly holds: boolean
}

/** One file under `test/bench/`: gives its claims. */
export type Bench = () => Promise<readonly Claim[]>

/** A figure without a bound. */
export const figure = (name: string, measured: string): Claim => ({
  name,
  measured,
  against: '',
  ratio: null,
  bound: '',
  holds: true,
})

/** A ratio that must be at least `bound`. */
export const atLeast = (name: string, measured: string, against: string, ratio: number, bound: number): Claim => ({
  name,
  measured,
  against,
  ratio,
  bound: `≥ ${bound}`,
  holds: ratio >= bound,
})

/** A ratio that must be at most `bound`. */
export const atMost = (name: string, measured: string, against: string, ratio: number, bound: number): Claim => ({
  name,
  measured,
  against,
  ratio,
  bound: `≤ ${bound}`,
  holds: ratio <= bound,
})

/** The middle one of several runs, so that a single disturbance does not decide. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Nanoseconds per call of a synchronous function: the median of several rounds, after a warm-up. */
export function nsPerCall(run: () => void, calls: number, rounds = 7): number {
  const round = (): number => {
    const startedNs = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) run()
    return Number(process.hrtime.bigint() - startedNs) / calls
  }
  round()
  round()
  return median(Array.from({ length: rounds }, round))
}

/** Milliseconds that an asynchronous job takes. */
export async function msOf(job: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  await job()
  return performance.now() - startedMs
}

/** Runs two jobs in turn, several times, so that both see the same noise; gives the medians. */
export async function inTurn(
  a: () => Promise<number>,
  b: () => Promise<number>,
  rounds = 5,
): Promise<readonly [number, number]> {
  await a()
  await b()
  const as: number[] = []
  const bs: number[] = []
  for (let round = 0; round < rounds; round++) {
    as.push(await a())
    bs.push(await b())
  }
  return [median(as), median(bs)]
}

/**
 * Runs two jobs in pairs of rounds, the one and the other first in turn; gives the medians and the median of the ratios a/b within
 * the pairs. For jobs that are warm already.
 */
export async function inPairs(
  a: () => Promise<number>,
  b: () => Promise<number>,
  pairs: number,
): Promise<readonly [a: number, b: number, ratio: number]> {
  const as: number[] = []
  const bs: number[] = []
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const bFirst = pair % 2 === 1 ? await b() : null
    const a1 = await a()
    const b1 = bFirst ?? (await b())
    as.push(a1)
    bs.push(b1)
    ratios.push(a1 / b1)
  }
  return [median(as), median(bs), median(ratios)]
}

/** Processor time of this process so far, microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes of heap in use after a full collection. Needs `--expose-gc`. */
export function heapUsed(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

export const rate = (count: number, ms: number): string => `${Math.round(count / ms)} k/s`
