import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import cfgutils from '../../../src/modules/cfgutils/index.ts'
import { chooseByWeight } from '../../../src/modules/cfgutils/value-functions.ts'
import { startScenario } from '../../interop/scenarios/rig.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { moduleRig, TestVariable } from '../usrloc/module-rig.ts'

const OPTIONS = `OPTIONS sip:a@b SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1
From: <sip:a@b>;tag=1
To: <sip:a@b>
Call-ID: 1
CSeq: 1 OPTIONS

`

function rig(params: Readonly<Record<string, string | number>> = {}) {
  const made = moduleRig([cfgutils], { params: { cfgutils: params }, startMs: Date.UTC(2026, 0, 3, 12) })
  const m = made.context(OPTIONS)
  return { ...made, m, run: (name: string, ...args: unknown[]) => made.call(m, name, ...args) }
}

/** Runs statements of a script on one OPTIONS and gives what they log, each line behind `said `. */
async function say(statements: string, before = '') {
  const scenario = await startScenario(`
socket=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "cfgutils.so"
${before}
route { ${statements} sl_send_reply(200, "OK"); }
`)
  const alice = await SipUa.open('alice')
  const ask = async (): Promise<string[]> => {
    alice.request('OPTIONS', scenario.port)
    await alice.nextReply(200)
    return scenario.log.flatMap(line => /said (.*)\n/.exec(line)?.[1] ?? [])
  }
  return { scenario, alice, ask }
}

describe('chance', () => {
  it('rand_event is never true at 0 and always at 100 per cent', () => {
    const { run } = rig({ initial_probability: 100 })
    const verdicts = (...args: number[]) => new Set(Array.from({ length: 200 }, () => run('rand_event', ...args)))
    expect([verdicts(), verdicts(0), verdicts(100)]).toEqual([new Set([1]), new Set([-1]), new Set([1])])
    expect(verdicts(50)).toEqual(new Set([1, -1]))
  })

  it('the probability is set, read and reset by scripts and management alike', async () => {
    const { run, command } = rig()
    expect([run('rand_get_prob'), run('rand_set_prob', 30), run('rand_set_prob', 101), run('rand_get_prob')]).toEqual([
      10, 1, -1, 30,
    ])
    expect(await command('rand_get_prob')).toEqual({ Probability: 30 })
    expect(await command('cfgutils:rand_set_prob', ['40'])).toBe('OK')
    expect(run('rand_get_prob')).toBe(40)
    expect(await command('rand_reset_prob')).toBe('OK')
    expect(run('rand_get_prob')).toBe(10)
    expect([run('rand_set_prob', 5), run('rand_reset_prob'), run('rand_get_prob')]).toEqual([1, 1, 10])
    await expect(command('rand_set_prob', [101])).rejects.toMatchObject({ code: 400 })
    expect(() => rig({ initial_probability: 101 })).toThrow('initial_probability')
  })

  it.each([
    [0, 0],
    [0.24, 0],
    [0.25, 2],
    [0.99, 2],
  ])('at %d the weights 10, 0, 30 choose index %i', (chance, index) => {
    expect(chooseByWeight([10, 0, 30], chance)).toBe(index)
  })

  it('set_select_weight tells which value, counted from 1, or that there is none', () => {
    const { run } = rig()
    expect(run('set_select_weight', new TestVariable('$avp(w)', 0, 7, 0))).toBe(2)
    expect(run('set_select_weight', new TestVariable('$avp(w)', 0, 0))).toBe(-1)
    expect(run('set_select_weight', new TestVariable('$avp(w)'))).toBe(-1)
  })

  it('shuffle_avps keeps the values and changes their order', () => {
    const { run } = rig()
    const values = Array.from({ length: 100 }, (_, i) => i)
    const set = new TestVariable('$avp(x)', ...values)
    expect(run('shuffle_avps', set)).toBe(1)
    expect(set.values).not.toEqual(values)
    expect(set.values.toSorted((a, b) => Number(a) - Number(b))).toEqual(values)
    expect(run('shuffle_avps', new TestVariable('$avp(y)'))).toBe(1)
  })
})

describe('variables', () => {
  it('$shv is shared by messages and begins with shvset, or 0', async () => {
    const { ask, scenario } = await say(
      '$shv(n) = $shv(n) + 1; xlog("said $shv(n) $shv(word) $shv(none)\\n");',
      'modparam("cfgutils", "shvset", "n=i:5")\nmodparam("cfgutils", "shvset", "word=s:a=b c")',
    )
    await ask()
    expect(await ask()).toEqual(['6 a=b c 0', '7 a=b c 0'])
    expect(await scenario.mi('shv_get', { name: 'n' })).toEqual({ name: 'n', type: 'int', value: 7 })
    expect(await scenario.mi('shv_set', { name: 'n', type: 'int', value: '1' })).toBe('OK')
    expect((await ask()).at(-1)).toBe('2 a=b c 0')
    expect(await scenario.mi('cfgutils:shv_get')).toEqual({
      VARs: [
        { name: 'n', type: 'int', value: 2 },
        { name: 'word', type: 'str', value: 'a=b c' },
      ],
    })
  })

  it.each([
    [['n', 'float', '1'], 400],
    [['n', 'int', 'one'], 400],
  ])('shv_set refuses %j with %i', async (params, code) => {
    await expect(rig().command('shv_set', params)).rejects.toMatchObject({ code })
  })

  it('shv_get of a variable that was never set is refused with 404', async () => {
    await expect(rig().command('shv_get', ['n'])).rejects.toMatchObject({ code: 404 })
  })

  it('varset gives every request the same beginning', async () => {
    const { ask } = await say(
      '$var(n) = $var(n) + 1; xlog("said $var(n)\\n");',
      'modparam("cfgutils", "varset", "n=i:5")',
    )
    await ask()
    expect(await ask()).toEqual(['6', '6'])
  })

  it('a preset that cannot be read is an error', async () => {
    await expect(
      startProxy('loadmodule "cfgutils.so"\nmodparam("cfgutils", "shvset", "n=5")\nroute { exit; }\n'),
    ).rejects.toThrow('name=i:number')
  })

  it('$ctime reads the local time, $env the environment, $RANDOM another number each time', async () => {
    const fields = ['year', 'month', 'day', 'hour', 'min', 'sec', 'wday', 'yday']
    const { ask, scenario } = await say(
      `xlog("said ${fields.map(name => `$ctime(${name})`).join(' ')}\\n"); xlog("said $env(PATH) $env(NO_SUCH_THING)\\n");
xlog("said $RANDOM\\n"); xlog("said $RANDOM\\n");`,
    )
    const t = new Date(scenario.clock.nowMs())
    const [time, environment, ...random] = await ask()
    expect(time).toBe(`${t.getFullYear()} ${t.getMonth() + 1} ${t.getDate()} ${t.getHours()} 0 0 ${t.getDay() + 1} 1`)
    expect(environment).toBe(`${process.env['PATH']} <null>`)
    expect(random[0]).not.toBe(random[1])
    expect(random.every(text => /^\d+$/.test(text) && Number(text) < 2 ** 31)).toBe(true)
  })

  it('$ctime of something else is an error when the script is loaded', async () => {
    await expect(startProxy('loadmodule "cfgutils.so"\nroute { xlog("$ctime(week)\\n"); }\n')).rejects.toThrow(
      '$ctime() knows',
    )
  })

  it('set_count counts the values of a variable', async () => {
    const { ask } = await say('$avp(x) = 1; $avp(x) = 2; set_count($(avp(x)[*]), $var(n)); xlog("said $var(n)\\n");')
    expect(await ask()).toEqual(['2'])
  })
})

describe('time', () => {
  it('sleep and usleep wait by the clock while other messages go on', async () => {
    const { scenario, alice } = await say('if ($ua == "slow") { usleep(1500000); sleep(1); }')
    alice.request('OPTIONS', scenario.port, { callId: 'slow', headers: 'User-Agent: slow\r\n' })
    alice.request('OPTIONS', scenario.port)
    expect((await alice.nextReply(200)).callId).not.toBe('slow')
    await scenario.clock.advance(2499)
    expect(alice.count({ status: 200 })).toBe(1)
    await scenario.clock.advance(1)
    expect((await alice.nextReply(200)).callId).toBe('slow')
  })

  it('async(sleep()) goes on in the resume route', async () => {
    const { scenario, alice } = await say('async(sleep(2), later);', 'route[later] { sl_send_reply(202, "Later"); }')
    alice.request('OPTIONS', scenario.port)
    await scenario.clock.advance(1)
    alice.send(alice.makeRequest('OPTIONS').replace(/^CSeq: .*$/m, 'CSeq: 1 OTHER'), scenario.port)
    await alice.nextReply(400)
    await scenario.clock.advance(2000)
    await alice.nextReply(202)
  })

  it('a negative time is refused', () => {
    const { run } = rig()
    expect([run('sleep', -1), run('usleep', -1)]).toEqual([-1, -1])
  })

  it.each([
    [[10, 0, 7, 999_999], '2000001', 2_000_001],
    [[7, 999_999, 10, 0], '2000001', 2_000_001],
  ])('ts_usec_delta of %j is %s', (times, text, number) => {
    const [asText, asNumber] = [new TestVariable('$var(t)'), new TestVariable('$var(n)')]
    expect(rig().run('ts_usec_delta', ...times, asText, asNumber)).toBe(1)
    expect([asText.get(), asNumber.get()]).toEqual([text, number])
  })

  it('ts_usec_delta refuses a number that no integer of a script holds, and still writes the text', () => {
    const [text, number] = [new TestVariable('$var(t)'), new TestVariable('$var(n)')]
    expect(rig().run('ts_usec_delta', 0, 0, 3000, 0, text, number)).toBe(-1)
    expect([text.get(), number.get()]).toEqual(['3000000000', null])
    expect(rig().run('ts_usec_delta', 0, 0, 3000, 0, text)).toBe(1)
  })

  it('get_accurate_time reads the clock', async () => {
    const { run, clock } = rig()
    await clock.advance(42)
    const [seconds, rest, text] = [
      new TestVariable('$var(s)'),
      new TestVariable('$var(u)'),
      new TestVariable('$var(t)'),
    ]
    expect(run('get_accurate_time', seconds, rest, text)).toBe(1)
    expect([seconds.get(), rest.get(), text.get()]).toEqual([1_767_441_600, 42_000, '1767441600.042000'])
  })

  it('check_time_rec judges the present, or the time given', () => {
    const { run } = rig()
    const noon = 'UTC|20260101T120000||PT1H|daily'
    expect([run('check_time_rec', noon), run('check_time_rec', noon, 1_767_441_599)]).toEqual([1, -1])
  })

  it('check_time_rec refuses a constant that cannot be read when the script is loaded, and a variable with −2 or −3', async () => {
    expect(() => rig().build('check_time_rec', 'never')).toThrow('YYYYMMDDThhmmss')
    expect(() => rig().build('check_time_rec', 'Mars/Olympus|20260101')).toThrow('unknown time zone')
    const check = (text: string) => `$var(r) = "${text}"; check_time_rec("$var(r)"); xlog("said $rc\\n");`
    const { ask } = await say(check('never|x') + check('Mars/Olympus|20260101') + check('20200101'))
    expect(await ask()).toEqual(['-2', '-3', '1'])
  })
})

describe('locks', () => {
  const CRITICAL = `
get_dynamic_lock("$ua"); xlog("said in $ci\\n"); sleep(1); xlog("said out $ci\\n"); release_dynamic_lock("$ua");`

  it('let messages in one after the other, in the order they came, and other keys at once', async () => {
    const { scenario, alice } = await say(CRITICAL)
    for (const [callId, agent] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'x'],
      ['d', 'y'],
    ] as const) {
      alice.request('OPTIONS', scenario.port, { callId, headers: `User-Agent: ${agent}\r\n` })
    }
    alice.send(alice.makeRequest('OPTIONS').replace(/^CSeq: .*$/m, 'CSeq: 1 OTHER'), scenario.port)
    await alice.nextReply(400)
    await scenario.clock.advance(3000)
    for (let i = 0; i < 4; i++) await alice.nextReply(200)
    const said = scenario.log.flatMap(line => /said (.*)\n/.exec(line)?.[1] ?? [])
    expect(said.filter(line => !line.endsWith('d'))).toEqual(['in a', 'out a', 'in b', 'out b', 'in c', 'out c'])
    expect(said.indexOf('in d')).toBeLessThan(said.indexOf('out a'))
  })

  it('a message that takes its lock again is told instead of waiting for itself', async () => {
    const { ask, scenario } = await say(
      'get_static_lock("k"); get_static_lock("k"); xlog("said $rc\\n"); release_static_lock("k"); release_static_lock("k"); xlog("said $rc\\n");',
    )
    expect(await ask()).toEqual(['-1', '-1'])
    expect(scenario.logged('holds this lock already lock=k')).toBe(1)
  })

  it('a lock that a script leaves behind is given up at its end', async () => {
    const { ask, scenario } = await say('get_static_lock("k"); xlog("said in\\n");')
    await ask()
    expect(await ask()).toEqual(['in', 'in'])
    expect(scenario.logged('ended with a lock held lock=k')).toBeGreaterThan(0)
  })

  it('equal names share a lock, others never', () => {
    const { run } = rig()
    expect([run('strings_share_lock', 'a', 'a'), run('strings_share_lock', 'a', 'b')]).toEqual([1, -1])
  })
})

describe('the process', () => {
  it('abort() stops it in good order', async () => {
    const { scenario, alice } = await say('if ($ua == "enough") abort();')
    alice.request('OPTIONS', scenario.port, { headers: 'User-Agent: enough\r\n' })
    await scenario.proxy.stopRequested
    expect(scenario.logged('ALERT:cfgutils: abort() in the script')).toBe(1)
  })

  it('pkg_status and shm_status log its memory', async () => {
    const { ask, scenario } = await say('pkg_status(); shm_status();')
    await ask()
    expect(scenario.logged('memory in bytes rss=')).toBe(2)
  })

  it('the hash of a file is kept and compared', async () => {
    const scenario = await startScenario(
      'loadmodule "cfgutils.so"\nsocket=udp:127.0.0.1:@PORT@\nmodparam("cfgutils", "hash_file", "@DIR@/test.cfg")\nroute { exit; }\n',
    )
    expect(await scenario.mi('get_config_hash')).toMatch(/^[0-9a-f]{32}$/)
    expect(await scenario.mi('check_config_hash')).toContain('is identical')
    writeFileSync(join(scenario.folder, 'test.cfg'), 'changed')
    await expect(scenario.mi('check_config_hash')).rejects.toMatchObject({ code: 400 })
  })

  it('without hash_file there is none', async () => {
    await expect(rig().command('get_config_hash')).rejects.toMatchObject({ code: 404 })
    await expect(rig().command('check_config_hash')).rejects.toMatchObject({ code: 404 })
  })
})
