import { describe, expect, it } from 'vitest'
import { Call } from '../../modules/dialog/call-rig.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { Datagrams, expectNothingLeft, register, roundTrip, startScenario, until } from './rig.ts'

const script = (load: string, subscription: string, handler: string) => `${B4}
loadmodule "dialog.so"
loadmodule "event_routing.so"
${load}
startup_route { subscribe_event("E_DTMF", "udp:127.0.0.1:@EVENTS@"); }
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
    record_route();
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    create_dialog();
    t_newtran();
    ${subscription}
    t_relay(); exit;
}
${handler}
`

/** The script of the reference. */
const BY_MI = script(
  'loadmodule "mi_script.so"',
  '$avp(f) = "callid=" + $ci; notify_on_event("E_DTMF", $avp(f), "dtmf", 30);',
  `route[dtmf] {
    xlog("key $avp(digit)\\n");
    if ($avp(digit) != "2") {
        if (load_dialog_ctx($avp(callid), "callid")) { $var(did) = $DLG_did; unload_dialog_ctx(); }
        mi("dlg_end_dlg $var(did)", $var(o));
    }
}`,
)

/** As in the talks. */
const BY_TALK = script(
  '',
  'subscribe("DTMF", "callid=$ci", "dtmf_handler");',
  `route[dtmf_handler] {
    xlog("key $event(digit)\\n");
    if ($event(digit) != "2") hangup();
}`,
)

/** 2.x has no `mi()`: who gets the events calls the management interface. */
const FROM_OUTSIDE = script(
  '',
  '$avp(f) = "callid=" + $ci; notify_on_event("E_DTMF", "$avp(f)", "dtmf", "30");',
  'route[dtmf] { xlog("key $avp(digit)\\n"); }',
)

const forms: readonly (readonly [string, string, boolean])[] = [
  ['mi()', BY_MI, false],
  ['hangup()', BY_TALK, false],
  ['management from outside', FROM_OUTSIDE, true],
]

async function talking(text: string) {
  const events = await Datagrams.open()
  const scenario = await startScenario(text, { EVENTS: events.port })
  const parties = { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), proxy: scenario }
  await register(parties.bob, scenario.port)
  const call = await new Call(parties, 'dtmf12').establish()
  const press = (digit: string, callid = 'dtmf12') =>
    scenario.mi('raise_event', { event: 'E_DTMF', params: { callid, digit } })
  return { events, scenario, call, press, ...parties }
}

describe.each(forms)('scenario 12: a key ends the call, by %s', (_form, text, isFromOutside) => {
  it('2 does not, a key of another call does not, 5 does', async () => {
    const { events, scenario, press, alice, bob } = await talking(text)
    await press('2')
    await until(() => scenario.logged('key 2') === 1)
    await press('5', 'another call')
    await roundTrip(alice, scenario.port)
    expect(scenario.logged('key 5')).toBe(0)
    expect([alice.count({ method: 'BYE' }), bob.count({ method: 'BYE' })]).toEqual([0, 0])
    await press('5')
    const told = [await events.nextEvent(), await events.nextEvent(), await events.nextEvent()]
    expect(told.map(({ params }) => params)).toEqual([
      { callid: 'dtmf12', digit: '2' },
      { callid: 'another call', digit: '5' },
      { callid: 'dtmf12', digit: '5' },
    ])
    await until(() => scenario.logged('key 5') === 1)
    if (isFromOutside) {
      const { Dialogs } = (await scenario.mi('dlg_list')) as { Dialogs: readonly { ID: string }[] }
      await scenario.mi('dlg_end_dlg', { dialog_id: Dialogs[0]?.ID })
    }
    for (const phone of [alice, bob]) phone.reply(await phone.nextRequest('BYE'), 200, 'OK')
    await expectNothingLeft(scenario)
    expect([scenario.stat('event_routing:waits'), scenario.stat('active_dialogs')]).toEqual([0, 0])
  })
})

describe('subscribe("DTMF") of a call', () => {
  it('ends with the call', async () => {
    const { scenario, call, press, bob, alice } = await talking(BY_TALK)
    expect(scenario.stat('event_routing:waits')).toBe(1)
    call.fromAlice('BYE')
    bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
    await alice.nextReply(200, 'BYE')
    expect(scenario.stat('event_routing:waits')).toBe(0)
    await press('5')
    await roundTrip(alice, scenario.port)
    expect(scenario.logged('key 5')).toBe(0)
  })
})
