import type { Statistic, StatisticsRegistry } from '../../stats/stats.ts'
import type { Counter } from '../../util/spec.ts'

/** Where statistics go that name no group. */
export const DEFAULT_GROUP = 'dynamic'
/** Most statistics scripts may make: names may come from messages. */
const MAX_MADE = 10_000

/** Statistics that scripts make, beside those of the modules. */
export class DynamicStatistics {
  readonly #stats: StatisticsRegistry
  readonly #counters = new Map<string, Counter>()

  constructor(stats: StatisticsRegistry) {
    this.#stats = stats
    stats.addGroup(DEFAULT_GROUP)
  }

  /** Declares a group, so that statistics can be made in it (`stat_groups`). */
  declareGroup(name: string): void {
    this.#stats.addGroup(name)
  }

  /** Makes one, `[group:]name[/no_reset]` (`variable`). Its group is declared by that. */
  declare(text: string): void {
    const [name = '', flag, ...rest] = text.trim().split('/')
    if (name === '' || rest.length > 0 || (flag !== undefined && flag !== 'no_reset'))
      throw new Error(`variable "${text}": expected name, group:name or either with /no_reset`)
    const [group, own] = splitName(name)
    this.#stats.addGroup(group)
    this.#make(group, own, flag !== undefined)
  }

  /** By bare name, or by group and name. */
  find(name: string): Statistic | undefined {
    return this.#stats.find(name)
  }

  /** Adds to a counter and makes it when absent. Throws an Error that says why it cannot. */
  add(name: string, delta: number): void {
    if (delta === 0) return
    this.#counter(name).value += delta
  }

  /** Sets a counter back and makes it when absent; one that is not to be reset stays. Throws an Error as {@link add}. */
  reset(name: string): void {
    const found = this.find(name)
    if (found === undefined) this.#counter(name)
    else found.reset()
  }

  #counter(name: string): Counter {
    const known = this.#counters.get(name)
    if (known !== undefined) return known
    const found = this.find(name)
    const [group, own] = found === undefined ? splitName(name) : [found.group, found.name]
    if (found?.type === 'gauge') throw new Error(`${group}:${own} is computed`)
    if (!this.#stats.hasGroup(group)) throw new Error(`there is no group "${group}": declare it with stat_groups`)
    if (found === undefined && this.#counters.size >= MAX_MADE)
      throw new Error(`there are ${MAX_MADE} statistics of the script already`)
    return this.#make(group, own, false, name)
  }

  #make(group: string, own: string, noReset: boolean, calledBy = `${group}:${own}`): Counter {
    const counter = this.#stats.counter(group, own, 'Counted by the script.', noReset)
    if (this.#counters.size < MAX_MADE) this.#counters.set(calledBy, counter)
    return counter
  }
}

function splitName(name: string): readonly [group: string, own: string] {
  const colon = name.indexOf(':')
  return colon < 0 ? [DEFAULT_GROUP, name] : [name.slice(0, colon), name.slice(colon + 1)]
}
