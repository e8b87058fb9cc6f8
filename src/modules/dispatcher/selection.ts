import type { RouteContext, Verdict } from '../../script/context.ts'
import type { Algorithms } from './algorithms.ts'
import type { Destination, DestinationSet } from './destination.ts'
import { direct, keep, keepAttributes, type Mode } from './failover.ts'
import type { Partition } from './partition.ts'
import type { Ranking } from './ranking.ts'
import type { SelectFlags, SetChoice } from './selection-text.ts'

/** What a selection works with. */
export interface Selection {
  readonly partition: Partition
  readonly sets: readonly SetChoice[]
  readonly flags: SelectFlags
  readonly mode: Mode
  /** Most alternatives of each set that has no limit of its own. */
  readonly most: number
}

/** Chooses destinations for requests. */
export class Selector {
  readonly #algorithms: Algorithms

  constructor(algorithms: Algorithms) {
    this.#algorithms = algorithms
  }

  /**
   * Puts the chosen destination of the first set that has one into the request: 1, or −1 where none has. With failover, the
   * others, and those of the sets behind it, are kept.
   */
  select(m: RouteContext, selection: Selection): Verdict | Promise<Verdict> {
    return this.#selectFrom(m, selection, 0, false)
  }

  #selectFrom(m: RouteContext, selection: Selection, at: number, isFound: boolean): Verdict | Promise<Verdict> {
    const choice = selection.sets[at]
    const isEnough = isFound && !selection.flags.failover
    if (choice === undefined || isEnough) return isFound ? 1 : -1
    const goOn = (ranking: Ranking | null): Verdict | Promise<Verdict> => {
      const isUsed = ranking !== null && ranking.length > 0 && this.#use(m, selection, choice, ranking, isFound)
      return this.#selectFrom(m, selection, at + 1, isFound || isUsed)
    }
    const set = selection.partition.set(choice.setId)
    const ranking = set === undefined ? null : this.#rank(m, set, choice, selection.flags)
    return ranking instanceof Promise ? ranking.then(goOn) : goOn(ranking)
  }

  #rank(
    m: RouteContext,
    set: DestinationSet,
    { algorithm }: SetChoice,
    { userOnly, lastResort }: SelectFlags,
  ): Ranking | null | Promise<Ranking | null> {
    const { destinations } = set
    const spare = lastResort && destinations.length > 1 ? destinations.at(-1) : undefined
    const members = spare === undefined ? destinations : destinations.slice(0, -1)
    const ranking = this.#algorithms.rank(algorithm, m, { set, members, userOnly })
    return ranking instanceof Promise ? ranking.then(found => withSpare(found, spare)) : withSpare(ranking, spare)
  }

  #use(
    m: RouteContext,
    { partition, flags, mode, most }: Selection,
    { setId, most: ownMost }: SetChoice,
    ranking: Ranking,
    isFurther: boolean,
  ): boolean {
    const [chosen] = ranking
    if (chosen === undefined) return false
    const { avps } = partition.settings
    const appends = isFurther || (flags.append && flags.failover && m.avps.count(avps.dst) > 0)
    if (!appends) {
      if (!direct(m, chosen.uri, mode)) return false
      if (chosen.socket !== null) m.target.socket = chosen.socket
      chosen.hits++
    }
    const kept = ranking.slice(0, 1 + (ownMost ?? most))
    if (flags.failover)
      keep(
        m,
        avps,
        kept.map(destination => ({ setId, destination })),
        appends,
      )
    else keepAttributes(m, avps, chosen)
    return true
  }
}

function withSpare(ranking: Ranking | null, spare: Destination | undefined): Ranking | null {
  return ranking === null || !spare?.isActive ? ranking : [...ranking, spare]
}
