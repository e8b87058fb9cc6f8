import { describe, expect, it } from 'vitest'
import cache from '../../../src/modules/cache/index.ts'
import cachedbLocal from '../../../src/modules/cachedb_local/index.ts'
import ratelimit from '../../../src/modules/ratelimit/index.ts'
import type { RouteContext } from '../../../src/script/context.ts'
import { moduleRig, TestVariable } from '../usrloc/module-rig.ts'

const m = null as unknown as RouteContext

function rig(params: Readonly<Record<string, string | number>> = {}) {
  const made = moduleRig([cache, cachedbLocal, ratelimit], { params: { ratelimit: { timer_interval: 1, ...params } } })
  made.start()
  const check = (name: string, limit: number, algorithm?: string) => made.call(m, 'rl_check', name, limit, algorithm)
  /** How many of so many calls pass. */
  const passing = (count: number, ...args: Parameters<typeof check>): number => {
    let passed = 0
    for (let i = 0; i < count; i++) if (check(...args) === 1) passed++
    return passed
  }
  const list = (params?: Readonly<Record<string, string>>) => made.command('rl_list', params)
  return { ...made, check, passing, list }
}

describe('rl_check', () => {
  it('counts pipes apart and takes the limit of each call', () => {
    const { passing } = rig()
    expect([passing(5, 'a', 3), passing(5, 'b', 4), passing(2, 'a', 100), passing(2, 'a', 3)]).toEqual([3, 4, 2, 0])
  })

  it('with limit 0 lets nothing pass', () => {
    expect(rig().passing(5, 'a', 0)).toBe(0)
  })

  it('multiplies the limit by the interval, unless it is for the interval', () => {
    expect(rig({ timer_interval: 5 }).passing(100, 'a', 3)).toBe(15)
    expect(rig({ timer_interval: 5, limit_per_interval: 1 }).passing(100, 'a', 3)).toBe(3)
  })

  it('keeps the first algorithm of a pipe and warns once', () => {
    const { passing, log, list } = rig()
    passing(3, 'a', 10, 'RED')
    passing(3, 'a', 10, 'TAILDROP')
    expect(log.lines.filter(line => line.startsWith('warn'))).toHaveLength(1)
    return expect(list()).resolves.toMatchObject({ Pipe: [{ algorithm: 'RED' }] })
  })

  it('takes the algorithm of pipes that name none from default_algorithm', () => {
    const { passing, list } = rig({ default_algorithm: 'red' })
    passing(1, 'a', 10)
    return expect(list()).resolves.toMatchObject({ Pipe: [{ algorithm: 'RED' }] })
  })

  it('refuses algorithms that do not exist when the script is loaded', () => {
    expect(() => rig().build('rl_check', 'a', 1, 'RAED')).toThrow('expected one of TAILDROP, RED')
    expect(() => rig({ default_algorithm: 'x' })).toThrow('default_algorithm')
  })

  it('cannot be used in the startup route', () => {
    expect(rig().tables.functions.get('rl_check')?.routes).not.toContain('startup')
  })
})

describe('RED', () => {
  it('lets all pass below twice the limit', async () => {
    const { clock, passing } = rig()
    passing(19, 'a', 10, 'RED')
    await clock.advance(1000)
    expect(passing(30, 'a', 10, 'RED')).toBe(30)
  })

  it('does not fail on limit 0', async () => {
    const { clock, passing } = rig()
    passing(10, 'a', 0, 'RED')
    await clock.advance(1000)
    expect(passing(10, 'a', 0, 'RED')).toBe(10)
  })
})

describe('SBT', () => {
  const params = { window_size: 1, slot_period: 200 }

  it('counts what lies in the window, slot by slot', () => {
    const { clock, passing } = rig(params)
    expect(passing(3, 'a', 5, 'SBT')).toBe(3)
    clock.advanceSync(400)
    expect(passing(3, 'a', 5, 'SBT')).toBe(2)
    clock.advanceSync(400)
    expect(passing(1, 'a', 5, 'SBT')).toBe(0)
    clock.advanceSync(200)
    // The first three have left; the three of slot 2 and the one of slot 4 remain.
    expect(passing(2, 'a', 5, 'SBT')).toBe(1)
  })

  it('is empty after a silence longer than the window', () => {
    const { clock, passing } = rig(params)
    passing(50, 'a', 5, 'SBT')
    clock.advanceSync(1000)
    expect(passing(50, 'a', 5, 'SBT')).toBe(5)
    clock.advanceSync(60_000)
    expect(passing(50, 'a', 5, 'SBT')).toBe(5)
  })

  it('shows its slots, the oldest first', async () => {
    const { clock, passing, command } = rig(params)
    passing(2, 'a', 5, 'SBT')
    clock.advanceSync(400)
    passing(1, 'a', 5, 'SBT')
    expect(await command('rl_dump_pipe', { pipe: 'a' })).toEqual({
      id: 'a',
      algorithm: 'SBT',
      limit: 5,
      counter: 3,
      current: 3,
      slots: [0, 0, 2, 0, 1],
    })
  })

  it('can take a call back and begin anew', () => {
    const { passing, call } = rig(params)
    passing(5, 'a', 5, 'SBT')
    expect([call(m, 'rl_dec_count', 'a'), passing(2, 'a', 5, 'SBT')]).toEqual([1, 1])
    expect([call(m, 'rl_reset_count', 'a'), passing(9, 'a', 5, 'SBT')]).toEqual([1, 5])
  })
})

describe('rl_dec_count, rl_reset_count, rl_values', () => {
  it('take calls back, begin anew, and say when there is no such pipe', () => {
    const { passing, call } = rig()
    passing(3, 'a', 3)
    expect([call(m, 'rl_dec_count', 'a'), passing(3, 'a', 3)]).toEqual([1, 1])
    expect([call(m, 'rl_reset_count', 'a'), passing(9, 'a', 3)]).toEqual([1, 3])
    expect([call(m, 'rl_dec_count', 'b'), call(m, 'rl_reset_count', 'b')]).toEqual([-1, -1])
  })

  it('lists names, also those that match', () => {
    const { passing, call } = rig()
    for (const name of ['in-1', 'in-2', 'out']) passing(1, name, 3)
    const [all, some] = [new TestVariable('$avp(a)'), new TestVariable('$avp(b)')]
    expect([call(m, 'rl_values', all), call(m, 'rl_values', some, '^in')]).toEqual([1, 1])
    expect([all.values, some.values]).toEqual([
      ['in-1', 'in-2', 'out'],
      ['in-1', 'in-2'],
    ])
    expect(call(m, 'rl_values', new TestVariable('$avp(c)'), '^x')).toBe(-1)
  })
})

describe('management', () => {
  it('lists one pipe, those that match, and those that do not', async () => {
    const { passing, list } = rig()
    for (const name of ['in-1', 'in-2', 'out']) passing(1, name, 3)
    const names = async (params?: Readonly<Record<string, string>>) =>
      ((await list(params)) as { Pipe: { id: string }[] }).Pipe.map(({ id }) => id)
    expect(await names()).toEqual(['in-1', 'in-2', 'out'])
    expect(await names({ pipe: 'out' })).toEqual(['out'])
    expect(await names({ filter: 'in-*' })).toEqual(['in-1', 'in-2'])
    expect(await names({ filter_out: 'in-*' })).toEqual(['out'])
    await expect(list({ pipe: 'x' })).rejects.toMatchObject({ code: 404 })
  })

  it('resets a pipe', async () => {
    const { passing, command } = rig()
    passing(3, 'a', 3)
    expect(await command('ratelimit:reset_pipe', { pipe: 'a' })).toBe('OK')
    expect(passing(9, 'a', 3)).toBe(3)
    await expect(command('rl_reset_pipe', { pipe: 'b' })).rejects.toMatchObject({ code: 404 })
  })

  it('gives and sets the weights of the controller', async () => {
    const { command } = rig()
    expect(await command('rl_get_pid')).toEqual({ ki: -25, kp: 0, kd: 0 })
    expect(await command('rl_set_pid', ['-10.5', 1, '0.25'])).toBe('OK')
    expect(await command('rl_get_pid')).toEqual({ ki: -10.5, kp: 1, kd: 0.25 })
    await expect(command('rl_set_pid', ['x', 1, 1])).rejects.toMatchObject({ code: 400 })
  })
})

describe('pipes', () => {
  it('that nobody uses are removed after expire_time', async () => {
    const { clock, passing, list } = rig({ expire_time: 10 })
    passing(1, 'a', 3)
    await clock.advance(5000)
    passing(1, 'b', 3)
    await clock.advance(6000)
    expect(await list()).toMatchObject({ Pipe: [{ id: 'b' }] })
    await clock.advance(5000)
    expect(await list()).toMatchObject({ Pipe: [] })
  })

  it('are at most 100 000, the one unused longest makes room', async () => {
    const { passing, check, list } = rig()
    passing(1, 'first', 3)
    for (let i = 0; i < 99_999; i++) check(`pipe ${i}`, 3)
    passing(1, 'first', 3)
    passing(1, 'last', 3)
    const names = ((await list()) as { Pipe: { id: string }[] }).Pipe.map(({ id }) => id)
    expect([names.length, names[0], names.at(-2), names.at(-1)]).toEqual([100_000, 'pipe 1', 'first', 'last'])
  })
})

describe('pipes shared through a cache system', () => {
  const params = { cachedb_url: 'local://' }

  it('are counted together by proxies that use the same system', async () => {
    const { check, clock } = rig(params)
    const verdicts = [await check('a/s', 2), await check('a/s', 2), await check('a/s', 2)]
    await clock.advance(1000)
    expect([...verdicts, await check('a/s', 2)]).toEqual([1, 1, -1, 1])
  })

  it('keep their counters under db_prefix and the name', async () => {
    const { check, command, clock } = rig({ ...params, db_prefix: 'p_' })
    await check('a/s', 2)
    const key = `p_a:${clock.nowMs() / 1000}`
    expect(await command('cache_fetch', ['local', key])).toMatchObject({ value: '1' })
    await command('cache_store', ['local', key, '7'])
    expect(await check('a/s', 8)).toBe(1)
    expect(await check('a/s', 8)).toBe(-1)
  })

  it('can be set back for all', async () => {
    const { check, call } = rig(params)
    await check('a/s', 2)
    expect([await call(m, 'rl_dec_count', 'a/s'), await check('a/s', 1)]).toEqual([1, 1])
    expect([await call(m, 'rl_reset_count', 'a/s'), await check('a/s', 1)]).toEqual([1, 1])
  })

  it('are counted alone while the system fails', async () => {
    const { check, command, clock, log } = rig(params)
    await command('cache_store', ['local', `rl_pipe_a:${clock.nowMs() / 1000}`, 'no number'])
    expect([await check('a/s', 1), await check('a/s', 1)]).toEqual([1, -1])
    expect(log.lines.some(line => line.includes('the cache system failed'))).toBe(true)
  })

  it('need cachedb_url, and a module that provides it', () => {
    expect(() => rig().build('rl_check', 'a/s', 1)).toThrow('cachedb_url')
    expect(() => rig({ cachedb_url: 'redis://127.0.0.1' })).toThrow('no module provides redis://127.0.0.1')
  })
})
