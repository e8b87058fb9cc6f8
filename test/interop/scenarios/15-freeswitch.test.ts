import { describe, expect, it } from 'vitest'
import { CARRIERS_TABLE, GATEWAYS_TABLE, RULES_TABLE } from '../../../src/modules/drouting/tables.ts'
import { EslServer, replyFrame } from '../../support/esl-server.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { startScenario, until } from './rig.ts'

const SCRIPT = `
listen=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "db_text.so"
loadmodule "drouting.so"
modparam("drouting", "db_url", "text://@DB@")
loadmodule "freeswitch.so"
loadmodule "freeswitch_scripting.so"
modparam("freeswitch_scripting", "fs_subscribe", "fs://:ClueCon@127.0.0.1:@ESL@?DTMF,CHANNEL_STATE,CHANNEL_ANSWER,HEARTBEAT")
loadmodule "json.so"
loadmodule "cachedb_local.so"
loadmodule "event_route.so"
route { if (route(goes_to_support, 1)) { t_relay(); exit; } sl_send_reply("404", "Not Found"); }
route [goes_to_support] {
    if ($param(1) == 1) $var(flags) = ""; else $var(flags) = "C";
    if (do_routing("0", "$var(flags)")) return(1);
    return(-1);
}
event_route [E_FREESWITCH] {
    fetch_event_params("name=$var(event_name);sender=$var(fs_box);body=$var(event_body)");
    xlog("FreeSWITCH event $var(event_name) from $var(fs_box)\\n");
    $json(body) := $var(event_body);
    if ($var(event_name) == "DTMF") {
        $rU = $json(body/Caller-Destination-Number);
        if (!$rU) { xlog("SCRIPT:DTMF:ERR: no destination number\\n"); exit; }
        if (route(goes_to_support, 0)) route(transfer);
    }
}
route [transfer] {
    if (cache_fetch("local", "DTMF-$json(body/Unique-ID)", $var(_))) exit;
    switch ($json(body/DTMF-Digit)) {
    case "1":
        freeswitch_esl("bgapi uuid_transfer $json(body/Unique-ID) -aleg 1001", "$var(fs_box)", "$var(output)");
        break;
    case "2":
        freeswitch_esl("bgapi uuid_transfer $json(body/Unique-ID) -aleg 1002", "$var(fs_box)", "$var(output)");
        break;
    default:
        freeswitch_esl("bgapi uuid_transfer $json(body/Unique-ID) -aleg 1001", "$var(fs_box)", "$var(output)");
    }
    xlog("ran FS uuid_transfer, output: $var(output)\\n");
    cache_store("local", "DTMF-$json(body/Unique-ID)", "OK", 600);
}
`
const NAMES = ['DTMF', 'CHANNEL_STATE', 'CHANNEL_ANSWER', 'HEARTBEAT']
const SUBSCRIPTIONS = NAMES.map(name => `event json ${name}`)

async function start() {
  const esl = await EslServer.start()
  let jobs = 0
  esl.answer = command => (command.startsWith('bgapi ') ? replyFrame(`+OK Job-UUID: j${++jobs}`) : null)
  const pbx = await SipUa.open('pbx')
  const { folder, write } = tableFolder()
  write('dr_gateways', tableFile(GATEWAYS_TABLE, [{ gwid: 'pbx1', type: 1, address: `127.0.0.1:${pbx.port}` }]))
  write('dr_carriers', tableFile(CARRIERS_TABLE, []))
  write('dr_rules', tableFile(RULES_TABLE, [{ ruleid: 1, groupid: '0', prefix: '1000', gwlist: 'pbx1' }]))
  const scenario = await startScenario(SCRIPT, { DB: folder, ESL: esl.port })
  await esl.took(4)
  const dtmf = (id: string, digit: string, destination = '1000'): void =>
    esl.event({
      'Event-Name': 'DTMF',
      'Unique-ID': id,
      'Caller-Destination-Number': destination,
      'DTMF-Digit': digit,
    })
  const transferred = async (id: string, to: string): Promise<void> => {
    await until(() => esl.commands.at(-1) === `bgapi uuid_transfer ${id} -aleg ${to}`)
    await until(() => scenario.logged(`output: +OK Job-UUID: j${jobs}`) === 1)
  }
  return { esl, pbx, scenario, dtmf, transferred }
}

describe('scenario 15: FreeSWITCH DTMF call transfer', () => {
  it('runs as written', async () => {
    const { esl, scenario, dtmf, transferred } = await start()
    expect(esl.logins).toEqual(['auth ClueCon'])
    expect(esl.commands.toSorted()).toEqual(SUBSCRIPTIONS.toSorted())
    const seen = () => scenario.logged('FreeSWITCH event')

    dtmf('u1', '2')
    await transferred('u1', '1002')
    dtmf('u1', '2')
    dtmf('u3', '1', '2000')
    esl.event({ 'Event-Name': 'HEARTBEAT' })
    esl.event({ 'Event-Name': 'DTMF', 'Unique-ID': 'u4' })
    await until(() => scenario.logged('no destination number') === 1)
    await until(() => seen() === 5)
    expect(scenario.logged('FreeSWITCH event HEARTBEAT from 127.0.0.1')).toBe(1)
    dtmf('u2', '9')
    await transferred('u2', '1001')
    expect(esl.commands).toHaveLength(6)

    esl.drop()
    await until(() => esl.openConnections === 0)
    await until(() => scenario.logged('there is no connection to a FreeSWITCH server') === 1)
    await scenario.clock.advance(1000)
    expect((await esl.took(10)).slice(6).toSorted()).toEqual(SUBSCRIPTIONS.toSorted())
    dtmf('u5', '1')
    await transferred('u5', '1001')
  })

  it('a call to support is routed, and management sees and changes the subscriptions', async () => {
    const { esl, pbx, scenario } = await start()
    const phone = await SipUa.open('phone')
    phone.request('INVITE', scenario.port, { uri: 'sip:1000@127.0.0.1' })
    expect((await pbx.nextRequest('INVITE')).requestUri).toBe(`sip:1000@127.0.0.1:${pbx.port}`)
    phone.request('INVITE', scenario.port, { uri: 'sip:2000@127.0.0.1' })
    await phone.nextReply(404)
    expect(await scenario.mi('fs_list')).toEqual({ Sockets: [{ ip: '127.0.0.1', port: esl.port, Events: NAMES }] })
    expect(await scenario.mi('fs_unsubscribe', { freeswitch_url: `127.0.0.1:${esl.port}`, events: ['DTMF'] })).toBe(
      'OK',
    )
    expect((await esl.took(5)).at(-1)).toBe('nixevent DTMF')
  })
})
