import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional, optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { Timer } from '../../util/clock.ts'
import { Collection } from './collection.ts'
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
    params: {
      cachedb_url: repeatedParam(
        'str',
        'Name of a cache system and the collection it leads to, `local:group:///collection`. Without any, `local` is ' +
          'the default collection.',
      ),
      cache_collections: optionalParam('str', 'Collections beside the default one, `name[/r][=size]; …`.'),
      cache_clean_period: param('int', 600, 'How often what has expired is removed.', { unit: 's' }),
      exec_threshold: param('int', 0, 'Accepted; no operation waits for anything.', { unit: 'µs', ignored: true }),
      cluster_id: param('int', 0, ONE_PROCESS, { ignored: true }),
      cluster_persistency: param('str', 'sync-from-cluster', ONE_PROCESS, { ignored: true }),
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
  ({ clock, log, params, use }) => {
    const collections = new Map(
      [DEFAULT_COLLECTION, ...parseCollections(params.cache_collections ?? '')].map(
        name => [name, new Collection(clock)] as const,
      ),
    )
    const urls = params.cachedb_url.length > 0 ? params.cachedb_url : ['local://']
    for (const { system, collection: name } of urls.map(parseCacheUrl)) {
      const found = collections.get(name)
      if (found === undefined) throw new Error(`cachedb_url: the collection "${name}" is not in cache_collections`)
      use('cache').register(system, found)
    }
    const find = (name = DEFAULT_COLLECTION): Collection => {
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
          find(name).removeMatching(pattern)
          return 'OK'
        },
        fetch_chunk: ({ glob: pattern, collection: name }) => ({ keys: find(name).matching(pattern) }),
      },
      start: () => {
        const periodMs = Math.max(1, params.cache_clean_period) * 1000
        cleaner = clock.every(periodMs, () => {
          for (const one of collections.values()) one.clean()
        })
      },
      stop: () => cleaner?.clear(),
    }
  },
)
