import { describe, expect, it } from 'vitest'
import { Carrier, type Member, orderDestinations } from '../../../src/modules/drouting/destinations.ts'
import { Gateway } from '../../../src/modules/drouting/gateway.ts'
import { gatewayUri } from '../../../src/modules/drouting/session.ts'
import { parseUri } from '../../../src/sip/codec/uri.ts'
import { gateways } from '../../support/table-proxy.ts'
import { routing, someGateways, told } from './rig.ts'

const makeGateway = (id: string, address = '10.0.0.1', more = {}): Gateway =>
  new Gateway({
    id,
    type: 0,
    address,
    strip: 0,
    prefix: '',
    attrs: null,
    probeMode: 0,
    state: 0,
    socketText: null,
    ...more,
  })
const any = (): boolean => true

describe('the order of destinations', () => {
  const [a, b, c] = [makeGateway('a'), makeGateway('b'), makeGateway('c')]
  const members = (...list: readonly (readonly [Gateway | Carrier, number])[]): readonly Member[] =>
    list.map(([to, weight]) => ({ to, weight }))
  const ids = (found: ReturnType<typeof orderDestinations>) =>
    found.map(({ gateway, carrier }) => gateway.id + (carrier === null ? '' : `/${carrier.id}`)).join(' ')
  const carrier = (id: string, list: readonly Member[], isFirstOnly = false) =>
    new Carrier({ id, members: list, sort: 'listed', isFirstOnly, attrs: null }, true)

  it('is that of the list, each gateway once', () => {
    expect(ids(orderDestinations(members([b, 0], [a, 0], [b, 0]), 'listed', any))).toBe('b a')
  })

  it('carriers expand to their own lists; disabled ones and gateways that cannot be used are left out', () => {
    const whole = carrier('x', members([a, 0], [b, 0]))
    expect(ids(orderDestinations(members([whole, 0], [c, 0]), 'listed', any))).toBe('a/x b/x c')
    expect(ids(orderDestinations(members([whole, 0], [c, 0]), 'listed', one => one !== a))).toBe('b/x c')
    whole.isEnabled = false
    expect(ids(orderDestinations(members([whole, 0], [c, 0]), 'listed', any))).toBe('c')
  })

  it('a carrier may give only the first of its gateways that can be used', () => {
    const first = carrier('x', members([a, 0], [b, 0]), true)
    expect(ids(orderDestinations(members([first, 0]), 'listed', any))).toBe('a/x')
    expect(ids(orderDestinations(members([first, 0]), 'listed', one => one !== a))).toBe('b/x')
  })

  it('by weights the heavy come first in proportion, those of weight 0 last', () => {
    const firsts = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 4000; i++) {
      const found = orderDestinations(members([a, 30], [b, 10], [c, 0]), 'weights', any)
      expect(found).toHaveLength(3)
      expect(found[2]?.gateway.id).toBe('c')
      firsts[found[0]?.gateway.id as 'a' | 'b' | 'c']++
    }
    expect(firsts.a / 4000).toBeGreaterThan(0.68)
    expect(firsts.a / 4000).toBeLessThan(0.82)
  })

  it('weights that are all 0 mean any order', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 300; i++) seen.add(ids(orderDestinations(members([a, 0], [b, 0], [c, 0]), 'weights', any)))
    expect(seen.size).toBe(6)
  })
})

describe('the Request-URI for a gateway', () => {
  it.each([
    ['sip:123@h', {}, '10.0.0.1', 'sip:123@10.0.0.1'],
    ['sip:123@h', { strip: 1, prefix: '00' }, '10.0.0.1:5070', 'sip:0023@10.0.0.1:5070'],
    ['sip:123@h', {}, 'sip:gw.example.com;transport=tcp', 'sip:123@gw.example.com;transport=tcp'],
    ['sip:123@h;user=phone;transport=udp', {}, 'sip:gw;transport=tcp', 'sip:123@gw;transport=tcp;user=phone'],
    ['sip:123@h;maddr=1.2.3.4', {}, 'gw', 'sip:123@gw'],
    ['sip:123:pw@h?x=y', {}, 'gw', 'sip:123:pw@gw?x=y'],
    ['sip:h', { prefix: '9' }, 'gw', 'sip:9@gw'],
    ['sip:123@h', {}, 'sips:gw', 'sips:123@gw'],
    ['tel:+4930', { strip: 1 }, '[::1]:5070', 'sip:4930@[::1]:5070'],
    ['sip:123@h', { strip: 3 }, 'gw', null],
  ])('%s with %j to %s is %s', (uri, data, address, expected) => {
    const parsed = parseUri(uri)
    expect(parsed).not.toBeNull()
    if (parsed !== null) expect(gatewayUri(parsed, makeGateway('g', address, data))).toBe(expected)
  })
})

describe('a call', () => {
  const NEXT = `failure_route[gw] {
      if (use_next_gw($var(r), $var(g), $var(c))) { t_on_failure("gw"); $avp(said) = "$var(r)/$var(g)/$var(c)"; t_relay(); }
      else t_reply(480, "$avp(said) $(avp(___dr_gw_id__)[*])");
  }`

  it('goes through the gateways of a rule, then with F those of the next ones; use_next_gw gives their attributes', async () => {
    const [a, b, c] = await gateways('a', 'b', 'c')
    const address = (ua: typeof a) => (ua?.address ?? '').replace('sip:', '')
    const { phone, port } = await routing({
      gateways: [
        { gwid: 'a', address: address(a), strip: 2, pri_prefix: '00' },
        { gwid: 'b', address: address(b), attrs: 'beta' },
        { gwid: 'c', address: address(c) },
      ],
      carriers: [{ carrierid: 'x', gwlist: 'b', sort_alg: 'N', attrs: 'carrier x' }],
      rules: [
        { groupid: '0', prefix: '49', gwlist: 'a,#x', attrs: 'first' },
        { groupid: '0', prefix: '4', gwlist: 'c', attrs: 'second' },
      ],
      route: 'if (!do_routing("0", "F")) { send_reply(404, "No"); exit; } t_on_failure("gw"); t_relay();',
      routes: NEXT,
    })
    phone.request('INVITE', port, { uri: 'sip:4930@127.0.0.1' })
    for (const [ua, number] of [
      [a, '0030'],
      [b, '4930'],
      [c, '4930'],
    ] as const) {
      const invite = await ua?.nextRequest('INVITE')
      expect(invite?.requestUri).toBe(`sip:${number}@127.0.0.1:${ua?.port}`)
      if (invite !== undefined) ua?.reply(invite, 503, 'No')
    }
    expect((await phone.nextReply(480)).reason).toBe('second/<null>/<null> c')
  })

  it('a gateway that was disabled meanwhile is passed over', async () => {
    const [a, b, c] = await gateways('a', 'b', 'c')
    const { phone, port, mi } = await routing({
      gateways: [a, b, c].map((ua, i) => ({ gwid: 'abc'.charAt(i), address: (ua?.address ?? '').replace('sip:', '') })),
      rules: [{ groupid: '0', prefix: '', gwlist: 'a,b,c' }],
      route: 'do_routing("0"); t_on_failure("gw"); t_relay();',
      routes: NEXT,
    })
    phone.request('INVITE', port, { uri: 'sip:1@127.0.0.1' })
    const first = await a?.nextRequest('INVITE')
    await mi('dr_gw_status', { gw_id: 'b', status: 0 })
    await mi('dr_reload')
    if (first !== undefined) a?.reply(first, 503, 'No')
    await c?.nextRequest('INVITE')
    expect(b?.received).toEqual([])
  })

  it('route_to_gw and route_to_carrier go by id', async () => {
    const { ask } = await routing({
      gateways: [...someGateways(2), { gwid: 'g3', address: '10.0.0.3', attrs: 'x' }],
      carriers: [{ carrierid: 'c1', gwlist: 'g3,g2', sort_alg: 'N', attrs: 'cx' }],
      route: `
        route_to_gw("g2,nobody"); $var(a) = $ru;
        route_to_carrier("#c1,none", $var(ga), $var(ca)); $var(b) = $ru;
        route_to_gw("nobody"); $var(rc) = $rc;
        send_reply(299, "$var(a) $var(b) $var(ga) $var(ca) $var(rc)");`,
    })
    expect(await ask('1')).toBe('sip:1@10.0.0.2 sip:1@10.0.0.3 x cx -1')
  })

  it('the AVPs show what was chosen and what is left', async () => {
    const { ask } = await routing({
      gateways: [
        { gwid: 'g1', address: '10.0.0.1', pri_prefix: '9', attrs: 'a1' },
        { gwid: 'g2', address: '10.0.0.2' },
      ],
      carriers: [{ carrierid: 'c', gwlist: 'g2', sort_alg: 'N', attrs: 'ca' }],
      rules: [{ ruleid: 17, groupid: '0', prefix: '4', gwlist: 'g1,#c', attrs: 'ra' }],
      params: {
        gw_priprefix_avp: '$avp(prefix)',
        gw_attrs_avp: '$avp(ga)',
        carrier_id_avp: '$avp(c)',
        carrier_attrs_avp: '$avp(ca)',
        rule_id_avp: '$avp(rule)',
        rule_prefix_avp: '$avp(rp)',
        rule_attrs_avp: '$avp(ra)',
      },
      route: `do_routing("0", , , $var(r), $var(g), $var(c)); send_reply(299,
        "$ru|$(avp(___dr_ruri__)[*])|$(avp(___dr_gw_id__)[*])|$avp(prefix)|$avp(ga)|$(avp(c)[1])|$(avp(ca)[1])|$avp(rule)|$avp(rp)|$avp(ra)|$var(r)|$var(g)|$var(c)");`,
    })
    expect(await ask('41')).toBe('sip:941@10.0.0.1|sip:41@10.0.0.2|g1, g2|9|a1|c|ca|17|4|ra|ra|a1|<null>')
  })
})

describe('is_from_gw and its like', () => {
  const given = async (route: string, params = {}) => {
    const [a] = await gateways('a')
    const proxy = await routing({
      gateways: [
        { gwid: 'g1', type: 3, address: '127.0.0.1:9', strip: 1 },
        { gwid: 'g2', type: 4, address: '127.0.0.9', pri_prefix: '12', attrs: 'x' },
        { gwid: 'g3', type: 5, address: 'gw.example.com:5070' },
      ],
      carriers: [{ carrierid: 'c2', gwlist: 'g2', sort_alg: 'N', attrs: 'cx' }],
      hosts: { 'gw.example.com': '10.9.9.9' },
      route,
      params,
    })
    return { ...proxy, a }
  }
  const tell = (call: string): string =>
    `$var(n) = 0; ${call}; $var(rc) = $rc; send_reply(299, "$var(rc) $rU $avp(___dr_gw_id__) $avp(c) $var(g) $var(c)");`

  it.each([
    ['is_from_gw()', '-1 123 <null> <null> <null> <null>'],
    ['is_from_gw(, "n")', '1 123 <null> <null> <null> <null>'],
    ['is_from_gw(3, "nis")', '1 23 g1 <null> <null> <null>'],
    ['is_from_gw(4, "n")', '-1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:127.0.0.9")', '1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:127.0.0.9:77", -1, "icp", $var(g), $var(c))', '1 3 g2 c2 x cx'],
    ['dr_is_gw("sip:127.0.0.1:9", 3)', '1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:127.0.0.1:8", 3)', '-1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:gw.example.com:5070")', '1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:10.9.9.9:5070;transport=tcp")', '1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("sip:10.9.9.9:5070;transport=tcp", , "r")', '-1 123 <null> <null> <null> <null>'],
    ['dr_is_gw("nonsense")', '-1 123 <null> <null> <null> <null>'],
  ])('%s', async (call, expected) => {
    const { ask } = await given(tell(call), { carrier_id_avp: '$avp(c)' })
    expect(await ask('123')).toBe(expected)
  })

  it('goes_to_gw looks at $du first', async () => {
    const { ask } = await given(
      'goes_to_gw(); $var(a) = $rc; $du = "sip:127.0.0.9"; goes_to_gw(4); $var(b) = $rc; send_reply(299, "$var(a) $var(b)");',
    )
    expect(await ask('123')).toBe('-1 1')
  })

  it('with force_dns 0 names are not known by their addresses', async () => {
    const { ask } = await given(tell('dr_is_gw("sip:10.9.9.9:5070")'), { force_dns: 0 })
    expect(await ask('123')).toMatch(/^-1 /)
  })

  it.each([
    ['do_routing("0", "X");', 'unknown flag "X", expected F, L, C or W'],
    ['is_from_gw(, "q");', 'expected letters out of s, p, i, c, n and r'],
  ])('%s is refused at load', async (route, message) => {
    await expect(routing({ route })).rejects.toThrow(message)
  })
})

describe('sockets', () => {
  it('a gateway is sent to from its socket; with matched-only those of others are not used', async () => {
    const gateway = (gwid: string, socket: string) => ({ gwid, address: `10.0.0.${gwid.slice(1)}`, socket })
    const tables = {
      gateways: [gateway('g1', 'udp:192.0.2.1:5060'), gateway('g2', '')],
      rules: [{ groupid: '0', prefix: '', gwlist: 'g1,g2' }],
      route: told('"0"'),
    }
    const all = await routing(tables)
    expect(await all.ask('1')).toBe('1 sip:1@10.0.0.1 g1, g2')
    expect(all.logged('not one of ours')).toBe(1)
    const matched = await routing({ ...tables, params: { gw_socket_filter_mode: 'matched-only' } })
    expect(await matched.ask('1')).toBe('1 sip:1@10.0.0.2 g2')
  })
})
