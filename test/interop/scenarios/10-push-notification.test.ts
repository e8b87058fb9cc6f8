import { describe, expect, it } from 'vitest'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { type Asked, webServer } from '../../support/web-server.ts'
import { B2, B4 } from './base-scripts.ts'
import { branchOf, expectNothingLeft, register, roundTrip, type Scenario, startScenario, until } from './rig.ts'

const NOTIFY = {
  '4.x': `${B4}
loadmodule "rest_client.so"
loadmodule "event_routing.so"
loadmodule "cachedb_local.so"
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
    record_route();
    $T_fr_inv_timeout = 20;
    t_newtran();
    t_wait_for_new_branches();
    $avp(filter) = "aor=" + $rU + "@" + $rd;
    notify_on_event("E_UL_CONTACT_INSERT", $avp(filter), "fork_call", 20);
    route(send_push, $rU);
    if (lookup("location", "method-filtering")) t_relay();
    exit;
}
route[send_push] {
    if (!cache_fetch("local", "token-$param(1)", $avp(token))) return(1);
    rest_append_hf("Authorization: key=CONSOLE_API_KEY");
    $var(json) = "{\\"registration_ids\\":[\\"" + $avp(token) + "\\"]}";
    rest_post("http://127.0.0.1:@PUSH@/fcm/send", $var(json), "application/json", $var(body), $var(ct), $var(code));
    xlog("push code $var(code)\\n");
    return(1);
}
`,
  '2.x': `${B2}
loadmodule "event_routing.so"
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply("405", "Method Not Allowed"); exit; }
    record_route();
    $T_fr_inv_timeout = 20;
    t_newtran();
    t_wait_for_new_branches();
    $avp(filter) = "aor=" + $rU + "@" + $rd;
    notify_on_event("E_UL_CONTACT_INSERT","$avp(filter)","fork_call","20");
    if (lookup("location", "m")) t_relay();
    exit;
}
`,
}

const FORK = `
route[fork_call] {
    xlog("new contact $avp(uri) for $avp(aor)\\n");
    t_inject_branches("event");
}
`

const reply = ({ response }: Asked): void => void response.writeHead(200).end('{}')

async function start(dialect: keyof typeof NOTIFY = '4.x', answer = reply) {
  const push = await webServer(answer)
  const scenario = await startScenario(NOTIFY[dialect] + FORK, { PUSH: push.port })
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const call = async () => {
    const invite = alice.request('INVITE', scenario.port)
    await alice.nextReply(100)
    return invite
  }
  return { scenario, alice, bob, call, push }
}

/** Registers another phone of bob than the one that bears the name. */
const mobileOf = async (scenario: Scenario) => {
  const mobile = await SipUa.open('mobile')
  await register(mobile, scenario.port, '', { to: 'sip:bob@127.0.0.1' })
  return mobile
}

/** The call is answered by a phone, and ended by it. */
async function converse(scenario: Scenario, alice: SipUa, phone: SipUa): Promise<void> {
  const sent = await phone.nextRequest('INVITE')
  phone.reply(sent, 180, 'Ringing')
  await alice.nextReply(180)
  phone.reply(sent, 200, 'OK')
  const answer = await alice.nextReply(200, 'INVITE')
  const routes = answer.recordRoutes.map(route => `Route: <${route.uri}>\r\n`).join('')
  alice.request('ACK', scenario.port, { uri: phone.uri, callId: sent.callId, toTag: answer.toTag, headers: routes })
  await phone.nextRequest('ACK')
  const bye = alice.request('BYE', scenario.port, {
    uri: phone.uri,
    callId: sent.callId,
    cseq: 2,
    toTag: answer.toTag,
    headers: routes,
  })
  expect(bye.callId).toBe(sent.callId)
  phone.reply(await phone.nextRequest('BYE'), 200, 'OK')
  await alice.nextReply(200, 'BYE')
}

describe.each(['4.x', '2.x'] as const)('scenario 10 in the spelling of %s', dialect => {
  it('a. a phone that registers three seconds into the call gets it', async () => {
    const { scenario, alice, bob, call } = await start(dialect)
    const invite = await call()
    await scenario.clock.advance(3_000)
    expect(alice.received.filter(({ status }) => status > 100)).toEqual([])
    await register(bob, scenario.port)
    await until(() => bob.count({ method: 'INVITE' }) === 1)
    const [sent] = bob.received.filter(({ method, isRequest }) => isRequest && method === 'INVITE')
    expect(sent?.callId).toBe(invite.callId)
    expect(branchOf(sent!)).not.toBe(branchOf(invite))
    expect(headerOf(sent!, 'Record-Route')).toContain(`127.0.0.1:${scenario.port}`)
    expect(scenario.logged(`new contact ${bob.uri} for bob@127.0.0.1`)).toBe(1)
    await converse(scenario, alice, bob)
    await expectNothingLeft(scenario)
    expect([scenario.stat('event_routing:waits'), scenario.stat('running_notifications')]).toEqual([0, 0])
  })
})

describe('scenario 10: push notification', () => {
  it('a. the sleeping phone is woken through its push server while the caller waits', async () => {
    const { scenario, alice, bob, call, push } = await start()
    await scenario.mi('cache_store', { system: 'local', attr: 'token-bob', value: 'TKN' })
    await call()
    await until(() => scenario.logged('push code 200') === 1)
    expect(push.asked).toHaveLength(1)
    expect(push.asked[0]).toMatchObject({
      method: 'POST',
      path: '/fcm/send',
      headers: { authorization: 'key=CONSOLE_API_KEY', 'content-type': 'application/json' },
      body: '{"registration_ids":["TKN"]}',
    })
    expect(alice.received.filter(({ status }) => status > 100)).toEqual([])
    await register(bob, scenario.port)
    await converse(scenario, alice, bob)
    await scenario.clock.advance(20_000)
    await expectNothingLeft(scenario)
  })

  it('a. a phone that registers before the push server has replied gets the call, once', async () => {
    const { scenario, alice, bob, call, push } = await start('4.x', () => {})
    await scenario.mi('cache_store', { system: 'local', attr: 'token-bob', value: 'TKN' })
    await call()
    await until(() => push.asked.length === 1)
    await register(bob, scenario.port)
    await converse(scenario, alice, bob)
    // The script goes on, and finds both bob's phone and a call that is over.
    reply(push.asked[0]!)
    await until(() => scenario.logged('push code 200') === 1)
    await roundTrip(alice, scenario.port)
    expect(bob.count({ method: 'INVITE' })).toBe(1)
    expect(alice.count({ status: 200 })).toBe(2)
  })

  it('b. nobody registers: 408 after 20 s', async () => {
    const { scenario, alice, call } = await start()
    const invite = await call()
    await scenario.clock.advance(19_999)
    expect(alice.count({ status: 408 })).toBe(0)
    await scenario.clock.advance(1)
    alice.ack(invite, await alice.nextReply(408), scenario.port)
    await expectNothingLeft(scenario)
  })

  it('b. a phone that refuses at +1 s: 486 after 20 s', async () => {
    const { scenario, alice, bob, call } = await start()
    await register(bob, scenario.port)
    const invite = await call()
    const sent = await bob.nextRequest('INVITE')
    await scenario.clock.advance(1_000)
    bob.reply(sent, 486, 'Busy Here')
    await bob.nextRequest('ACK')
    await scenario.clock.advance(18_999)
    expect(alice.count({ status: 486 })).toBe(0)
    await scenario.clock.advance(1)
    alice.ack(invite, await alice.nextReply(486), scenario.port)
    await expectNothingLeft(scenario)
  })

  it('c. a second phone rings beside the first; who answers first has the call', async () => {
    const { scenario, alice, bob, call } = await start()
    await register(bob, scenario.port)
    await call()
    const atDesk = await bob.nextRequest('INVITE')
    bob.reply(atDesk, 180, 'Ringing')
    await alice.nextReply(180)
    await scenario.clock.advance(2_000)
    const mobile = await mobileOf(scenario)
    const answered = await mobile.nextRequest('INVITE')
    mobile.reply(answered, 180, 'Ringing')
    await alice.nextReply(180)
    mobile.reply(answered, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    const cancel = await bob.nextRequest('CANCEL')
    expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    bob.reply(cancel, 200, 'OK')
    bob.reply(atDesk, 487, 'Request Terminated')
    await bob.nextRequest('ACK')
    await expectNothingLeft(scenario)
  })

  it('d. another user, a refreshed registration and one after 21 s inject nothing', async () => {
    const { scenario, alice, bob, call } = await start()
    const carol = await SipUa.open('carol')
    await register(bob, scenario.port, '', { callId: 'kept', cseq: 1 })
    const invite = await call()
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await bob.nextRequest('ACK')
    await register(carol, scenario.port, '', { to: 'sip:carol@127.0.0.1' })
    await register(bob, scenario.port, '', { callId: 'kept', cseq: 2 })
    await scenario.clock.advance(21_000)
    alice.ack(invite, await alice.nextReply(486), scenario.port)
    const mobile = await mobileOf(scenario)
    await roundTrip(alice, scenario.port)
    expect([bob, carol, mobile].map(phone => phone.count({ method: 'INVITE' }))).toEqual([1, 0, 0])
    expect(scenario.logged('new contact')).toBe(0)
    await expectNothingLeft(scenario)
  })

  it('e. after the CANCEL of the caller the route runs and injects nothing', async () => {
    const { scenario, alice, bob, call } = await start()
    const invite = await call()
    await scenario.clock.advance(1_000)
    alice.cancel(invite, scenario.port)
    expect((await alice.nextReply(200, 'CANCEL')).reason).toBe('canceling')
    alice.ack(invite, await alice.nextReply(487, 'INVITE'), scenario.port)
    await scenario.clock.advance(1_000)
    await register(bob, scenario.port)
    await until(() => scenario.logged('new contact') === 1)
    await roundTrip(alice, scenario.port)
    expect(bob.count({ method: 'INVITE' })).toBe(0)
    await expectNothingLeft(scenario)
  })
})
