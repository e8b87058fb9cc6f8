/**
 * Entries by key, of which most keys have one: that one stands for itself, without a set around it. A key that has no entry
 * any more stays in the map until half of all are such: one that comes and goes would else leave a trace each time, which
 * every look at it has to pass.
 */
export class Buckets<K, T extends object> {
  readonly #byKey = new Map<K, T | Set<T> | undefined>()
  #empty = 0

  /** No key has an entry. */
  get isEmpty(): boolean {
    return this.#byKey.size === this.#empty
  }

  /** The entry of this key, or all of them where there are several. */
  get(key: K): T | ReadonlySet<T> | undefined {
    return this.#byKey.get(key)
  }

  count(key: K): number {
    const bucket = this.#byKey.get(key)
    if (bucket === undefined) return 0
    return bucket instanceof Set ? bucket.size : 1
  }

  has(key: K, entry: T): boolean {
    const bucket = this.#byKey.get(key)
    return bucket instanceof Set ? bucket.has(entry) : bucket === entry
  }

  put(key: K, entry: T): void {
    const bucket = this.#byKey.get(key)
    if (bucket instanceof Set) bucket.add(entry)
    else if (bucket !== undefined) this.#byKey.set(key, new Set([bucket, entry]))
    else {
      if (this.#byKey.has(key)) this.#empty--
      this.#byKey.set(key, entry)
    }
  }

  /** False when it was not there. */
  take(key: K, entry: T): boolean {
    if (!this.has(key, entry)) return false
    const bucket = this.#byKey.get(key)
    if (bucket instanceof Set && bucket.delete(entry) && bucket.size > 0) return true
    this.#byKey.set(key, undefined)
    if (++this.#empty * 2 >= this.#byKey.size) this.#sweep()
    return true
  }

  /** Every entry, in the order in which the keys came. */
  *[Symbol.iterator](): Iterator<T> {
    for (const bucket of this.#byKey.values()) {
      if (bucket instanceof Set) yield* bucket
      else if (bucket !== undefined) yield bucket
    }
  }

  #sweep(): void {
    for (const [key, bucket] of this.#byKey) if (bucket === undefined) this.#byKey.delete(key)
    this.#empty = 0
  }
}
