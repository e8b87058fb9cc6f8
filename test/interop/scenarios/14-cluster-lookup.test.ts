import { describe, expect, it } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { register, type Scenario, startScenario, until } from './rig.ts'

/** The routes of the scenario; node 2 may be told to answer with another tag. */
const SCRIPT = `
listen=udp:127.0.0.1:@PORT@
listen=bin:127.0.0.1:@BIN@
loadmodule "proto_bin.so"
loadmodule "clusterer.so"
loadmodule "event_routing.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("clusterer", "db_mode", 0)
modparam("clusterer", "my_node_id", @ID@)
modparam("clusterer", "my_node_info", "cluster_id=1, url=bin:127.0.0.1:@BIN@, flags=seed")
modparam("clusterer", "neighbor_node_info", "cluster_id=1, node_id=@OTHER@, url=bin:127.0.0.1:@OTHERBIN@")
route {
    if ($rm == "OPTIONS") { sl_send_reply(200, "Here"); exit; }
    if ($rm == "REGISTER") { save("location"); exit; }
    if ($rm == "ACK") { t_relay(); exit; }
    if (!lookup("location")) {
        $var(q) = "Q|" + $rU;
        cluster_broadcast_req(1, $var(q), $avp(tag));
        $avp(filter) = "tag=" + $avp(tag);
        async(wait_for_event("E_CLUSTERER_RPL_RECEIVED", $avp(filter), 3), found);
        exit;
    }
    t_relay(); exit;
}
route[found] {
    if ($avp(msg) == NULL) { t_reply(404, "Not Found Anywhere"); exit; }
    $du = "sip:" + $(avp(msg){s.select,2,|});
    t_relay();
}
event_route[E_CLUSTERER_REQ_RECEIVED] {
    if ($(param(msg){s.select,0,|}) == "Q") {
        $var(aor) = $(param(msg){s.select,1,|});
        if ($var(aor) == "trick") cluster_send_rpl($param(cluster_id), $param(src_id), "A|trick|127.0.0.1:@PORT@", "another-tag");
        if (is_registered("location", "sip:$var(aor)@127.0.0.1")) {
            $var(a) = "A|" + $var(aor) + "|127.0.0.1:@PORT@";
            cluster_send_rpl($param(cluster_id), $param(src_id), $var(a), $param(tag));
        }
    }
}
`

async function startPair(): Promise<readonly [Scenario, Scenario]> {
  const [first, second] = [await freePort(), await freePort()]
  const one = await startScenario(SCRIPT, { ID: 1, BIN: first, OTHER: 2, OTHERBIN: second })
  const two = await startScenario(SCRIPT, { ID: 2, BIN: second, OTHER: 1, OTHERBIN: first })
  await until(() => [one, two].every(scenario => scenario.stat('clusterer_nodes_up') === 1))
  return [one, two]
}

/** Time passes at node 1, little by little, so that nodes have turns to answer each other's pings. */
async function pass(scenario: Scenario, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) await scenario.clock.advance(20)
}

describe('scenario 14: a node asks the others where a user is', () => {
  it('a call at one node reaches a user who is registered at the other, without time passing', async () => {
    const [one, two] = await startPair()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await register(bob, two.port)
    const startedMs = one.clock.monotonicMs()
    const invite = alice.request('INVITE', one.port)
    await alice.nextReply(100)
    const received = await bob.nextRequest('INVITE')
    expect([received.requestUri, received.vias.length]).toEqual([bob.uri, 3])
    bob.reply(received, 200, 'OK')
    expect((await alice.nextReply(200)).callId).toBe(invite.callId)
    expect(one.clock.monotonicMs() - startedMs).toBe(0)
  })

  it('for a user whom nobody knows the answer comes after three seconds; other requests are served meanwhile', async () => {
    const [one] = await startPair()
    const alice = await SipUa.open('alice')
    alice.request('INVITE', one.port, { uri: 'sip:nobody@127.0.0.1' })
    await alice.nextReply(100)
    await pass(one, 2_900)
    alice.request('OPTIONS', one.port)
    await alice.nextReply(200)
    expect(alice.count({ status: 404 })).toBe(0)
    await pass(one, 1_100)
    expect((await alice.nextReply(404)).reason).toBe('Not Found Anywhere')
  })

  it('a reply with another tag does not wake the script', async () => {
    const [one] = await startPair()
    const alice = await SipUa.open('alice')
    alice.request('INVITE', one.port, { uri: 'sip:trick@127.0.0.1' })
    await alice.nextReply(100)
    await pass(one, 4_000)
    await alice.nextReply(404)
  })

  it('two lookups at the same time get their own answers', async () => {
    const [one, two] = await startPair()
    const alice = await SipUa.open('alice')
    const [bob, carol] = [await SipUa.open('bob'), await SipUa.open('carol')]
    for (const ua of [bob, carol]) await register(ua, two.port, '', { to: `sip:${ua.name}@127.0.0.1` })
    const calls = ['bob', 'carol'].map(user =>
      alice.request('INVITE', one.port, { uri: `sip:${user}@127.0.0.1`, callId: user }),
    )
    const arrived = await Promise.all([bob.nextRequest('INVITE'), carol.nextRequest('INVITE')])
    expect(arrived.map(({ callId }) => callId)).toEqual(calls.map(({ callId }) => callId))
  })
})
