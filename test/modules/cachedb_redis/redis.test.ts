import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { LocalServer } from '../../support/local-server.ts'
import { freePort } from '../../support/ports.ts'
import { redisMissing, startRedis } from '../../support/redis-server.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'

/** A proxy with the system `redis:g` at these servers, whose script leaves what it has to say in `$var(r)`. */
const caching = (servers: string, route: string, params = '', routes = '') =>
  scriptProxy({
    top: `loadmodule "cachedb_redis.so"\nmodparam("cachedb_redis", "cachedb_url", "redis:g://${servers}")\n${params}\n${routes}`,
    route: `${route}\nsl_send_reply(299, "$var(r)");`,
  })

/** Asks, at a pace that leaves the machine to the server, until the reply is another; no third one may come. */
async function turnsTo(ask: () => Promise<string>, wanted: string, before: string): Promise<void> {
  for (let reply = await ask(); reply !== wanted; reply = await ask()) {
    expect(reply).toBe(before)
    await pause(10)
  }
}

describe.skipIf(redisMissing() !== undefined)('a cache system on Redis', () => {
  let redis: LocalServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  it('stores, fetches and removes values', async () => {
    const { ask } = await caching(
      `127.0.0.1:${redis.port}/1`,
      `cache_store("redis:g", "k $ci", "v ü"); $var(a) = $rc;
       cache_fetch("redis:g", "k $ci", $avp(v)); $var(b) = $rc; cache_remove("redis:g", "k $ci");
       $avp(none) = "untouched"; cache_fetch("redis:g", "k $ci", $avp(none));
       $var(r) = "$var(a) $var(b) $avp(v) $rc $avp(none)";`,
    )
    expect(await ask()).toBe('1 1 v ü -2 untouched')
  })

  it('counts, and a counter has a lifetime', async () => {
    const { ask, mi } = await caching(
      `127.0.0.1:${redis.port}`,
      `cache_add("redis:g", "n", 5, 100, $var(x)); cache_sub("redis:g", "n", 7, 0, $var(y));
       cache_counter_fetch("redis:g", "n", $var(z)); cache_store("redis:g", "t", "text", 50);
       cache_add("redis:g", "t", 1, 0); $var(e) = $rc; cache_add("redis:other", "t", 1, 0);
       $var(r) = "$var(x) $var(y) $var(z) $var(e) $rc";`,
    )
    expect(await ask()).toBe('5 -2 -2 -1 -1')
    const fetched = (await mi('cache_fetch', { system: 'redis:g', attr: 'n' })) as { ttl: number }
    expect(fetched.ttl).toBeGreaterThan(90)
    expect(await mi('cache_fetch', { system: 'redis:g', attr: 't' })).toMatchObject({ key: 't', value: 'text' })
  })

  it('answers raw queries: a list gives a value for each element', async () => {
    const { ask } = await caching(
      `127.0.0.1:${redis.port}/2`,
      `cache_raw_query("redis:g", "RPUSH list one 'two words' three"); cache_raw_query("redis:g", "LRANGE list 0 -1", "$avp(l)");
       cache_raw_query("redis:g", "LLEN list", "$avp(n)"); $var(a) = $rc;
       cache_raw_query("redis:g", "GET nothing", "$avp(x)"); $var(b) = $rc;
       cache_raw_query("redis:g", "NOSUCH command"); $var(c) = $rc; cache_raw_query("redis:g", "SUBSCRIBE x");
       $var(r) = "$(avp(l)[0])/$(avp(l)[1])/$(avp(l)[2]) $avp(n) $var(a) $var(b) $var(c) $rc";`,
    )
    expect(await ask()).toBe('one/two words/three 3 1 -2 -1 -1')
  })

  it('async() and launch()', async () => {
    const { ask, told } = await caching(
      `127.0.0.1:${redis.port}`,
      `launch(cache_store("redis:g", "l", "launched"), rep); async(cache_add("redis:g", "as $ci", 3, 0, $var(x)), resume);`,
      '',
      `route[resume] { t_reply(299, "$rc $var(x)"); }
       route[rep] { cache_fetch("redis:g", "l", $var(v)); xlog("«$rc $var(v)»\\n"); }`,
    )
    expect(await ask()).toBe('1 3')
    await until(() => told().length === 1)
    expect(told()).toEqual(['1 launched'])
  })

  it('the next server is taken when there is none at the first address', async () => {
    const { ask } = await caching(
      `127.0.0.1:${await freePort()},127.0.0.1:${redis.port}`,
      'cache_store("redis:g", "f", "x"); $var(r) = $rc;',
    )
    await turnsTo(ask, '1', '-1')
  })

  it('without connection everything fails at once; when Redis is back, it goes on', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const { ask, logged } = await caching(`127.0.0.1:${own.port}`, 'cache_store("redis:g", "a", "x"); $var(r) = $rc;')
    expect(await ask()).toBe('1')
    await own.kill()
    await turnsTo(ask, '-1', '1')
    for (let i = 0; i < 200; i++) expect(await ask()).toBe('-1')
    expect(logged('no connection to Redis')).toBe(1)
    await own.restart()
    await turnsTo(ask, '1', '-1')
    expect(logged('connected to Redis again')).toBe(1)
  })
})

describe('a server that is not as it should be', () => {
  it('does not keep the proxy from starting, unless shutdown_on_error says so', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`
    const { ask } = await caching(nowhere, 'cache_fetch("redis:g", "a", $var(v)); $var(r) = $rc;')
    expect(await ask()).toBe('-1')
    await expect(caching(nowhere, '$var(r) = 1;', 'modparam("cachedb_redis", "shutdown_on_error", 1)')).rejects.toThrow(
      'no connection',
    )
  })

  it('that never replies costs query_timeout, and every other message goes on', async () => {
    const sockets = new Set<Socket>()
    let isMute = false
    const server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', data => {
        if (isMute) return
        // Whatever is asked while a connection begins: INFO wants a text.
        for (const _ of data.toString().matchAll(/\*\d+\r\n/g)) socket.write('$14\r\nredis_mode:one\r\n')
      })
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const {
      ask,
      clock,
      phone,
      port: sip,
    } = await caching(
      `127.0.0.1:${port}`,
      'if ($rU == "free") $var(r) = "free"; else { cache_fetch("redis:g", "a", $var(v)); $var(r) = $rc; }',
    )
    isMute = true
    const before = clock.pending
    phone.request('MESSAGE', sip)
    phone.request('MESSAGE', sip)
    await until(() => clock.pending > before + 1)
    expect(await ask({ uri: 'sip:free@127.0.0.1' })).toBe('free')
    await clock.advance(5000)
    expect([(await phone.nextReply(299)).reason, (await phone.nextReply(299)).reason]).toEqual(['-1', '-1'])
  })
})
