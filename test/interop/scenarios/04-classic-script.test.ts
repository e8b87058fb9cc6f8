import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { challengesOf, credentialsFor, type Login } from '../../support/digest-client.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { tableFolder } from '../../support/table-files.ts'
import { callerRoute, expectNothingLeft, type Scenario, Stream, startScenario, until } from './rig.ts'

/** A registrar of the 2.x days, word for word behind the line that says so. */
const SCRIPT = `
era=2.4
check_via=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:@PORT@
listen=tcp:127.0.0.1:@PORT@
loadmodule "modules/db_text/db_text.so"
loadmodule "modules/sl/sl.so"
loadmodule "modules/tm/tm.so"
loadmodule "modules/rr/rr.so"
loadmodule "modules/maxfwd/maxfwd.so"
loadmodule "modules/usrloc/usrloc.so"
loadmodule "modules/registrar/registrar.so"
loadmodule "modules/textops/textops.so"
loadmodule "modules/auth/auth.so"
loadmodule "modules/auth_db/auth_db.so"
modparam("usrloc", "db_mode", 2)
modparam("usrloc|auth_db", "db_url", "text://@DB@")
modparam("auth_db", "calculate_ha1", 1)
modparam("auth_db", "password_column", "password")
modparam("auth_db", "user_column", "username")
modparam("auth_db", "domain_column", "domain")
route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483","Too Many Hops"); exit; };
    if ($ml >= 65535) { sl_send_reply("513", "Message too big"); exit; };
    if (!$rm=="REGISTER") record_route();
    if (loose_route()) { append_hf("P-hint: rr-enforced\\r\\n"); route(1); };
    if (!is_myself("$rd")) { append_hf("P-hint: outbound\\r\\n"); route(1); };
    if (is_myself("$rd")) {
        if ($rm=="REGISTER") {
            if (!www_authorize("", "subscriber")) { www_challenge("", "0"); exit; };
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

/** The users' tables, where neither `received` nor `ha1` may be NULL though both are empty. */
const TABLES = {
  version: 'table_name(str) table_version(int)\nsubscriber:7\nlocation:1011\n',
  subscriber:
    'username(str) domain(str) password(str) ha1(str) ha1b(str)\nalice:127.0.0.1:secret::\nbob:127.0.0.1:secret2::\n',
  location:
    'username(str) domain(str,null) contact(str,null) received(str) expires(int,null) q(double,null) callid(str,null) ' +
    'cseq(int,null) last_modified(str) flags(int) user_agent(str) socket(str)\n',
}

interface Meeting {
  readonly scenario: Scenario
  readonly alice: SipUa
  readonly bob: SipUa
  /** Folder of the tables. */
  readonly folder: string
}

async function meet(): Promise<Meeting> {
  const { folder, write } = tableFolder()
  for (const [name, text] of Object.entries(TABLES)) write(name, text)
  const scenario = await startScenario(SCRIPT, { DB: folder }, DNS)
  const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
  return { scenario, alice, bob, folder }
}

/** Registers with credentials, sent with these changes, and gives the answer to them. */
async function enrol(bob: SipUa, port: number, login: Login = {}, headers = ''): Promise<SipMessage> {
  const challenge = await ask(bob, port)
  return ask(bob, port, `Authorization: ${credentialsFor(challenge, login)}\r\n${headers}`)
}

let lastCseq = 1

/** Sends a REGISTER and gives its answer. */
async function ask(ua: SipUa, port: number, headers = ''): Promise<SipMessage> {
  const callId = `enrol-${ua.port}-${lastCseq}`
  ua.request('REGISTER', port, { uri: 'sip:127.0.0.1', callId, cseq: lastCseq++, headers })
  await until(() => ua.received.some(message => message.callId === callId))
  const reply = ua.received.find(message => message.callId === callId)
  if (reply === undefined) throw new Error('no reply')
  return ua.nextReply(reply.status, 'REGISTER')
}

const HINT = 'P-hint'

describe('scenario 4: the classic 2.x script', () => {
  it('starts on tables of old versions, with a warning for what they lack', async () => {
    const { scenario } = await meet()
    const warnings = scenario.log.filter(line => /WARNING/.test(line))
    expect(warnings.filter(line => line.includes('lacks a column')).length).toBeGreaterThan(0)
    expect(new Set(warnings).size).toBe(warnings.length)
    await expectNothingLeft(scenario)
  })

  it('a REGISTER without credentials gets 401 with realm and nonce and no qop', async () => {
    const { scenario, bob } = await meet()
    const reply = await ask(bob, scenario.port)
    expect([reply.status, reply.reason]).toEqual([401, 'Unauthorized'])
    expect(headersOf(reply, 'WWW-Authenticate')).toEqual([
      expect.stringMatching(/^Digest realm="127\.0\.0\.1", nonce="[^"]+"$/),
    ])
  })

  it('a wrong password gets a new nonce without stale; the nonce used before is stale', async () => {
    const { scenario, bob } = await meet()
    const challenge = await ask(bob, scenario.port)
    const wrong = await ask(bob, scenario.port, `Authorization: ${credentialsFor(challenge, { password: 'no' })}\r\n`)
    const again = await ask(bob, scenario.port, `Authorization: ${credentialsFor(challenge)}\r\n`)
    expect([wrong.status, again.status]).toEqual([401, 401])
    const [first, second, third] = [challenge, wrong, again].map(reply => challengesOf(reply)[0])
    expect([second?.stale, third?.stale]).toEqual([false, true])
    expect(new Set([first?.nonce, second?.nonce, third?.nonce]).size).toBe(3)
  })

  it('a nonce older than 30 s is stale', async () => {
    const { scenario, bob } = await meet()
    const challenge = await ask(bob, scenario.port)
    await scenario.clock.advance(31_000)
    const reply = await ask(bob, scenario.port, `Authorization: ${credentialsFor(challenge)}\r\n`)
    expect(challengesOf(reply).map(({ stale }) => stale)).toEqual([true])
  })

  it('credentials without response get 400', async () => {
    const { scenario, bob } = await meet()
    const header = credentialsFor(await ask(bob, scenario.port)).replace(/, response="[^"]*"/, '')
    expect((await ask(bob, scenario.port, `Authorization: ${header}\r\n`)).status).toBe(400)
  })

  it('the contact is in the table after the stop, and found again after the next start', async () => {
    const { scenario, alice, bob, folder } = await meet()
    await enrol(bob, scenario.port, {}, 'User-Agent: phone\r\n')
    await scenario.proxy.stop(AbortSignal.timeout(5_000))
    const [, row, ...more] = readFileSync(join(folder, 'location'), 'utf8').trimEnd().split('\n')
    expect(row).toMatch(new RegExp(`^bob::sip\\\\:bob@127\\.0\\.0\\.1\\\\:${bob.port}:`))
    expect(row).toContain(`:phone:udp\\:127.0.0.1\\:${scenario.port}`)
    expect(more).toEqual([])
    const next = await startScenario(SCRIPT, { DB: folder }, DNS)
    alice.request('INVITE', next.port)
    expect((await bob.nextRequest('INVITE')).requestUri).toBe(bob.uri)
  })

  it('a contact that has expired meanwhile is not loaded', async () => {
    const { scenario, alice, bob, folder } = await meet()
    await enrol(bob, scenario.port, {}, 'Expires: 60\r\n')
    await scenario.proxy.stop(AbortSignal.timeout(5_000))
    const path = join(folder, 'location')
    const [header, row = ''] = readFileSync(path, 'utf8').split('\n')
    const fields = row.split(/(?<!\\):/)
    expect(Number(fields[4])).toBe(Math.floor(scenario.clock.nowMs() / 1000) + 60)
    fields[4] = '1'
    const expired = `${header}\n${fields.join(':')}\n`
    writeFileSync(path, expired)
    const next = await startScenario(SCRIPT, { DB: folder }, DNS)
    alice.request('INVITE', next.port)
    await alice.nextReply(404)
  })

  it('a REGISTER gets a 200 with its contact, and no Record-Route', async () => {
    const { scenario, bob } = await meet()
    const reply = await enrol(bob, scenario.port)
    expect(headersOf(reply, 'Contact')).toEqual([`<${bob.uri}>;expires=3600`])
    expect(reply.recordRoutes).toEqual([])
  })

  it('an INVITE reaches the contact with the hint, one hop fewer, one Record-Route and two Vias', async () => {
    const { scenario, alice, bob } = await meet()
    await enrol(bob, scenario.port)
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
    await enrol(bob, scenario.port)
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
    await enrol(bob, scenario.port)
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
    const credentials = credentialsFor(await ask(bob, scenario.port))
    const right = bob.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', headers: `Authorization: ${credentials}\r\n` })
    bob.send(right.replace(/^Contact: .*$/m, 'Contact: <sip:bob@255.255.255.255>'), scenario.port)
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
