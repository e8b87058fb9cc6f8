import type { StatisticsRegistry } from '../../stats/stats.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import { Domain, type DomainListener, type DomainSettings } from './domain.ts'

/** Nodes whose ids never meet. */
const NODE_IDS = 100

/** Contacts taken out before other work gets its turn. */
const EXPIRY_SLICE = 5_000

/** All location tables. A table is made when a module first names it. */
export class LocationStore {
  readonly #domains = new Map<string, Domain>()
  readonly #clock: Clock
  readonly #stats: StatisticsRegistry
  readonly #settings: DomainSettings
  readonly #listener: DomainListener
  #lastId = 0
  /** Set where several nodes give ids: this one's number is their last two digits. */
  node: number | null = null
  /** Called for each table that is made from now on. */
  onDomain: (domain: Domain) => void = () => {}

  constructor(clock: Clock, stats: StatisticsRegistry, settings: DomainSettings, listener: DomainListener) {
    this.#clock = clock
    this.#stats = stats
    this.#settings = settings
    this.#listener = listener
  }

  /** The table of this name, made if there is none, with its statistics. */
  domain(name: string): Domain {
    const known = this.#domains.get(name)
    if (known !== undefined) return known
    const domain = new Domain(name, this.#clock, this.#settings, this.#listener, () => this.#nextId())
    this.#domains.set(name, domain)
    this.#addStatistics(domain)
    this.onDomain(domain)
    return domain
  }

  find(name: string): Domain | undefined {
    return this.#domains.get(name)
  }

  all(): IterableIterator<Domain> {
    return this.#domains.values()
  }

  /** Addresses of record in all tables. */
  get aorCount(): number {
    let count = 0
    for (const domain of this.#domains.values()) count += domain.aorCount
    return count
  }

  /** Takes expired contacts out every `intervalS`. */
  startExpiry(intervalS: number): Timer {
    let more: Timer | null = null
    const work = (): void => {
      let isDone = true
      for (const domain of this.#domains.values())
        if (domain.removeExpired(EXPIRY_SLICE) === EXPIRY_SLICE) isDone = false
      more = isDone ? null : this.#clock.after(0, work)
    }
    const ticks = this.#clock.every(intervalS * 1000, () => {
      if (more === null) work()
    })
    return {
      clear: () => {
        ticks.clear()
        more?.clear()
      },
    }
  }

  /** Microseconds of wall-clock time, moved on where they would repeat: unique as long as the clock is not set back. */
  #nextId(): number {
    const nowMs = Math.floor(this.#clock.nowMs())
    if (this.node === null) this.#lastId = Math.max(this.#lastId + 1, nowMs * 1000)
    else this.#lastId = Math.max(this.#lastId + NODE_IDS, nowMs * 1000 + (this.node % NODE_IDS))
    return this.#lastId
  }

  #addStatistics(domain: Domain): void {
    const { name } = domain
    this.#stats.gauge('usrloc', `${name}-users`, `Addresses of record in table ${name}.`).read = () => domain.aorCount
    this.#stats.gauge('usrloc', `${name}-contacts`, `Contacts in table ${name}.`).read = () => domain.contactCount
    domain.expired = this.#stats.counter('usrloc', `${name}-expires`, `Contacts of table ${name} that have expired.`)
  }
}
