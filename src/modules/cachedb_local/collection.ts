import type { CachedValue, CacheSystem } from '../../module/cache-systems.ts'
import type { Clock } from '../../util/clock.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'

interface Entry {
  readonly value: string
  /** Reading of the monotonic clock from which it is gone; Infinity for never. */
  readonly untilMs: number
}

/** A store in the memory of this process. What has expired is invisible at once and removed by {@link clean}. */
export class Collection implements CacheSystem {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many values there are, expired ones that were not removed yet among them. */
  get size(): number {
    return this.#entries.size
  }

  fetch(key: string): CachedValue | null {
    const entry = this.#live(key)
    if (entry === undefined) return null
    const restMs = entry.untilMs - this.#clock.monotonicMs()
    return { value: entry.value, ttlS: Number.isFinite(restMs) ? Math.ceil(restMs / 1000) : 0 }
  }

  store(key: string, value: string, ttlS: number): void {
    const untilMs = ttlS > 0 ? this.#clock.monotonicMs() + ttlS * 1000 : Number.POSITIVE_INFINITY
    this.#entries.set(key, { value, untilMs })
  }

  remove(key: string): void {
    this.#entries.delete(key)
  }

  add(key: string, delta: number, ttlS: number): number {
    const known = this.#live(key)?.value ?? '0'
    if (!/^[+-]?\d+$/.test(known)) throw new Error(`the value of "${key}" is no integer`)
    const sum = Number(known) + delta
    this.store(key, String(sum), ttlS)
    return sum
  }

  /** Every value that has not expired; `ttlS` as {@link fetch} gives it. */
  *all(): Iterable<CachedValue & { readonly key: string }> {
    for (const key of this.#entries.keys()) {
      const found = this.fetch(key)
      if (found !== null) yield { key, ...found }
    }
  }

  /** Every value whose key matches a shell wildcard. */
  matching(glob: string): readonly { readonly name: string; readonly value: string }[] {
    const { matches } = wildcardMatcher(glob)
    const nowMs = this.#clock.monotonicMs()
    return [...this.#entries].flatMap(([name, { value, untilMs }]) =>
      untilMs > nowMs && matches(name) ? [{ name, value }] : [],
    )
  }

  /** Removes every value whose key matches a shell wildcard. */
  removeMatching(glob: string): void {
    const { matches } = wildcardMatcher(glob)
    for (const name of this.#entries.keys()) if (matches(name)) this.#entries.delete(name)
  }

  /** Removes what has expired. */
  clean(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [name, { untilMs }] of this.#entries) if (untilMs <= nowMs) this.#entries.delete(name)
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry === undefined || entry.untilMs <= this.#clock.monotonicMs() ? undefined : entry
  }
}
