import type { Value } from '../util/spec.ts'
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

/** The entries kept under one field. */
interface Buckets<T> {
  /** By the text wanted; most texts are wanted by one entry, some by nobody any more. */
  readonly byText: Map<string, T | Set<T> | undefined>
  /** How many are wanted by nobody. */
  empty: number
}

/**
 * Finds the entries whose filter an event meets. An entry with an equality condition is kept in a hash under that
 * field and text, so the cost of a search follows the number of matches; the others are tried one by one. Nothing is kept
 * of an entry but its place in the hash: where that is follows from its filter.
 */
export class FilterIndex<T extends Filtered> {
  readonly #scanned = new Set<T>()
  readonly #hashed = new Map<string, Buckets<T>>()
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
      const bucket = buckets.byText.get(asText(value))
      if (bucket === undefined) continue
      if (!(bucket instanceof Set)) {
        if (bucket.filter?.matches(names, values)) found.push(bucket)
      } else for (const entry of bucket) if (entry.filter?.matches(names, values)) found.push(entry)
    }
  }

  /** The equality condition whose buckets hold fewest entries so far: the most selective one. */
  #choose(filter: Filter | null): Place | null {
    let best: Place | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (const { key, equals } of filter?.conditions ?? []) {
      if (equals === null) continue
      const crowd = Math.max(0, ...equals.map(text => sizeOf(this.#hashed.get(key)?.byText.get(text))))
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
      const bucket = this.#hashed.get(key)?.byText.get(first)
      if (bucket instanceof Set ? bucket.has(entry) : bucket === entry) return { key, texts: equals }
    }
    return null
  }

  #put(entry: T, key: string, text: string): void {
    let buckets = this.#hashed.get(key)
    if (buckets === undefined) this.#hashed.set(key, (buckets = { byText: new Map(), empty: 0 }))
    const { byText } = buckets
    const bucket = byText.get(text)
    if (bucket instanceof Set) bucket.add(entry)
    else if (bucket !== undefined) byText.set(text, new Set([bucket, entry]))
    else {
      if (byText.has(text)) buckets.empty--
      byText.set(text, entry)
    }
  }

  /**
   * Empty buckets go when half of all are: a text that comes and goes would else leave a trace in the map each time, which
   * every look at it has to pass.
   */
  #take(entry: T, key: string, text: string): void {
    const buckets = this.#hashed.get(key)
    const bucket = buckets?.byText.get(text)
    if (buckets === undefined || bucket === undefined) return
    if (bucket instanceof Set && bucket.delete(entry) && bucket.size > 0) return
    const { byText } = buckets
    byText.set(text, undefined)
    buckets.empty++
    if (buckets.empty * 2 < byText.size) return
    for (const [known, left] of byText) if (left === undefined) byText.delete(known)
    buckets.empty = 0
    if (byText.size === 0) this.#hashed.delete(key)
  }
}

function sizeOf<T>(bucket: T | Set<T> | undefined): number {
  if (bucket === undefined) return 0
  return bucket instanceof Set ? bucket.size : 1
}
