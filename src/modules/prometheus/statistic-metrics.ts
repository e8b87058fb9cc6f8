import { Counter, Gauge, type Registry } from 'prom-client'
import type { Statistic, StatisticsRegistry } from '../../stats/stats.ts'

/** How names are made (prometheus reference). */
export interface Naming {
  readonly prefix: string
  readonly delimiter: string
  /** 0: the group is left out, 1: it is part of the name, 2: it is a label. */
  readonly groupMode: 0 | 1 | 2
  readonly groupLabel: string
  /** `all`, groups (`tm:`) and single statistics, separated by blanks. */
  readonly selection: string
}

/** Makes the metrics of the statistics there are now; those that appear later are added by the next call. */
export class StatisticMetrics {
  readonly #registry: Registry
  readonly #stats: StatisticsRegistry
  readonly #naming: Naming
  /** Statistics by the name of their metric; with a group label several share one. */
  readonly #byName = new Map<string, Statistic[]>()
  readonly #known = new Set<Statistic>()

  constructor(registry: Registry, stats: StatisticsRegistry, naming: Naming) {
    this.#registry = registry
    this.#stats = stats
    this.#naming = naming
  }

  refresh(): void {
    for (const statistic of this.#stats.all()) {
      if (this.#known.has(statistic) || !this.#isSelected(statistic)) continue
      this.#known.add(statistic)
      this.#add(statistic)
    }
  }

  #add(statistic: Statistic): void {
    const name = this.#nameOf(statistic)
    const sharing = this.#byName.get(name)
    if (sharing !== undefined) {
      sharing.push(statistic)
      return
    }
    const statistics = [statistic]
    this.#byName.set(name, statistics)
    const label = this.#naming.groupMode === 2 ? this.#naming.groupLabel : undefined
    const options = {
      name,
      help: statistic.doc || name,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
    }
    const labelsOf = ({ group }: Statistic): Record<string, string> => (label === undefined ? {} : { [label]: group })
    if (statistic.type === 'counter') {
      new Counter({
        ...options,
        collect() {
          this.reset()
          for (const one of statistics) this.inc(labelsOf(one), Math.max(0, one.read()))
        },
      })
    } else {
      new Gauge({
        ...options,
        collect() {
          for (const one of statistics) this.set(labelsOf(one), one.read())
        },
      })
    }
  }

  #nameOf({ group, name }: Statistic): string {
    const { prefix, delimiter, groupMode } = this.#naming
    const parts = [prefix, groupMode === 1 ? group : '', name].filter(part => part !== '')
    // What Prometheus does not allow in a name.
    const text = parts.join(delimiter).replace(/[^a-zA-Z0-9_:]/g, '_')
    return /^\d/.test(text) ? `_${text}` : text
  }

  #isSelected({ group, name }: Statistic): boolean {
    const words = this.#naming.selection.split(/\s+/).filter(word => word !== '')
    return words.some(word => word === 'all' || word === `${group}:` || word === name || word === `${group}:${name}`)
  }
}
