/** The collection there always is. */
export const DEFAULT_COLLECTION = 'default'

/** A name scripts use, and the collection it leads to. */
export interface CacheUrl {
  /** `local` or `local:group`. */
  readonly system: string
  readonly collection: string
}

/** Reads `local://` or `local:group:///collection`. Throws an Error that says what is wrong. */
export function parseCacheUrl(url: string): CacheUrl {
  const parts = /^local(?::([\w.-]+))?:\/\/[^/]*(?:\/([\w.-]*))?$/.exec(url.trim())
  if (parts === null) throw new Error(`cachedb_url "${url}": expected local:// or local:group:///collection`)
  const [, group, collection = ''] = parts
  return {
    system: group === undefined ? 'local' : `local:${group}`,
    collection: collection === '' ? DEFAULT_COLLECTION : collection,
  }
}

/** A collection as `cache_collections` declares it. */
export interface CollectionSettings {
  readonly name: string
  /** `/r`: shared with the nodes of the cluster. */
  readonly isReplicated: boolean
}

/**
 * The collections of `name[/r][=size]; …`. Sizes mean nothing here, for a Map grows by itself. Throws an Error that says what
 * is wrong.
 */
export function parseCollections(text: string): readonly CollectionSettings[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const [, name, mark] = /^([\w.-]+)(\/r)?(?:\s*=\s*\d+)?$/.exec(item) ?? []
      if (name === undefined) throw new Error(`cache_collections "${item}": expected name[/r][=size]`)
      return { name, isReplicated: mark !== undefined }
    })
}
