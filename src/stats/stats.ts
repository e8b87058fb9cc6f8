import type { Counter, Gauge } from '../util/spec.ts'

export interface Statistic {
  readonly group: string
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly noReset: boolean
  readonly doc: string
  read(): number
  reset(): void
}

/** Every statistic of the running proxy: group + name → number (script reference, statistics). */
export class StatisticsRegistry {
  readonly #groups = new Map<string, Map<string, Statistic>>()

  /** A counter, made on first use. Add to its `value`. */
  counter(group: string, name: string, doc: string, noReset = false): Counter {
    const known = this.#groups.get(group)?.get(name)
    if (known instanceof CountingStatistic) return known
    const statistic = new CountingStatistic(group, name, doc, noReset)
    this.#add(statistic)
    return statistic
  }

  /** A gauge, made on first use; set its `read` to what computes it. */
  gauge(group: string, name: string, doc: string): Gauge {
    const known = this.#groups.get(group)?.get(name)
    if (known instanceof GaugeStatistic) return known
    const statistic = new GaugeStatistic(group, name, doc)
    this.#add(statistic)
    return statistic
  }

  /** By `group:name`, or by bare name: then the first one registered under that name. */
  find(name: string): Statistic | undefined {
    const colon = name.indexOf(':')
    if (colon >= 0) return this.#groups.get(name.slice(0, colon))?.get(name.slice(colon + 1))
    for (const group of this.#groups.values()) {
      const found = group.get(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** All statistics of a group, in order of registration; undefined when there is no such group. */
  group(name: string): readonly Statistic[] | undefined {
    const group = this.#groups.get(name)
    return group === undefined ? undefined : [...group.values()]
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name)
  }

  addGroup(name: string): void {
    if (!this.#groups.has(name)) this.#groups.set(name, new Map())
  }

  *all(): IterableIterator<Statistic> {
    for (const group of this.#groups.values()) yield* group.values()
  }

  #add(statistic: Statistic): void {
    this.addGroup(statistic.group)
    this.#groups.get(statistic.group)?.set(statistic.name, statistic)
  }
}

class CountingStatistic implements Statistic, Counter {
  readonly type = 'counter'
  value = 0
  readonly group: string
  readonly name: string
  readonly doc: string
  readonly noReset: boolean
  constructor(group: string, name: string, doc: string, noReset: boolean) {
    this.group = group
    this.name = name
    this.doc = doc
    this.noReset = noReset
  }
  read(): number {
    return this.value
  }
  reset(): void {
    if (!this.noReset) this.value = 0
  }
}

class GaugeStatistic implements Statistic, Gauge {
  readonly type = 'gauge'
  readonly noReset = true
  read: () => number = () => 0
  readonly group: string
  readonly name: string
  readonly doc: string
  constructor(group: string, name: string, doc: string) {
    this.group = group
    this.name = name
    this.doc = doc
  }
  reset(): void {}
}
