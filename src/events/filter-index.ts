import type { Value } from '../util/spec.ts'
import { asText, type Filter, fieldValue } from './filter.ts'

/** Anything that may have a filter. */
export interface Filtered {
  readonly filter: Filter | null
}

interface Place {
  readonly key: string
  readonly texts: readonly string[]
}

/** The entries kept under one field. */
interface Buckets<T> {
  readonly byText: Map<string, Set<T>>
  /** How many of them are empty. */
  empty: number
}

/**
 * Finds the entries whose filter an event meets. An entry with an equality condition is kept in a hash under that
 * field and text, so the cost of a search follows the number of matches; the others are tried one by one.
 */
export class FilterIndex<T extends Filtered> {
  readonly #places = new Map<T, Place | null>()
  readonly #scanned = new Set<T>()
  readonly #hashed = new Map<string, Buckets<T>>()

  /** How many entries have a filter. */
  #filters = 0
  #all: readonly T[] | undefined

  get size(): number {
    return this.#places.size
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#places.keys()
  }

  add(entry: T): void {
    const place = this.#choose(entry.filter)
    this.#places.set(entry, place)
    this.#all = undefined
    if (entry.filter !== null) this.#filters++
    if (place === null) this.#scanned.add(entry)
    else for (const text of place.texts) this.#bucket(place.key, text).add(entry)
  }

  remove(entry: T): void {
    const place = this.#places.get(entry)
    if (place === undefined) return
    this.#places.delete(entry)
    this.#all = undefined
    if (entry.filter !== null) this.#filters--
    if (place === null) this.#scanned.delete(entry)
    else for (const text of place.texts) this.#removeHashed(entry, place.key, text)
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
      const bucket = buckets.byText.get(asText(value))
      if (bucket === undefined) continue
      for (const entry of bucket) if (entry.filter?.matches(names, values)) found.push(entry)
    }
  }

  /** The equality condition whose buckets hold fewest entries so far: the most selective one. */
  #choose(filter: Filter | null): Place | null {
    let best: Place | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (const { key, equals } of filter?.conditions ?? []) {
      if (equals === null) continue
      const crowd = Math.max(0, ...equals.map(text => this.#hashed.get(key)?.byText.get(text)?.size ?? 0))
      if (crowd >= fewest) continue
      fewest = crowd
      best = { key, texts: equals }
    }
    return best
  }

  #bucket(key: string, text: string): Set<T> {
    let buckets = this.#hashed.get(key)
    if (buckets === undefined) this.#hashed.set(key, (buckets = { byText: new Map(), empty: 0 }))
    let bucket = buckets.byText.get(text)
    if (bucket === undefined) buckets.byText.set(text, (bucket = new Set()))
    else if (bucket.size === 0) buckets.empty--
    return bucket
  }

  /**
   * Empty buckets go when half of all are: a text that comes and goes would else leave a trace in the map each time, which
   * every look at it has to pass.
   */
  #removeHashed(entry: T, key: string, text: string): void {
    const buckets = this.#hashed.get(key)
    const bucket = buckets?.byText.get(text)
    if (buckets === undefined || bucket?.delete(entry) !== true || bucket.size > 0) return
    buckets.empty++
    const { byText } = buckets
    if (buckets.empty * 2 < byText.size) return
    for (const [known, { size }] of byText) if (size === 0) byText.delete(known)
    buckets.empty = 0
    if (byText.size === 0) this.#hashed.delete(key)
  }
}
