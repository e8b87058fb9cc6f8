import { MiError } from '../../mi/management-interface.ts'
import { type CacheSystem, CacheSystems } from '../../module/cache-systems.ts'
import { arg, defineModule, optional } from '../../module/define.ts'
import { cacheFunctionSpecs, cacheFunctions } from './functions.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    /** Where cachedb modules register what they provide. */
    cache: CacheSystems
  }
}

const system = arg('system', 'str', 'Cache system, `local` or `local:group`.')
const attr = arg('attr', 'str', 'Key of the value.')

/** Key-value stores for scripts and management. Always loaded; cachedb modules provide the stores. */
export default defineModule(
  {
    name: 'cache',
    doc: 'Key-value stores: the functions and commands that work on those which cachedb modules provide.',
    functions: cacheFunctionSpecs,
    commands: {
      store: {
        args: [
          system,
          attr,
          arg('value', 'str', 'The value.'),
          optional(arg('expire', 'int', 'Seconds it is kept; 0 or absent is for ever.')),
        ],
        doc: 'stores in a cache system a string value',
        aliases: ['cache_store', 'cachedb_store'],
      },
      fetch: {
        args: [system, attr],
        doc: 'queries for a cache stored value',
        aliases: ['cache_fetch', 'cachedb_fetch'],
      },
      remove: {
        args: [system, attr],
        doc: 'removes a record from the cache system',
        aliases: ['cache_remove', 'cachedb_remove'],
      },
    },
  },
  ({ host, log }) => {
    const systems = new CacheSystems()
    const find = (name: string): CacheSystem => {
      const found = systems.find(name)
      if (found === undefined) throw new MiError(404, 'Cache system not found')
      return found
    }
    return {
      api: systems,
      functions: cacheFunctions({ systems, log, variable: text => host.script.variable(text) }),
      commands: {
        store: async ({ system: name, attr: key, value, expire = 0 }) => {
          if (expire < 0) throw new MiError(400, 'Bad expire')
          await find(name).store(key, value, expire)
          return 'OK'
        },
        fetch: async ({ system: name, attr: key }) => {
          const cached = await find(name).fetch(key)
          if (cached === null) throw new MiError(404, 'Value not found')
          return { key, value: cached.value, ...(cached.ttlS > 0 ? { ttl: cached.ttlS } : {}) }
        },
        remove: async ({ system: name, attr: key }) => {
          await find(name).remove(key)
          return 'OK'
        },
      },
    }
  },
)
