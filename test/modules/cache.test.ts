import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { scriptCases } from './core/script-cases.ts'

const LOCAL = 'loadmodule "cachedb_local.so"'

async function proxyWith(script: string, clock = new VirtualClock()): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${LOCAL}\n${script}\nroute {}`, { clock })
  onTestFinished(() => proxy.stop())
  return proxy
}
const call = (proxy: ProxyUnderTest, method: string, ...params: unknown[]) => proxy.proxy.host.mi.call(method, params)

describe('cache functions', () => {
  const { proxy } = scriptCases(
    [
      {
        title: 'cache_store() and cache_fetch() keep a value',
        script: 'cache_store("local", "k-$rU", "v $rm", 60); cache_fetch("local", "k-bob", $avp(out)); $var(rc) = $rc;',
        shows: '$var(rc) $avp(out)',
        expected: '1 v OPTIONS',
      },
      {
        title: 'cache_fetch() of nothing gives −2 and leaves the variable alone',
        script: '$avp(out) = "before"; cache_fetch("local", "nothing", $avp(out)); $var(rc) = $rc;',
        shows: '$var(rc) $avp(out)',
        expected: '-2 before',
      },
      {
        title: 'as a condition a value that is not there is false',
        script: 'if (cache_fetch("local", "nothing", $var(_))) { $var(a) = "found"; } else { $var(a) = "new"; }',
        shows: '$var(a)',
        expected: 'new',
      },
      {
        title: 'cache_remove() gives 1 also when there was nothing',
        script:
          'cache_store("local", "gone", "x"); cache_remove("local", "gone"); cache_remove("local", "gone"); ' +
          '$var(a) = $rc; cache_fetch("local", "gone", $var(x)); $var(b) = $rc;',
        shows: '$var(a) $var(b)',
        expected: '1 -2',
      },
      {
        title: 'cache_add() begins at 0, cache_sub() takes away, and cache_counter_fetch() reads an integer',
        script:
          'cache_add("local", "n", 5, 60, $var(a)); cache_sub("local", "n", 2, 60, $var(b)); cache_add("local", "n", 1, 0); ' +
          'cache_counter_fetch("local", "n", $var(c)); $var(c) = $var(c) + 10;',
        shows: '$var(a) $var(b) $var(c)',
        expected: '5 3 14',
      },
      {
        title: 'cache_counter_fetch() gives −2 for what is not there',
        script: 'cache_counter_fetch("local", "nothing", $var(c)); $var(rc) = $rc;',
        shows: '$var(rc) $var(c)',
        expected: '-2 <null>',
      },
      {
        title: 'counting on a value that is no number gives −1',
        script:
          'cache_store("local", "text", "abc"); cache_add("local", "text", 1, 0); $var(a) = $rc; ' +
          'cache_counter_fetch("local", "text", $var(x)); $var(b) = $rc;',
        shows: '$var(a) $var(b)',
        expected: '-1 -1',
      },
      {
        title: 'systems do not share their keys, and collections of the same URL do',
        script:
          'cache_store("local:a", "k", "in a"); cache_fetch("local", "k", $var(x)); $var(a) = $rc; ' +
          'cache_fetch("local:b", "k", $var(b));',
        shows: '$var(a) $var(b)',
        expected: '-2 in a',
      },
      {
        title: 'an unknown system gives −1',
        script: 'cache_store("redis:x", "k", "v"); $var(a) = $rc; cache_fetch("nowhere", "k", $var(x)); $var(b) = $rc;',
        shows: '$var(a) $var(b)',
        expected: '-1 -1',
      },
      {
        title: 'a system without a query language refuses cache_raw_query() with −1',
        script: 'cache_raw_query("local", "KEYS *", "$avp(k)"); $var(a) = $rc;',
        shows: '$var(a)',
        expected: '-1',
      },
      {
        title: 'cache_remove_chunk() removes by wildcard, in the default collection or in one named',
        script:
          'cache_store("local", "chunk-1", "x"); cache_store("local", "other", "y"); cache_store("local:a", "chunk-1", "z"); ' +
          'cache_remove_chunk("chunk-*"); cache_fetch("local", "chunk-1", $var(x)); $var(a) = $rc; ' +
          'cache_fetch("local:a", "chunk-1", $var(x)); $var(b) = $rc; cache_remove_chunk("shared", "chunk*"); ' +
          'cache_fetch("local:a", "chunk-1", $var(x)); $var(c) = $rc; cache_remove_chunk("none", "*"); $var(d) = $rc;',
        shows: '$var(a) $var(b) $var(c) $var(d)',
        expected: '-2 1 -2 -1',
      },
    ],
    `${LOCAL}
     modparam("cachedb_local", "cache_collections", "shared; big/r = 12")
     modparam("cachedb_local", "cachedb_url", "local://")
     modparam("cachedb_local", "cachedb_url", "local:a:///shared")
     modparam("cachedb_local", "cachedb_url", "local:b:///shared")`,
  )

  it('the log names the system that is unknown and those that are there', () => {
    expect(proxy().log.join('')).toMatch(
      /ERROR:cache: no such cache system system=redis:x known="local, local:a, local:b"/,
    )
  })
})

describe('cache commands', () => {
  for (const name of ['cache_store', 'cache_remove']) {
    it(`${name} answers as recorded`, async () => {
      const proxy = await proxyWith('')
      const recorded = (end: string) => readFileSync(`test/fixtures/golden/mi/${name}.datagram.${end}`, 'utf8')
      expect(JSON.parse((await proxy.proxy.host.mi.handle(recorded('req'))) ?? '')).toEqual(JSON.parse(recorded('out')))
    })
  }

  it('cache:fetch gives the value with the seconds it still has', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('', clock)
    await call(proxy, 'cache:store', 'local', 'k', 'v', 60)
    await call(proxy, 'cache:store', 'local', 'ever', 'w')
    await clock.advance(15_500)
    expect(await call(proxy, 'cache:fetch', 'local', 'k')).toEqual({ key: 'k', value: 'v', ttl: 45 })
    expect(await call(proxy, 'cachedb_fetch', 'local', 'ever')).toEqual({ key: 'ever', value: 'w' })
  })

  it('a value is gone when its time is over, also before the cleaner comes', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('', clock)
    await call(proxy, 'cache:store', 'local', 'k', 'v', 60)
    await clock.advance(60_000)
    await expect(call(proxy, 'cache:fetch', 'local', 'k')).rejects.toMatchObject({
      code: 404,
      message: 'Value not found',
    })
  })

  it('an unknown system is refused', async () => {
    const proxy = await proxyWith('')
    await expect(call(proxy, 'cache:store', 'redis', 'k', 'v')).rejects.toMatchObject({ code: 404 })
  })

  it('fetch_chunk lists keys by wildcard and remove_chunk removes them', async () => {
    const proxy = await proxyWith('')
    for (const key of ['a1', 'a2', 'b1']) await call(proxy, 'cache:store', 'local', key, `v${key}`)
    expect(await call(proxy, 'cachedb_local:fetch_chunk', 'a*')).toEqual({
      keys: [
        { name: 'a1', value: 'va1' },
        { name: 'a2', value: 'va2' },
      ],
    })
    expect(await call(proxy, 'cache_remove_chunk', 'a?')).toBe('OK')
    expect(await call(proxy, 'cache_fetch_chunk', '*')).toEqual({ keys: [{ name: 'b1', value: 'vb1' }] })
    await expect(call(proxy, 'cache_fetch_chunk', '*', 'nowhere')).rejects.toMatchObject({ code: 404 })
  })
})

describe('cachedb_local set-up', () => {
  it('is found under its former name', async () => {
    const proxy = await startProxy('loadmodule "localcache.so"\nroute {}')
    onTestFinished(() => proxy.stop())
    expect(await call(proxy, 'cache_store', 'local', 'k', 'v')).toBe('OK')
  })

  it.each([
    ['cachedb_url', 'redis://x', 'cachedb_url "redis://x": expected local://'],
    ['cachedb_url', 'local:a:///none', 'the collection "none" is not in cache_collections'],
    ['cache_collections', 'a b', 'cache_collections "a b": expected name'],
  ])('%s = "%s" is refused', async (name, value, message) => {
    const script = `${LOCAL}\nmodparam("cachedb_local", "${name}", "${value}")\nroute {}`
    await expect(startProxy(script)).rejects.toThrow(message)
  })
})
