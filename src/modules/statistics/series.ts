import type { StatisticsRegistry } from '../../stats/stats.ts'
import type { Clock } from '../../util/clock.ts'

const ALGORITHMS = ['accumulate', 'average', 'percentage'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** How the values of a window become one number (`stat_series_profile`). */
export interface SeriesProfile {
  readonly name: string
  readonly algorithm: Algorithm
  readonly windowS: number
  readonly slots: number
  readonly group: string
  readonly percentageFactor: number
}

/** Most series of one profile: names may come from messages. */
const MAX_SERIES = 10_000

/**
 * Reads `name: algorithm=… window=60 slots=60 group=stats percentage_factor=100`; `hash_size` means nothing here. Throws an
 * Error that says what is wrong.
 */
export function parseSeriesProfile(text: string): SeriesProfile {
  const [, name = '', rest = ''] = /^\s*([\w.-]+)\s*(?::(.*))?$/s.exec(text) ?? []
  const fault = (what: string): Error => new Error(`stat_series_profile "${text}": ${what}`)
  if (name === '') throw fault('expected name: key=value …')
  const given = new Map<string, string>()
  for (const item of rest.split(/[\s;,]+/).filter(part => part !== '')) {
    const [key = '', value] = item.split('=')
    if (value === undefined || !KEYS.has(key)) throw fault(`"${item}" is not one of ${[...KEYS].join(', ')}`)
    given.set(key, value)
  }
  const number = (key: string, dflt: number): number => {
    const value = Number(given.get(key) ?? dflt)
    if (!Number.isInteger(value) || value < 1) throw fault(`${key} takes a number from 1`)
    return value
  }
  const algorithm = given.get('algorithm') ?? 'accumulate'
  if (!isAlgorithm(algorithm)) throw fault(`algorithm is one of ${ALGORITHMS.join(', ')}`)
  return {
    name,
    algorithm,
    windowS: number('window', 60),
    slots: number('slots', 60),
    group: given.get('group') ?? 'stats',
    percentageFactor: number('percentage_factor', 100),
  }
}
const KEYS: ReadonlySet<string> = new Set(['algorithm', 'hash_size', 'window', 'slots', 'group', 'percentage_factor'])
const isAlgorithm = (text: string): text is Algorithm => (ALGORITHMS as readonly string[]).includes(text)

interface Slot {
  /** Which span of time it is for. */
  span: number
  sum: number
  count: number
  positive: number
  negative: number
}

/** The values reported under one name, as far as they are in the window. */
class Series {
  readonly #profile: SeriesProfile
  readonly #clock: Clock
  readonly #slots: Slot[]

  constructor(profile: SeriesProfile, clock: Clock) {
    this.#profile = profile
    this.#clock = clock
    this.#slots = Array.from({ length: profile.slots }, () => emptySlot(-1))
  }

  add(value: number): void {
    const span = this.#span()
    const at = span % this.#profile.slots
    if (this.#slots[at]?.span !== span) this.#slots[at] = emptySlot(span)
    const slot = this.#slots[at]
    if (slot === undefined) return
    slot.sum += value
    slot.count++
    if (value >= 0) slot.positive += value
    else slot.negative -= value
  }

  read(): number {
    const oldest = this.#span() - this.#profile.slots
    const total = emptySlot(0)
    for (const slot of this.#slots) {
      if (slot.span <= oldest) continue
      total.sum += slot.sum
      total.count += slot.count
      total.positive += slot.positive
      total.negative += slot.negative
    }
    const { algorithm, percentageFactor } = this.#profile
    if (algorithm === 'accumulate') return total.sum
    if (algorithm === 'average') return total.count === 0 ? 0 : Math.trunc(total.sum / total.count)
    const all = total.positive + total.negative
    return all === 0 ? 0 : Math.trunc((total.positive * percentageFactor) / all)
  }

  #span(): number {
    const { windowS, slots } = this.#profile
    return Math.floor(this.#clock.monotonicMs() / ((windowS * 1000) / slots))
  }
}

const emptySlot = (span: number): Slot => ({ span, sum: 0, count: 0, positive: 0, negative: 0 })

/** All series of the script; each is readable as a statistic of its profile's group. */
export class SeriesBook {
  readonly #stats: StatisticsRegistry
  readonly #clock: Clock
  readonly #profiles = new Map<string, { readonly profile: SeriesProfile; readonly series: Map<string, Series> }>()

  constructor(stats: StatisticsRegistry, clock: Clock) {
    this.#stats = stats
    this.#clock = clock
  }

  define(profile: SeriesProfile): void {
    this.#stats.addGroup(profile.group)
    this.#profiles.set(profile.name, { profile, series: new Map() })
  }

  /** Reports a value. Throws an Error that says why it cannot. */
  update(profileName: string, name: string, value: number): void {
    const found = this.#profiles.get(profileName)
    if (found === undefined) throw new Error(`there is no stat_series_profile "${profileName}"`)
    const { profile, series } = found
    let one = series.get(name)
    if (one === undefined) {
      if (series.size >= MAX_SERIES) throw new Error(`profile ${profileName} has ${MAX_SERIES} series already`)
      const made = new Series(profile, this.#clock)
      this.#stats.gauge(profile.group, name, `Series of profile ${profileName}.`).read = () => made.read()
      series.set(name, made)
      one = made
    }
    one.add(value)
  }
}
