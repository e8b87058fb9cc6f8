import { describe, expect, it } from 'vitest'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { callerRoute, expectNothingLeft, register, type Scenario, Stream, startScenario, until } from './rig.ts'

/** A registrar of the 2.x days, word for word, but for accounts and the database. */
const SCRIPT = `
check_via=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:@PORT@
listen=tcp:127.0.0.1:@PORT@
loadmodule "modules/sl/sl.so"
loadmodule "modules/tm/tm.so"
loadmodule "modules/rr/rr.so"
loadmodule "modules/maxfwd/maxfwd.so"
loadmodule "modules/usrloc/usrloc.so"
loadmodule "modules/registrar/registrar.so"
loadmodule "modules/textops/textops.so"
modparam("usrloc", "db_mode", 0)
route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483","Too Many Hops"); exit; };
    if ($ml >= 65535) { sl_send_reply("513", "Message too big"); exit; };
    if (!$rm=="REGISTER") record_route();
    if (loose_route()) { append_hf("P-hint: rr-enforced\\r\\n"); route(1); };
    if (!is_myself("$rd")) { append_hf("P-hint: outbound\\r\\n"); route(1); };
    if (is_myself("$rd")) {
        if ($rm=="REGISTER") {
            save("location");
            exit;
        };
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; };
        append_hf("P-hint: usrloc applied\\r\\n");
    };
    route(1);
}
route[1] { if (!t_relay()) sl_reply_error(); exit; }
`

const DNS = {
  addresses: async () => [{ address: '127.0.0.1', ttlS: 60 }],
  srv: async () => [],
  naptr: async () => [],
}

async function meet(): Promise<{ scenario: Scenario; alice: SipUa; bob: SipUa }> {
  const scenario = await startScenario(SCRIPT, {}, DNS)
  const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
  return { scenario, alice, bob }
}

const HINT = 'P-hint'

describe('scenario 4: the classic 2.x script', () => {
  it('a REGISTER gets a 200 with its contact, and no Record-Route', async () => {
    const { scenario, bob } = await meet()
    const reply = await register(bob, scenario.port)
    expect(headersOf(reply, 'Contact')).toEqual([`<${bob.uri}>;expires=3600`])
    expect(reply.recordRoutes).toEqual([])
  })

  it('an INVITE reaches the contact with the hint, one hop fewer, one Record-Route and two Vias', async () => {
    const { scenario, alice, bob } = await meet()
    await register(bob, scenario.port)
    alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    expect(headersOf(received, HINT)).toEqual(['usrloc applied'])
    expect([received.requestUri, received.maxForwards]).toEqual([bob.uri, 69])
    expect([received.recordRoutes.length, received.vias.length]).toEqual([1, 2])
  })

  it('nobody is found: 404', async () => {
    const { scenario, alice } = await meet()
    alice.request('INVITE', scenario.port, { uri: 'sip:nobody@127.0.0.1' })
    await alice.nextReply(404)
  })

  it('a request for another domain goes there, with the outbound hint', async () => {
    const { scenario, alice, bob } = await meet()
    alice.request('MESSAGE', scenario.port, { uri: `sip:carol@elsewhere.example:${bob.port}` })
    const received = await bob.nextRequest('MESSAGE')
    expect(headersOf(received, HINT)).toEqual(['outbound'])
    expect(received.requestUri).toBe(`sip:carol@elsewhere.example:${bob.port}`)
  })

  it('Max-Forwards 0 is refused with 483; without the header it becomes 10', async () => {
    const { scenario, alice, bob } = await meet()
    await register(bob, scenario.port)
    const text = alice.makeRequest('INVITE')
    alice.send(text.replace('Max-Forwards: 70', 'Max-Forwards: 0'), scenario.port)
    await alice.nextReply(483)
    alice.send(alice.makeRequest('INVITE').replace('Max-Forwards: 70\r\n', ''), scenario.port)
    expect(headersOf(await bob.nextRequest('INVITE'), 'Max-Forwards')).toEqual(['10'])
  })

  it('a message of 65535 bytes over TCP gets the 513 of the script, a shorter one goes on', async () => {
    const { scenario, alice } = await meet()
    const stream = await Stream.open(scenario.port)
    const message = (sizeBytes: number): string => {
      const bare = alice.makeRequest('MESSAGE', { body: 'x'.repeat(60_000) })
      return alice.makeRequest('MESSAGE', { body: 'x'.repeat(60_000 + sizeBytes - bare.length) })
    }
    const sizes = [65_534, 65_535, 200_000]
    for (const size of sizes) stream.write(padded(message(size), size))
    await until(() => stream.count(513) === 2 && stream.count(404) === 1)
  })

  it('ACK and BYE of a call follow the Route, with the hint', async () => {
    const { scenario, alice, bob } = await meet()
    await register(bob, scenario.port)
    const invite = alice.request('INVITE', scenario.port)
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    const answered = await alice.nextReply(200)
    const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) }
    alice.request('ACK', scenario.port, dialog)
    expect(headersOf(await bob.nextRequest('ACK'), HINT)).toEqual(['rr-enforced'])
    alice.request('BYE', scenario.port, { ...dialog, cseq: 2 })
    const bye = await bob.nextRequest('BYE')
    expect([headersOf(bye, HINT), bye.routes, bye.requestUri]).toEqual([['rr-enforced'], [], bob.uri])
    bob.reply(bye, 200, 'OK')
    await alice.nextReply(200, 'BYE')
    await expectNothingLeft(scenario)
  })

  it('a contact that cannot be reached is answered from the table of local errors', async () => {
    const { scenario, alice, bob } = await meet()
    const unreachable = bob.makeRequest('REGISTER').replace(/^Contact: .*$/m, 'Contact: <sip:bob@255.255.255.255>')
    bob.send(unreachable, scenario.port)
    await bob.nextReply(200)
    alice.request('MESSAGE', scenario.port)
    await until(() => alice.received.some(message => message.status >= 400))
    expect(alice.received.map(message => message.status)).toEqual([476])
    await expectNothingLeft(scenario)
  })
})

/** Brings a message to its size with a header, since ids in it vary in length. */
function padded(message: string, sizeBytes: number): string {
  const missing = sizeBytes - message.length
  return missing <= 0 ? message : message.replace('\r\nCSeq', `\r\nX: ${'y'.repeat(missing - 5)}\r\nCSeq`)
}
