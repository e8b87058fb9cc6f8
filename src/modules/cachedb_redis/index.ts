import type { ConnectionOptions } from 'node:tls'
import { defineModule, param, repeatedParam } from '../../module/define.ts'
import { RedisSystem } from './redis-system.ts'
import { parseRedisUrl, type RedisUrl } from './redis-url.ts'

/** The cache systems `redis` and `redis:group`: values that Redis servers keep. */
export default defineModule(
  {
    name: 'cachedb_redis',
    doc: 'Cache systems on Redis servers, for `cache_store()` and its like.',
    depends: ['cache'],
    after: ['tls_mgm'],
    params: {
      cachedb_url: repeatedParam(
        'str',
        'Name of a cache system and its server, `redis:group://user:password@host:port/database`. Of several hosts, ' +
          'separated by commas, the next one is taken when a connection breaks.',
      ),
      connect_timeout: param('int', 5000, 'Longest wait for a connection.', { unit: 'ms' }),
      query_timeout: param('int', 5000, 'Longest wait for a reply; the connection is then made anew.', { unit: 'ms' }),
      shutdown_on_error: param('int', 0, 'Whether the proxy does not start where a server is not there.'),
      use_tls: param('int', 0, 'Whether TLS is spoken, by the client domain that `?tls_domain=name` names in the URL.'),
    },
  },
  ({ params, log, clock, use, find }) => {
    const urls = params.cachedb_url.map(parseRedisUrl)
    const systems: RedisSystem[] = []
    const tlsOf = ({ tlsDomain, system }: RedisUrl): ConnectionOptions | undefined => {
      if (params.use_tls === 0) return undefined
      if (tlsDomain === undefined) return {}
      const options = find('tls_mgm')?.clientOptions(tlsDomain)
      if (options === undefined)
        throw new Error(`cachedb_url of ${system}: there is no TLS client domain "${tlsDomain}"`)
      return options
    }
    return {
      start: async () => {
        // A large library: only where a script loads the module.
        const { Redis } = await import('ioredis')
        for (const url of urls) {
          const { connect_timeout: connectTimeoutMs, query_timeout: queryTimeoutMs } = params
          const system = new RedisSystem({
            url,
            log,
            clock,
            connectTimeoutMs,
            queryTimeoutMs,
            tls: tlsOf(url),
            open: options => new Redis(options),
          })
          systems.push(system)
          use('cache').register(url.system, system)
          await system.connect().catch((error: unknown) => {
            if (params.shutdown_on_error === 0) return
            for (const one of systems) one.close()
            throw error
          })
        }
      },
      stop: () => {
        for (const system of systems) system.close()
      },
    }
  },
)
