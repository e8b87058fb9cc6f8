import { describe, expect, it } from 'vitest'
import { FRAUD_TABLE } from '../../../src/modules/fraud_detection/table-source.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { B4 } from './base-scripts.ts'
import { callerRoute, Datagrams, startScenario } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "drouting.so"
modparam("drouting", "db_url", "text://@DB@")
loadmodule "fraud_detection.so"
modparam("fraud_detection", "db_url", "text://@DB@")
startup_route {
    subscribe_event("E_FRD_WARNING", "udp:127.0.0.1:@EVENTS@");
    subscribe_event("E_FRD_CRITICAL", "udp:127.0.0.1:@EVENTS@");
}
route {
    if (has_totag()) route(indialog);
    record_route();
    check_fraud($fU, $rU, 1);
    $var(rc) = $rc;
    if ($var(rc) < 0) xlog("fraud $var(rc)\\n");
    append_hf("X-Rc: $var(rc)\\r\\n");
    $du = "sip:127.0.0.1:@BOB@";
    t_relay();
}
`
const RULE = {
  profileid: 1,
  prefix: '99',
  start_hour: '00:00',
  end_hour: '23:59',
  daysoftheweek: 'Mon-Sun',
  cpm_warning: 3,
  cpm_critical: 5,
  total_calls_warning: 100,
  total_calls_critical: 200,
  concurrent_calls_warning: 2,
  concurrent_calls_critical: 4,
}

async function start() {
  const bob = await SipUa.open('bob')
  const alice = await SipUa.open('alice')
  const eve = await SipUa.open('eve')
  const events = await Datagrams.open()
  const { folder, write } = tableFolder()
  write('fraud_detection', tableFile(FRAUD_TABLE, [RULE]))
  for (const name of ['dr_gateways', 'dr_carriers', 'dr_rules']) write(name, EMPTY_TABLES[name] ?? '')
  const scenario = await startScenario(SCRIPT, { DB: folder, EVENTS: events.port, BOB: bob.port })
  /** A call to a number; gives what check_fraud gave. `ends`: it is refused. */
  const call = async (from: SipUa, number: string, ends = false): Promise<string> => {
    const options = { uri: `sip:${number}@127.0.0.1`, fromTag: 'f' }
    const sent = from.request('INVITE', scenario.port, options)
    const got = await bob.nextRequest('INVITE')
    bob.reply(got, ends ? 486 : 200, 'Whatever')
    const reply = await from.nextReply(ends ? 486 : 200, 'INVITE')
    if (ends) from.ack(sent, reply, scenario.port)
    else from.request('ACK', scenario.port, { callId: sent.callId, fromTag: 'f', ...callerRoute(reply) })
    return got.headerValue(got.findNamed('X-Rc'))
  }
  return { scenario, alice, eve, events, call }
}
const EMPTY_TABLES: Readonly<Record<string, string>> = {
  dr_gateways: 'gwid(string) address(string)\n',
  dr_carriers: 'carrierid(string) gwlist(string)\n',
  dr_rules: 'groupid(string) prefix(string)\n',
}

const alarm = (level: string, param: string, value: number, threshold: number, number: string): string =>
  `{"jsonrpc":"2.0","method":"E_FRD_${level}","params":{"param":"${param}","value":${value},"threshold":${threshold},` +
  `"user":"alice","called_number":"${number}","rule_id":1,"profile_id":1}}`

describe('scenario 26: fraud detection', () => {
  it('calls kept up: the second is a warning, the fourth critical; another user starts from zero', async () => {
    const { scenario, alice, eve, events, call } = await start()
    expect(await call(alice, '991')).toBe('1')
    expect(await call(alice, '992')).toBe('-1')
    expect(await events.next()).toBe(alarm('WARNING', 'concurrent-calls', 2, 2, '992'))
    expect(await call(alice, '993')).toBe('-1')
    // Calls per minute are compared first.
    expect(await events.next()).toBe(alarm('WARNING', 'calls-per-minute', 3, 3, '993'))
    expect(await call(alice, '994')).toBe('-2')
    expect(await events.next()).toBe(alarm('CRITICAL', 'concurrent-calls', 4, 4, '994'))
    expect(scenario.logged('fraud -2')).toBe(1)
    expect(await call(eve, '991')).toBe('1')
    expect(events.received).toHaveLength(3)
  })

  it('calls that end at once: the third within a minute is a warning, the fifth critical', async () => {
    const { alice, events, call } = await start()
    const findings: string[] = []
    for (const last of [1, 2, 3, 4, 5]) findings.push(await call(alice, `99${last}`, true))
    expect(findings).toEqual(['1', '1', '-1', '-1', '-2'])
    expect(await events.next()).toBe(alarm('WARNING', 'calls-per-minute', 3, 3, '993'))
    expect(await events.next()).toBe(alarm('WARNING', 'calls-per-minute', 4, 3, '994'))
    expect(await events.next()).toBe(alarm('CRITICAL', 'calls-per-minute', 5, 5, '995'))
  })

  it('a number without a rule gives 2 and raises nothing', async () => {
    const { alice, events, call } = await start()
    for (let i = 0; i < 4; i++) expect(await call(alice, '88')).toBe('2')
    expect(events.received).toEqual([])
  })
})
