import { describe, expect, it } from 'vitest'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { expectNothingLeft, register, roundTrip, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "event_routing.so"
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
    record_route();
    if ($rU == "33") {
        t_newtran();
        send_reply(480, "Gone");
        $avp(n) = "group";  $avp(v) = "1";
        $avp(n) = "picker"; $avp(v) = $fu;
        raise_event("E_CALL_PICKUP", $avp(n), $avp(v));
        exit;
    }
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    t_newtran();
    $avp(filter) = "group=@GROUP@";
    notify_on_event("E_CALL_PICKUP", $avp(filter), "picked", 60);
    t_relay();
    exit;
}
route[picked] {
    xlog("picked by $avp(picker)\\n");
    if (lookup("location", "", $avp(picker))) t_inject_branches("msg","cancel");
}
`

/** Alice calls bob, whose phone rings; carol is registered too. */
async function ringing(group = '1') {
  const scenario = await startScenario(SCRIPT, { GROUP: group })
  const [alice, bob, carol] = [await SipUa.open('alice'), await SipUa.open('bob'), await SipUa.open('carol')]
  await register(bob, scenario.port)
  await register(carol, scenario.port, '', { to: 'sip:carol@127.0.0.1' })
  const invite = alice.request('INVITE', scenario.port)
  const atBob = await bob.nextRequest('INVITE')
  bob.reply(atBob, 180, 'Ringing')
  await alice.nextReply(180)
  const pickUp = async () => {
    const dialled = carol.request('INVITE', scenario.port, { uri: 'sip:33@127.0.0.1', to: 'sip:33@127.0.0.1' })
    carol.ack(dialled, await carol.nextReply(480), scenario.port)
  }
  return { scenario, alice, bob, carol, invite, atBob, pickUp }
}

describe('scenario 11: call pick-up', () => {
  it('moves a ringing call to the phone that dials 33', async () => {
    const { scenario, alice, bob, carol, invite, atBob, pickUp } = await ringing()
    await pickUp()
    const cancel = await bob.nextRequest('CANCEL')
    expect(headerOf(cancel, 'Reason')).toContain('text="Call completed elsewhere"')
    bob.reply(cancel, 200, 'OK')
    bob.reply(atBob, 487, 'Request Terminated')
    await bob.nextRequest('ACK')
    const atCarol = await carol.nextRequest('INVITE')
    expect(atCarol.callId).toBe(invite.callId)
    // The refusal of the phone that was cancelled is no answer to the caller.
    expect(alice.received.map(({ status }) => status)).toEqual([100, 180])
    carol.reply(atCarol, 180, 'Ringing')
    await alice.nextReply(180)
    carol.reply(atCarol, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    expect(scenario.logged('picked by sip:carol@127.0.0.1')).toBe(1)
    await scenario.clock.advance(20_000)
    await expectNothingLeft(scenario)
    expect(scenario.stat('event_routing:waits')).toBe(0)
  })

  it('leaves a call of another group alone', async () => {
    const { scenario, alice, bob, carol, atBob, pickUp } = await ringing('2')
    await pickUp()
    await roundTrip(carol, scenario.port)
    expect([bob.count({ method: 'CANCEL' }), carol.count({ method: 'INVITE' })]).toEqual([0, 0])
    bob.reply(atBob, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    await scenario.clock.advance(20_000)
    await expectNothingLeft(scenario)
  })

  it('comes too late for a call that was answered', async () => {
    const { scenario, alice, bob, carol, atBob, pickUp } = await ringing()
    bob.reply(atBob, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    await pickUp()
    await until(() => scenario.logged('picked by') === 1)
    await roundTrip(carol, scenario.port)
    expect(carol.count({ method: 'INVITE' })).toBe(0)
    await scenario.clock.advance(20_000)
    await expectNothingLeft(scenario)
  })
})
