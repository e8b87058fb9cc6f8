/** A row of what a cache system gave to a raw query: one text for each column. */
export type CacheRow = readonly string[]

type Eventually<T> = T | Promise<T>

/**
 * Where `cache_store()` and its like keep their values: what a cachedb module provides under one name, `local` or
 * `redis:group`. Values are texts. `ttlS` is in seconds, 0 for ever. Every method throws or rejects with an Error when
 * the system cannot do what is asked.
 */
export interface CacheSystem {
  /** Null when there is no such key. */
  fetch(key: string): Eventually<CachedValue | null>
  store(key: string, value: string, ttlS: number): Eventually<void>
  /** Also fine when there is no such key. */
  remove(key: string): Eventually<void>
  /** Adds to a counter, makes it when absent, renews its lifetime, and gives its new value. Rejects a value that is no integer. */
  add(key: string, delta: number, ttlS: number): Eventually<number>
  /** The rows a query in the system's own language gives. Absent where there is no such language. */
  query?(text: string): Eventually<readonly CacheRow[]>
}

export interface CachedValue {
  readonly value: string
  /** Seconds left; 0 for ever. */
  readonly ttlS: number
}

/** The name of the cache system that a URL means: `redis:group://host:port/` is `redis:group`. */
export const cacheSystemOf = (url: string): string => url.split('://', 1)[0] ?? url

/** The cache systems of the running proxy, by the names scripts call them by. */
export class CacheSystems {
  readonly #systems = new Map<string, CacheSystem>()

  /** Throws an Error when the name is taken. */
  register(name: string, system: CacheSystem): void {
    if (this.#systems.has(name)) throw new Error(`there are two cache systems named ${name}`)
    this.#systems.set(name, system)
  }

  find(name: string): CacheSystem | undefined {
    return this.#systems.get(name)
  }

  names(): readonly string[] {
    return [...this.#systems.keys()]
  }
}
