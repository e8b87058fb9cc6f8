import { MiError } from '../../mi/management-interface.ts'
import type { ModuleApis } from '../../module/define.ts'
import { arg, defineModule, optional, optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { Timer } from '../../util/clock.ts'
import { Collection } from './collection.ts'
import { collectionHandlers, type ReplicatedCollection, replicated } from './replication.ts'
import { DEFAULT_COLLECTION, parseCacheUrl, parseCollections } from './settings.ts'

const glob = arg('glob', 'str', 'Shell wildcard for the keys.')
const collection = optional(arg('collection', 'str', 'Collection to look in; the default one if absent.'))
const ONE_PROCESS = 'Accepted; values live in the memory of this process and go with it.'

/** The cache system `local`: values in the memory of the proxy. */
export default defineModule(
  {
    name: 'cachedb_local',
    aliases: ['localcache'],
    doc: 'Cache systems in memory, for `cache_store()` and its like.',
    depends: ['cache'],
    after: ['clusterer'],
    params: {
      cachedb_url: repeatedParam(
        'str',
        'Name of a cache system and the collection it leads to, `local:group:///collection`. Without any, `local` is ' +
          'the default collection.',
      ),
      cache_collections: optionalParam(
        'str',
        'Collections beside the default one, `name[/r][=size]; …`. Those with `/r` (`default/r` too) are shared with the nodes of the cluster.',
      ),
      cache_clean_period: param('int', 600, 'How often what has expired is removed.', { unit: 's' }),
      cache_table_size: param('int', 9, 'Accepted; collections have the size that is needed.', { ignored: true }),
      exec_threshold: param('int', 0, 'Accepted; no operation waits for anything.', { unit: 'µs', ignored: true }),
      cluster_id: param('int', 0, 'Cluster whose nodes share the collections marked with `/r`; 0 for none.'),
      cluster_persistency: param(
        'str',
        'sync-from-cluster',
        '`sync-from-cluster`: a node that starts gets what the others have; `none`: it begins empty.',
      ),
      enable_restart_persistency: param('int', 0, ONE_PROCESS, { ignored: true }),
    },
    functions: {
      cache_remove_chunk: {
        args: [optional(arg('first', 'str', 'Collection, or the wildcard when it is alone.')), optional(glob)],
        routes: ['request', 'onreply', 'failure', 'branch', 'local', 'startup', 'timer', 'event'],
        returns: '1 removed; −1 there is no such collection',
        doc: 'Removes every value whose key matches a shell wildcard: `cache_remove_chunk([collection,] glob)`.',
      },
    },
    commands: {
      remove_chunk: {
        args: [glob, collection],
        doc: 'removes the values whose keys match a wildcard',
        aliases: ['cache_remove_chunk'],
      },
      fetch_chunk: {
        args: [glob, collection],
        doc: 'lists the values whose keys match a wildcard',
        aliases: ['cache_fetch_chunk'],
      },
    },
  },
  ({ clock, log, params, find, use }) => {
    const declared = parseCollections(params.cache_collections ?? '')
    const plain = new Map(
      [DEFAULT_COLLECTION, ...declared.map(({ name }) => name)].map(name => [name, new Collection(clock)] as const),
    )
    const marked = new Set(declared.filter(({ isReplicated }) => isReplicated).map(({ name }) => name))
    const shared = params.cluster_id === 0 ? [] : share(params, plain, marked, find('clusterer'))
    const collections = new Map<string, Collection | ReplicatedCollection>([...plain, ...shared])
    const urls = params.cachedb_url.length > 0 ? params.cachedb_url : ['local://']
    for (const { system, collection: name } of urls.map(parseCacheUrl)) {
      const found = collections.get(name)
      if (found === undefined) throw new Error(`cachedb_url: the collection "${name}" is not in cache_collections`)
      use('cache').register(system, found)
    }
    const choose = (name = DEFAULT_COLLECTION): Collection | ReplicatedCollection => {
      const found = collections.get(name)
      if (found === undefined) throw new MiError(404, 'Collection not found')
      return found
    }
    let cleaner: Timer | null = null
    return {
      functions: {
        cache_remove_chunk: (first, second) => {
          const pattern = second ?? first
          if (pattern === undefined) throw new Error('cache_remove_chunk() needs a wildcard for the keys')
          return m => {
            const name = second === undefined ? undefined : first?.read(m)
            const found = collections.get(name ?? DEFAULT_COLLECTION)
            if (found !== undefined) found.removeMatching(pattern.read(m))
            else log.error('no such collection', { collection: name })
            return found === undefined ? -1 : 1
          }
        },
      },
      commands: {
        remove_chunk: ({ glob: pattern, collection: name }) => {
          choose(name).removeMatching(pattern)
          return 'OK'
        },
        fetch_chunk: ({ glob: pattern, collection: name }) => ({ keys: choose(name).matching(pattern) }),
      },
      start: () => {
        const periodMs = Math.max(1, params.cache_clean_period) * 1000
        cleaner = clock.every(periodMs, () => {
          for (const one of plain.values()) one.clean()
        })
      },
      stop: () => cleaner?.clear(),
    }
  },
)

interface ClusterParams {
  readonly cluster_id: number
  readonly cluster_persistency: string
}

/** The marked collections, shared with the other nodes. Throws an Error that says what is missing. */
function share(
  { cluster_id: cluster, cluster_persistency: persistency }: ClusterParams,
  collections: ReadonlyMap<string, Collection>,
  marked: ReadonlySet<string>,
  clusterer: ModuleApis['clusterer'] | undefined,
): ReadonlyMap<string, ReplicatedCollection> {
  if (clusterer === undefined) throw new Error('cluster_id is set: is a loadmodule "clusterer.so" missing?')
  if (marked.size === 0) throw new Error('cluster_id is set, but cache_collections marks no collection with "/r"')
  if (persistency !== 'none' && persistency !== 'sync-from-cluster')
    throw new Error(`cluster_persistency: expected none or sync-from-cluster, got "${persistency}"`)
  const shared = new Map([...collections].filter(([name]) => marked.has(name)))
  const handlers = collectionHandlers(shared, persistency !== 'none')
  return replicated(shared, clusterer.share(cluster, 'cachedb-local-repl', handlers))
}
