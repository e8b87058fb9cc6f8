import type { Value } from '../util/spec.ts'
import { Buckets } from './buckets.ts'
import { type Filter, fieldValue } from './filter.ts'
import { asText } from './filter-conditions.ts'

/** Anything that may have a filter. */
export interface Filtered {
  readonly filter: Filter | null
}

/** A field and the texts of which its value must be one. */
interface Place {
  readonly key: string
  readonly texts: readonly string[]
}

/**
 * Finds the entries whose filter an event meets. An entry with an equality condition is kept in a hash under that
 * field and text, so the cost of a search follows the number of matches; the others are tried one by one. Nothing is kept
 * of an entry but its place in the hash: where that is follows from its filter.
 */
export class FilterIndex<T extends Filtered & object> {
  readonly #scanned = new Set<T>()
  readonly #hashed = new Map<string, Buckets<string, T>>()
  #size = 0

  /** How many entries have a filter. */
  #filters = 0
  #all: readonly T[] | undefined

  get size(): number {
    return this.#size
  }

  /** An entry that is there already must not be added again. */
  add(entry: T): void {
    const place = this.#choose(entry.filter)
    this.#all = undefined
    this.#size++
    if (entry.filter !== null) this.#filters++
    if (place === null) this.#scanned.add(entry)
    else for (const text of place.texts) this.#put(entry, place.key, text)
  }

  remove(entry: T): void {
    const place = this.#scanned.delete(entry) ? undefined : this.#placeOf(entry)
    if (place === null) return
    this.#all = undefined
    this.#size--
    if (entry.filter !== null) this.#filters--
    for (const text of place?.texts ?? []) this.#take(entry, place?.key ?? '', text)
  }

  /** All entries, where none has a filter: an array made once for many searches; do not change it. */
  unfiltered(): readonly T[] | undefined {
    if (this.#filters > 0) return undefined
    return (this.#all ??= [...this.#scanned])
  }

  /** Adds to `found` each entry that has no filter or whose filter holds. */
  collect(names: readonly string[] | null, values: readonly (Value | undefined)[], found: T[]): void {
    for (const entry of this.#scanned)
      if (entry.filter === null || entry.filter.matches(names, values)) found.push(entry)
    for (const [key, buckets] of this.#hashed) {
      const value = fieldValue(names, values, key)
      if (value === undefined || value === null) continue
      const bucket = buckets.get(asText(value))
      if (bucket === undefined) continue
      if (bucket instanceof Set) {
        for (const entry of bucket as ReadonlySet<T>) if (entry.filter?.matches(names, values)) found.push(entry)
      } else if ((bucket as T).filter?.matches(names, values)) found.push(bucket as T)
    }
  }

  /** The equality condition whose buckets hold fewest entries so far: the most selective one. */
  #choose(filter: Filter | null): Place | null {
    let best: Place | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (const { key, equals } of filter?.conditions ?? []) {
      if (equals === null) continue
      const crowd = Math.max(0, ...equals.map(text => this.#hashed.get(key)?.count(text) ?? 0))
      if (crowd >= fewest) continue
      fewest = crowd
      best = { key, texts: equals }
    }
    return best
  }

  /** Where an entry is kept; null when it is not there. */
  #placeOf(entry: T): Place | null {
    for (const { key, equals } of entry.filter?.conditions ?? []) {
      const [first] = equals ?? []
      if (equals === null || first === undefined) continue
      if (this.#hashed.get(key)?.has(first, entry) === true) return { key, texts: equals }
    }
    return null
  }

  #put(entry: T, key: string, text: string): void {
    let buckets = this.#hashed.get(key)
    if (buckets === undefined) this.#hashed.set(key, (buckets = new Buckets()))
    buckets.put(text, entry)
  }

  #take(entry: T, key: string, text: string): void {
    const buckets = this.#hashed.get(key)
    if (buckets?.take(text, entry) === true && buckets.isEmpty) this.#hashed.delete(key)
  }
}
