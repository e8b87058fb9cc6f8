import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { scriptCases } from './core/script-cases.ts'

const get = (proxy: ProxyUnderTest, ...names: string[]) => proxy.proxy.host.mi.call('statistics:get', [names])

async function proxyWith(script: string, clock = new VirtualClock()): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${script}\nroute {}`, { clock })
  onTestFinished(() => proxy.stop())
  return proxy
}

describe('statistics of the script', () => {
  scriptCases(
    [
      {
        title: 'update_stat() makes a counter in the group dynamic, adds to it and takes away',
        script:
          'update_stat("calls-$rU", 5); update_stat("calls-bob", -2); update_stat("calls-bob", 0); $var(rc) = $rc;',
        shows: '$var(rc) $stat(calls-bob) $stat(dynamic:calls-bob)',
        expected: '1 3 3',
      },
      {
        title: 'a declared group takes new statistics, any other gives −1',
        script: 'update_stat("billing:new", 2); $var(a) = $rc; update_stat("unknown:new", 2); $var(b) = $rc;',
        shows: '$var(a) $var(b) $stat(billing:new) $stat(unknown:new)',
        expected: '1 -1 2 <null>',
      },
      {
        title: 'reset_stat() sets back to 0, makes what is missing and leaves a no_reset one alone',
        script:
          'update_stat("r", 4); reset_stat("r"); reset_stat("made"); update_stat("keep:forever", 3); reset_stat("keep:forever");',
        shows: '$stat(r) $stat(made) $stat(keep:forever)',
        expected: '0 0 3',
      },
      {
        title: 'assigning to $stat resets it, whatever the value',
        script: 'update_stat("s", 4); $stat(s) = 0; $var(a) = $stat(s); update_stat("s", 4); $stat(s) = 9;',
        shows: '$var(a) $stat(s)',
        expected: '0 0',
      },
      {
        title: '$stat reads an integer, and NULL for an unknown name',
        script: 'update_stat("t", 4); $var(sum) = $stat(t) + 1;',
        shows: '$var(sum) $stat(nothing)',
        expected: '5 <null>',
      },
      {
        title: 'computed statistics are read and cannot be counted up',
        script: 'update_stat("core:timestamp", 1); $var(a) = $rc; if ($stat(core:rcv_requests) > 0) { $var(b) = 1; }',
        shows: '$var(a) $var(b)',
        expected: '-1 1',
      },
      {
        title: 'stat_iter_init() and stat_iter_next() go through a group',
        script:
          'update_stat("walk:a", 1); update_stat("walk:b", 2); stat_iter_init("walk", "it"); $var(all) = ""; ' +
          'while (stat_iter_next($var(n), $var(v), "it")) { $var(all) = $var(all) + $var(n) + "=" + $(var(v){s.len}) + $var(v) + " "; } ' +
          'stat_iter_init("nowhere", "it"); $var(rc) = $rc;',
        shows: '$var(all)$var(rc)',
        expected: 'a=11 b=12 -1',
      },
    ],
    `loadmodule "statistics.so"
     modparam("statistics", "stat_groups", "billing, walk")
     modparam("statistics", "variable", "keep:forever/no_reset")`,
  )
})

describe('statistics commands', () => {
  it('get shows those that variable declares, from the start', async () => {
    const proxy = await proxyWith(
      'loadmodule "statistics.so"\nmodparam("statistics", "variable", "one")\nmodparam("statistics", "variable", "g:two")',
    )
    expect(await get(proxy, 'one', 'g:')).toEqual({ 'dynamic:one': 0, 'g:two': 0 })
  })

  it('get passes over names that do not exist', async () => {
    const proxy = await proxyWith('')
    expect(await get(proxy, 'nothing', 'core:drop_replies')).toEqual({ 'core:drop_replies': 0 })
  })

  it('reset leaves computed ones alone and reset_all answers OK', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('', clock)
    await clock.advance(5000)
    expect(await proxy.proxy.host.mi.call('statistics:reset', [['core:timestamp']])).toBe('OK')
    expect(await get(proxy, 'core:timestamp')).toEqual({ 'core:timestamp': 5 })
    expect(await proxy.proxy.host.mi.call('reset_all_statistics', [])).toBe('OK')
  })

  it('the core groups have the names dashboards look for', async () => {
    const proxy = await proxyWith('')
    const names = Object.keys((await get(proxy, 'core:', 'net:', 'load:', 'shmem:')) as object)
    for (const name of [
      'core:rcv_requests',
      'core:slow_messages',
      'core:timestamp',
      'net:waiting_udp',
      'net:waiting_tcp',
      'load:load1m',
      'load:load10m-all',
      'shmem:real_used_size',
      'shmem:fragments',
    ])
      expect(names).toContain(name)
  })
})

describe('series', () => {
  it.each([
    ['accumulate', [4, 6], 10],
    ['average', [4, 7], 5],
    ['percentage', [3, -1], 75],
  ])('%s of %j is %i, and 0 when the window has passed', async (algorithm, values, expected) => {
    const clock = new VirtualClock()
    const updates = values.map(value => `update_stat_series("p", "s", ${value});`).join(' ')
    const proxy = await startProxy(
      `loadmodule "statistics.so"
       modparam("statistics", "stat_series_profile", "p: algorithm=${algorithm} window=10 slots=10 group=series")
       startup_route { ${updates} }
       route {}`,
      { clock },
    )
    onTestFinished(() => proxy.stop())
    await clock.advance(9000)
    expect(await get(proxy, 'series:s')).toEqual({ 'series:s': expected })
    await clock.advance(1000)
    expect(await get(proxy, 'series:s')).toEqual({ 'series:s': 0 })
  })

  it('a malformed profile is an error at load', async () => {
    const script =
      'loadmodule "statistics.so"\nmodparam("statistics", "stat_series_profile", "p: algorithm=median")\nroute {}'
    await expect(startProxy(script)).rejects.toThrow('algorithm is one of accumulate, average, percentage')
  })
})
