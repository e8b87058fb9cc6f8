import { describe, expect, it } from 'vitest'
import { CARRIERS_TABLE, GATEWAYS_TABLE, RULES_TABLE } from '../../../src/modules/drouting/tables.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { B4 } from './base-scripts.ts'
import { Datagrams, roundTrip, startScenario, until } from './rig.ts'

const script = (route: string, params = '') => `${B4}
loadmodule "db_text.so"
loadmodule "drouting.so"
modparam("tm", "fr_timeout", 1)
modparam("drouting", "db_url", "text://@DB@")
modparam("drouting", "probing_interval", 2)
${params}
startup_route { subscribe_event("E_DROUTING_STATUS", "udp:127.0.0.1:@EVENTS@"); }
route { ${route} }
failure_route[gw] {
    if (t_check_status("(408)|(5[0-9][0-9])")) {
        dr_disable();
        if (use_next_gw()) { t_on_failure("gw"); t_relay(); }
    }
}
`
const ROUTED = 'if (!do_routing("0", "")) { send_reply(404, "No Route"); exit; } t_on_failure("gw"); t_relay();'

async function start(route = ROUTED, params = '') {
  const g1 = await SipUa.open('g1')
  const g2 = await SipUa.open('g2')
  const phone = await SipUa.open('phone')
  const events = await Datagrams.open()
  const { folder, write } = tableFolder()
  const gateway = (id: string, { port }: SipUa) => ({ gwid: id, address: `127.0.0.1:${port}`, probe_mode: 1 })
  write('dr_gateways', tableFile(GATEWAYS_TABLE, [gateway('g1', g1), gateway('g2', g2)]))
  write('dr_carriers', tableFile(CARRIERS_TABLE, []))
  const rules = [
    { groupid: '0', prefix: '40', gwlist: 'g1,g2' },
    { groupid: '0', prefix: '401', gwlist: 'g2' },
    { groupid: '0', prefix: '+40', gwlist: 'g1' },
  ]
  write('dr_rules', tableFile(RULES_TABLE, rules))
  const scenario = await startScenario(script(route, params), { DB: folder, EVENTS: events.port })
  const invite = (number: string) => phone.request('INVITE', scenario.port, { uri: `sip:${number}@127.0.0.1` })
  const status = ({ port }: SipUa, id: string, is: string, reason: string) =>
    `{"jsonrpc":"2.0","method":"E_DROUTING_STATUS","params":{"partition":"Default","gwid":"${id}",` +
    `"address":"127.0.0.1:${port}","status":"${is}","reason":"${reason}"}}`
  return { scenario, g1, g2, phone, events, invite, status }
}

/** Answers the probe that time brings, after proving that it has come. */
async function answerProbe(ua: SipUa): Promise<SipMessage> {
  const probe = await ua.nextRequest('OPTIONS')
  ua.reply(probe, 200, 'OK')
  return probe
}

describe('scenario 25: drouting with failover', () => {
  it('the longest prefix wins', async () => {
    const { g1, g2, invite } = await start()
    invite('40155')
    expect((await g2.nextRequest('INVITE')).requestUri).toBe(`sip:40155@127.0.0.1:${g2.port}`)
    invite('40255')
    expect((await g1.nextRequest('INVITE')).requestUri).toBe(`sip:40255@127.0.0.1:${g1.port}`)
  })

  it('a gateway that fails is disabled, the call goes on, and an answer to a probe brings it back', async () => {
    const { scenario, g1, g2, phone, events, invite, status } = await start()
    invite('40255')
    g1.reply(await g1.nextRequest('INVITE'), 503, 'Service Unavailable')
    g2.reply(await g2.nextRequest('INVITE'), 486, 'Busy Here')
    await phone.nextReply(486)
    expect(await events.next()).toBe(status(g1, 'g1', 'probing', 'script function dr_disable()'))
    invite('40256')
    g2.reply(await g2.nextRequest('INVITE'), 486, 'Busy Here')
    await phone.nextReply(486)
    expect(g1.count({ method: 'INVITE' })).toBe(1)
    await scenario.clock.advance(2000)
    await answerProbe(g1)
    expect(await events.next()).toBe(status(g1, 'g1', 'active', '200 OK probing reply'))
    expect(events.received).toHaveLength(2)
    expect(g2.count({ method: 'OPTIONS' })).toBe(0)
    invite('40257')
    await g1.nextRequest('INVITE')
  })

  it('dr_gw_status g1 0 disables it for good: no probes', async () => {
    const { scenario, g1, g2, phone, events, invite, status } = await start()
    const disabled = await scenario.mi('dr_gw_status', { gw_id: 'g1', status: 0 })
    expect(disabled).toBe('OK')
    expect(await events.next()).toBe(status(g1, 'g1', 'disabled MI', 'MI command'))
    await scenario.clock.advance(10_000)
    invite('40255')
    await g2.nextRequest('INVITE')
    await roundTrip(phone, scenario.port)
    expect(g1.received).toEqual([])
    expect(await scenario.mi('dr_gw_status')).toEqual({
      Gateways: [
        { ID: 'g1', IP: `127.0.0.1:${g1.port}`, State: 'Disabled MI' },
        { ID: 'g2', IP: `127.0.0.1:${g2.port}`, State: 'Active' },
      ],
    })
  })

  it('do_routing("0", "C") changes neither $ru nor $du', async () => {
    const { phone, invite } = await start(
      '$du = "sip:127.0.0.1:9"; if (do_routing("0", "C")) send_reply(299, "$ru $du"); else send_reply(404, "No");',
    )
    invite('40155')
    expect((await phone.nextReply(299)).reason).toBe('sip:40155@127.0.0.1 sip:127.0.0.1:9')
    invite('50155')
    await phone.nextReply(404)
  })

  it.each([
    ['', 404],
    ['modparam("drouting", "extra_prefix_chars", "+")', 200],
  ])('+40155 needs extra_prefix_chars (%s)', async (params, expected) => {
    const { scenario, g1, phone, invite } = await start(ROUTED, params)
    expect(scenario.logged('a row of a table is left out')).toBe(expected === 404 ? 1 : 0)
    invite('+40155')
    if (expected === 200) {
      await until(() => g1.count({ method: 'INVITE' }) > 0)
      g1.reply(await g1.nextRequest('INVITE'), 200, 'OK')
    }
    await phone.nextReply(expected)
  })
})
