import type { CacheSystem } from '../../module/cache-systems.ts'
import type { Clock } from '../../util/clock.ts'

interface SharedCounterOptions {
  readonly system: CacheSystem
  readonly clock: Clock
  /** Put before the names of pipes (`db_prefix`). */
  readonly prefix: string
  readonly intervalS: number
}

/**
 * Counts calls of pipes named `…/s` in a cache system, together with the other proxies that use it. Intervals follow the
 * wall clock, so that all of them close theirs at the same time.
 */
export class SharedCounter {
  readonly #options: SharedCounterOptions

  constructor(options: SharedCounterOptions) {
    this.#options = options
  }

  /** Counts a call and gives how many all proxies have counted in this interval. Rejects where the system fails. */
  async hit(pipe: string): Promise<number> {
    return this.#add(pipe, 1)
  }

  /** Takes one call back. */
  async decrement(pipe: string): Promise<void> {
    await this.#add(pipe, -1)
  }

  async reset(pipe: string): Promise<void> {
    await this.#options.system.remove(this.#key(pipe))
  }

  async #add(pipe: string, delta: number): Promise<number> {
    const { system, intervalS } = this.#options
    return system.add(this.#key(pipe), delta, 2 * intervalS)
  }

  #key(pipe: string): string {
    const { prefix, clock, intervalS } = this.#options
    return `${prefix}${pipe}:${Math.floor(clock.nowMs() / 1000 / intervalS)}`
  }
}
