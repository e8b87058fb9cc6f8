import { describe, expect, it } from 'vitest'
import { gateways } from '../../support/table-proxy.ts'
import { balancer, refuse } from './rig.ts'

/** A destination of group 1 at a discard port. */
const at = (id: number, resources: string, more = {}) => ({
  id,
  group_id: 1,
  dst_uri: `sip:127.0.0.1:${id}`,
  resources,
  ...more,
})
const SAY = 'send_reply(299, "$var(rc) $du");'

describe('lb_start', () => {
  it.each([
    ['the most calls left', '"pstn"', ['pstn=2', 'pstn=3'], '1 sip:127.0.0.1:2'],
    ['the smallest of several resources counts', '"pstn;fax"', ['pstn=9;fax=1', 'pstn=2;fax=2'], '1 sip:127.0.0.1:2'],
    ['the first of equals', '"pstn"', ['pstn=2', 'pstn=2'], '1 sip:127.0.0.1:1'],
    ['only those that provide everything', '"pstn;fax"', ['pstn=9', 'pstn=1;fax=1'], '1 sip:127.0.0.1:2'],
    ['an unknown resource', '"telex"', ['pstn=9'], '-4 <null>'],
    ['no resource', '" ; "', ['pstn=9'], '-4 <null>'],
    ['nobody has all of them', '"pstn;fax"', ['pstn=9', 'fax=1'], '-3 <null>'],
    ['all are full', '"pstn"', ['pstn=0', 'pstn=0'], '-2 <null>'],
    ['full ones serve with flag n', '"pstn", "n"', ['pstn=0', 'pstn=0'], '1 sip:127.0.0.1:1'],
    ['per cent with flag r: all of 2 is as much as all of 9', '"pstn", "r"', ['pstn=2', 'pstn=9'], '1 sip:127.0.0.1:1'],
    ['the number of 1.x for it', '"pstn", "1"', ['pstn=2', 'pstn=9'], '1 sip:127.0.0.1:1'],
  ])('%s', async (_claim, args, resources, expected) => {
    const route = `lb_start(1, ${args}); $var(rc) = $rc; ${SAY}`
    const { ask } = await balancer({ rows: resources.map((text, i) => at(i + 1, text)), route })
    expect(await ask('a')).toBe(expected)
  })

  it('another group has other destinations', async () => {
    const rows = [at(1, 'pstn=2'), at(2, 'pstn=1', { group_id: 2 })]
    const { ask } = await balancer({ rows, route: `lb_start(2, "pstn"); $var(rc) = $rc; ${SAY}` })
    expect(await ask('a')).toBe('1 sip:127.0.0.1:2')
  })

  it('flag s takes any of the best', async () => {
    const rows = [at(1, 'pstn=9'), at(2, 'pstn=9'), at(3, 'pstn=1')]
    const { ask } = await balancer({ rows, route: `lb_start(1, "pstn", "s"); $var(rc) = $rc; ${SAY}` })
    const chosen = new Set<string>()
    for (let i = 0; i < 40; i++) chosen.add(await ask(`call-${i}`))
    expect([...chosen].sort()).toEqual(['1 sip:127.0.0.1:1', '1 sip:127.0.0.1:2'])
  })

  it('gives the attributes of the destination', async () => {
    const rows = [at(1, 'pstn=1', { attrs: 'gold' })]
    const { ask } = await balancer({ rows, route: 'lb_start(1, "pstn", , $var(a)); send_reply(299, "$var(a)");' })
    expect(await ask('a')).toBe('gold')
  })

  it('what a refused call took up is free again', async () => {
    const { ask, loads } = await balancer({
      rows: [at(1, 'pstn=1')],
      route: `lb_start(1, "pstn"); $var(rc) = $rc; ${SAY}`,
    })
    for (const callId of ['a', 'b']) expect(await ask(callId)).toBe('1 sip:127.0.0.1:1')
    expect(await loads()).toEqual(['1: pstn 0/1'])
  })

  it('a request that begins no call is −1', async () => {
    const { phone, port } = await balancer({
      rows: [at(1, 'pstn=1')],
      route: `lb_start(1, "pstn"); $var(rc) = $rc; ${SAY}`,
    })
    phone.request('MESSAGE', port)
    expect((await phone.nextReply(299)).reason).toBe('-1 <null>')
  })

  it('unknown flags are refused at load', async () => {
    const started = balancer({ rows: [], route: 'lb_start(1, "pstn", "x");' })
    await expect(started).rejects.toThrow('unknown flag "x", expected n, r or s')
  })
})

describe('going on', () => {
  const FAILOVER = {
    route: 'if (!load_balance(1, "pstn")) { send_reply(299, "$rc"); exit; } t_on_failure("next"); t_relay();',
    routes: `failure_route[next] {
        if (t_was_cancelled()) exit;
        load_balance(1, "pstn");
        $var(rc) = $rc;
        if ($var(rc) > 0) { t_on_failure("next"); t_relay(); exit; }
        t_reply(480, "$var(rc)");
    }`,
  }

  it('load_balance goes to the next best in a failure_route; slots move along; −3 when all were tried', async () => {
    const [g1, g2] = await gateways('g1', 'g2')
    const rows = [at(1, 'pstn=1', { dst_uri: g1?.address ?? '' }), at(2, 'pstn=2', { dst_uri: g2?.address ?? '' })]
    const { phone, port, loads } = await balancer({ rows, ...FAILOVER })
    phone.request('INVITE', port)
    const second = await g2?.nextRequest('INVITE')
    expect(await loads()).toEqual(['1: pstn 0/1', '2: pstn 1/2'])
    if (second !== undefined) g2?.reply(second, 503, 'No')
    const first = await g1?.nextRequest('INVITE')
    expect(await loads()).toEqual(['1: pstn 1/1', '2: pstn 0/2'])
    if (first !== undefined) g1?.reply(first, 503, 'No')
    expect((await phone.nextReply(480)).reason).toBe('-3')
    expect(await loads()).toEqual(['1: pstn 0/1', '2: pstn 0/2'])
  })

  it('lb_disable_dst disables the one in use and raises the event', async () => {
    const [g1] = await gateways('g1')
    const { phone, port, raised, mi, logged } = await balancer({
      rows: [at(7, 'pstn=1', { dst_uri: g1?.address ?? '' })],
      route: 'lb_start(1, "pstn"); t_on_failure("next"); t_relay();',
      routes: 'failure_route[next] { lb_disable_dst(); lb_next(); $var(rc) = $rc; t_reply(480, "$var(rc)"); }',
    })
    phone.request('INVITE', port)
    if (g1 !== undefined) await refuse(g1)
    expect((await phone.nextReply(480)).reason).toBe('-3')
    expect(raised().filter(event => event.includes('BALANCER'))).toEqual([
      `{"jsonrpc":"2.0","method":"E_LOAD_BALANCER_STATUS","params":{"group":1,"uri":"${g1?.address}","status":"disabled"}}`,
    ])
    expect(await mi('lb_status', { destination_id: 7 })).toEqual({ enable: 'no' })
    expect(logged('script function lb_disable_dst()')).toBe(1)
  })

  it('lb_is_started and lb_reset', async () => {
    const { ask, loads } = await balancer({
      rows: [at(1, 'pstn=1')],
      route: `
        lb_is_started(); $var(a) = $rc; lb_reset(); $var(b) = $rc;
        lb_start(1, "pstn"); lb_is_started(); $var(c) = $rc; lb_reset(); $var(d) = $rc;
        lb_is_started(); $var(e) = $rc; lb_next(); $var(f) = $rc;
        send_reply(299, "$var(a) $var(b) $var(c) $var(d) $var(e) $var(f)");`,
    })
    expect(await ask('a')).toBe('-1 -1 1 1 -1 -1')
    expect(await loads()).toEqual(['1: pstn 0/1'])
  })
})

describe('calls and destinations that were not chosen', () => {
  it('lb_count_call counts at an address, and takes back', async () => {
    const [g1] = await gateways('g1')
    const count = (undo: string) => `lb_count_call("127.0.0.1", ${g1?.port}, 1, "pstn"${undo}); $var(rc) = $rc;`
    const { phone, port, loads } = await balancer({
      rows: [at(1, 'pstn=3', { dst_uri: g1?.address ?? '' })],
      route: `if (is_method("INVITE")) { ${count('')} ${count('')} ${count(', 1')} $du = "${g1?.address}"; t_relay(); }`,
    })
    phone.request('INVITE', port)
    await g1?.nextRequest('INVITE')
    expect(await loads()).toEqual(['1: pstn 1/3'])
  })

  it.each([
    ['"127.0.0.1", 7', 1],
    ['"127.0.0.1", 0', 1],
    ['"127.0.0.1", 8', -1],
    ['"127.0.0.2", 7', -1],
    ['"127.0.0.1", 7, 1', 1],
    ['"127.0.0.1", 7, 2', -1],
    ['"127.0.0.1", 7, -1, 1', -1],
    ['"127.0.0.1", 7, -1, 0, $var(attrs)', 1],
  ])('lb_is_destination(%s) is %i', async (args, expected) => {
    const { ask, mi } = await balancer({
      rows: [at(7, 'pstn=1', { attrs: 'x' })],
      route: `lb_is_destination(${args}); $var(rc) = $rc; send_reply(299, "$var(rc)");`,
    })
    await mi('lb_status', { destination_id: 7, new_status: 0 })
    expect(await ask('a')).toBe(String(expected))
  })
})
