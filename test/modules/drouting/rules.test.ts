import { describe, expect, it } from 'vitest'
import { routing, someGateways, told } from './rig.ts'

const rule = (prefix: string, gwlist: string, more = {}) => ({ groupid: '0', prefix, gwlist, ...more })
const uri = (number: string, gateway: number): string => `sip:${number}@10.0.0.${gateway}`

describe('which rule', () => {
  const rules = [
    rule('', 'g1'),
    rule('40', 'g2'),
    rule('40', 'g3', { priority: 5 }),
    rule('4017', 'g4'),
    rule('4017', 'g5', { timerec: '20200101T000000|20200102T000000' }),
    rule('50', 'g5', { groupid: '7,8' }),
  ]
  it.each([
    ['401', '"0"', `1 ${uri('401', 3)} g3`, 'of equals the highest priority'],
    ['40179', '"0"', `1 ${uri('40179', 4)} g4`, 'the longest prefix'],
    ['4017', '"0"', `1 ${uri('4017', 4)} g4`, 'the prefix may be the whole number'],
    ['60', '"0"', `1 ${uri('60', 1)} g1`, 'without a prefix that of the empty one'],
    ['4a', '"0"', `1 ${uri('4a', 1)} g1`, 'a strange character leaves only that one'],
    ['+401', '"0"', `1 ${uri('+401', 1)} g1`, 'and so does a plus'],
    ['501', '"7"', `1 ${uri('501', 5)} g5`, 'a rule may be of several groups'],
    ['501', '"8"', `1 ${uri('501', 5)} g5`, 'of each of them'],
    ['401', '"7"', '-1 sip:401@127.0.0.1 <null>', 'another group has other rules'],
    ['501', '"9"', '-1 sip:501@127.0.0.1 <null>', 'a group without any'],
    ['4017', '"0", "L"', `1 ${uri('4017', 4)} g4`, 'L: the whole number'],
    ['40179', '"0", "L"', '-1 sip:40179@127.0.0.1 <null>', 'L: and no more of it'],
    ['401', '"0", , "g2"', '-1 sip:401@127.0.0.1 <null>', 'a whitelist leaves nothing of the rule'],
    ['401', '"0", "F", "g2"', `1 ${uri('401', 2)} g2`, 'F: the next rule then'],
    ['401', '"0", "F", "g1"', `1 ${uri('401', 1)} g1`, 'F: and a shorter prefix'],
    ['401', '"x"', '-1 sip:401@127.0.0.1 <null>', 'a group that is no number'],
    ['401', '"0", , , , , , "other"', '-1 sip:401@127.0.0.1 <null>', 'a partition that there is not'],
    ['401', '"Default:0"', `1 ${uri('401', 3)} g3`, 'the partition in the group, as in 2.x'],
  ])('%s in group %s: %s (%s)', async (number, args, expected) => {
    const { ask } = await routing({ gateways: someGateways(5), rules, route: told(args) })
    expect(await ask(number)).toBe(expected)
  })

  it('rules of times that are not now wait for them', async () => {
    const times = [
      rule('1', 'g1', { priority: 1, timerec: 'UTC|20200101T080000|20200101T180000|||daily' }),
      rule('1', 'g2'),
    ]
    const daily = times.map(row => ({
      ...row,
      ...('timerec' in row ? { timerec: 'UTC|20200101T080000|20200101T180000||daily' } : {}),
    }))
    const { ask, clock } = await routing({ gateways: someGateways(2), rules: daily, route: told('"0"') })
    const hour = new Date(clock.nowMs()).getUTCHours()
    await clock.advance(((24 + 12 - hour) % 24) * 3_600_000)
    expect(await ask('1')).toBe(`1 ${uri('1', 1)} g1`)
    await clock.advance(8 * 3_600_000)
    expect(await ask('1')).toBe(`1 ${uri('1', 2)} g2`)
  })

  it('the group is that of the caller: by user and domain, by user alone, or the default', async () => {
    const given = {
      gateways: someGateways(3),
      rules: [rule('1', 'g1', { groupid: '1' }), rule('1', 'g2', { groupid: '2' }), rule('1', 'g3', { groupid: '3' })],
      route: told(''),
    }
    const phone = (domain: string) => [{ username: 'phone', domain, groupid: 2 }]
    const known = await routing({ ...given, groups: phone('127.0.0.1') })
    expect(await known.ask('1')).toBe(`1 ${uri('1', 2)} g2`)
    const elsewhere = await routing({ ...given, groups: phone('example.com') })
    expect(await elsewhere.ask('1')).toBe('-1 sip:1@127.0.0.1 <null>')
    const any = await routing({ ...given, groups: phone('example.com'), params: { use_domain: 0 } })
    expect(await any.ask('1')).toBe(`1 ${uri('1', 2)} g2`)
    const usual = await routing({ ...given, params: { default_group: 3 } })
    expect(await usual.ask('1')).toBe(`1 ${uri('1', 3)} g3`)
  })

  it('dr_match only tells', async () => {
    const match = (args: string) => `dr_match(${args}); $var(rc) = $rc;`
    const { ask } = await routing({
      gateways: someGateways(1),
      rules: [rule('49', 'g1', { attrs: 'germany' })],
      route: `
        ${match('0, , "4930", $var(a)')} $var(x) = $var(rc);
        ${match('0, "L", "4930"')} $var(y) = $var(rc);
        ${match('0, "L", "49"')}
        send_reply(299, "$var(x) $var(a) $var(y) $var(rc) $ru");`,
    })
    expect(await ask('1')).toBe('1 germany -1 1 sip:1@127.0.0.1')
  })

  it('C only tells, and runs no route', async () => {
    const { ask } = await routing({
      gateways: someGateways(1),
      rules: [rule('1', 'g1', { routeid: 'mark' })],
      route: '$avp(m) = "no"; do_routing("0", "C"); $var(rc) = $rc; send_reply(299, "$var(rc) $ru $avp(m)");',
      routes: 'route[mark] { $avp(m) = "yes"; }',
    })
    expect(await ask('1')).toBe('1 sip:1@127.0.0.1 no')
    expect(await ask('2')).toBe('-1 sip:2@127.0.0.1 no')
  })
})

describe('the route of a rule', () => {
  const given = { gateways: someGateways(2), rules: [rule('1', 'g1', { routeid: 'mine' }), rule('', 'g2')] }
  it('runs before the gateways are used; the script goes on behind it', async () => {
    const { ask } = await routing({
      ...given,
      route: 'do_routing("0"); send_reply(299, "$ru $avp(seen)");',
      routes: 'route[mine] { $avp(seen) = $ru; exit; }',
    })
    expect(await ask('12')).toBe('sip:12@10.0.0.1 sip:12@127.0.0.1')
  })

  it('drop in it ends do_routing, with F too', async () => {
    const { ask } = await routing({ ...given, route: told('"0", "F"'), routes: 'route[mine] { drop; }' })
    expect(await ask('12')).toBe('-1 sip:12@127.0.0.1 <null>')
  })

  it('may wait', async () => {
    const { ask, clock } = await routing({
      ...given,
      global: 'loadmodule "cfgutils.so"',
      route: told('"0"'),
      routes: 'route[mine] { usleep("100000"); }',
    })
    let answer = ''
    void ask('12').then(phrase => {
      answer = phrase
    })
    while (answer === '') await clock.advance(10)
    expect(answer).toBe('1 sip:12@10.0.0.1 g1')
  })

  it('that calls do_routing again comes to an end', async () => {
    const { ask } = await routing({ ...given, route: told('"0"'), routes: 'route[mine] { do_routing("0"); }' })
    expect(await ask('12')).toMatch(/^1 /)
  })
})
