import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import { isRecord } from '../../cluster/message.ts'
import type { CachedValue, CacheSystem } from '../../module/cache-systems.ts'
import type { Collection } from './collection.ts'

/** What nodes tell each other of a collection. */
type Change =
  | { readonly change: 'store'; readonly key: string; readonly value: string; readonly ttlS: number }
  | { readonly change: 'add'; readonly key: string; readonly delta: number; readonly ttlS: number }
  | { readonly change: 'remove'; readonly key: string }
  | { readonly change: 'removeMatching'; readonly glob: string }

/** A collection whose changes are told to every other node, which make them too. Additions add up wherever they are made. */
export class ReplicatedCollection implements CacheSystem {
  readonly #collection: Collection
  readonly #tell: (change: Change) => void

  constructor(collection: Collection, tell: (change: Change) => void) {
    this.#collection = collection
    this.#tell = tell
  }

  fetch(key: string): CachedValue | null {
    return this.#collection.fetch(key)
  }

  store(key: string, value: string, ttlS: number): void {
    this.#collection.store(key, value, ttlS)
    this.#tell({ change: 'store', key, value, ttlS })
  }

  remove(key: string): void {
    this.#collection.remove(key)
    this.#tell({ change: 'remove', key })
  }

  add(key: string, delta: number, ttlS: number): number {
    const sum = this.#collection.add(key, delta, ttlS)
    this.#tell({ change: 'add', key, delta, ttlS })
    return sum
  }

  matching(glob: string): ReturnType<Collection['matching']> {
    return this.#collection.matching(glob)
  }

  removeMatching(glob: string): void {
    this.#collection.removeMatching(glob)
    this.#tell({ change: 'removeMatching', glob })
  }
}

/** What a node does for the collections of a cluster. `synchronises`: a node that starts gets what the others have. */
export function collectionHandlers(
  collections: ReadonlyMap<string, Collection>,
  synchronises: boolean,
): CapabilityHandlers {
  const handlers: CapabilityHandlers = {
    take: body => {
      if (!isRecord(body) || typeof body['collection'] !== 'string') return
      const collection = collections.get(body['collection'])
      const change = parseChange(body)
      if (collection !== undefined && change !== null) apply(collection, change)
    },
  }
  return synchronises ? { ...handlers, provide: () => everything(collections) } : handlers
}

/** Replaces collections by ones that tell `capability` of their changes. */
export function replicated(collections: ReadonlyMap<string, Collection>, capability: Capability) {
  return new Map(
    [...collections].map(([collection, inner]) => {
      const tell = (change: Change): void => void capability.broadcast({ collection, ...change })
      return [collection, new ReplicatedCollection(inner, tell)] as const
    }),
  )
}

function* everything(collections: ReadonlyMap<string, Collection>): Iterable<Change & { readonly collection: string }> {
  for (const [collection, entries] of collections)
    for (const { key, value, ttlS } of entries.all()) yield { collection, change: 'store', key, value, ttlS }
}

function apply(collection: Collection, change: Change): void {
  switch (change.change) {
    case 'store':
      collection.store(change.key, change.value, change.ttlS)
      return
    case 'add':
      collection.add(change.key, change.delta, change.ttlS)
      return
    case 'remove':
      collection.remove(change.key)
      return
    case 'removeMatching':
      collection.removeMatching(change.glob)
  }
}

const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function parseChange({ change, key, value, delta, ttlS, glob }: Readonly<Record<string, unknown>>): Change | null {
  if (change === 'removeMatching') return typeof glob === 'string' ? { change, glob } : null
  if (typeof key !== 'string') return null
  if (change === 'remove') return { change, key }
  if (!isSeconds(ttlS)) return null
  if (change === 'store') return typeof value === 'string' ? { change, key, value, ttlS } : null
  if (change !== 'add' || typeof delta !== 'number' || !Number.isSafeInteger(delta)) return null
  return { change, key, delta, ttlS }
}
