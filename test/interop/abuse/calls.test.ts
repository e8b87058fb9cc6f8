import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { callerRoute, type Scenario, Stream, startScenario, until } from '../scenarios/rig.ts'
import { type Census, census, expectAsBefore } from './census.ts'

const SCRIPT = `
socket=udp:127.0.0.1:@PORT@
socket=tcp:127.0.0.1:@PORT@
loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "rr.so"\nloadmodule "signaling.so"\nloadmodule "sipmsgops.so"
loadmodule "usrloc.so"\nloadmodule "registrar.so"\nloadmodule "dialog.so"\nloadmodule "acc.so"
modparam("registrar", "max_contacts", @MAX@)
route {
  if (is_method("REGISTER")) { save("location"); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  record_route();
  create_dialog();
  do_accounting("evi", "cdr");
  if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
  t_relay();
}`

interface Rig {
  readonly scenario: Scenario
  readonly before: Census
  readonly alice: SipUa
  readonly port: number
}

async function start(maxContacts = 0): Promise<Rig> {
  const scenario = await startScenario(SCRIPT, { MAX: maxContacts })
  return { scenario, before: census(scenario), alice: await SipUa.open('alice'), port: scenario.port }
}

/** What must be as before when a call is over, beside the census. */
const kept = ({ stat }: Scenario) => ({
  dialogs: (stat('active_dialogs') ?? 0) + (stat('early_dialogs') ?? 0),
  users: stat('registered_users'),
})

/** Registers a contact for two minutes: it is gone when the proxy is looked at afterwards. */
async function registerFor2Min(phone: SipUa, { port }: Rig): Promise<void> {
  phone.request('REGISTER', port, { uri: 'sip:127.0.0.1', to: 'sip:bob@127.0.0.1', headers: 'Expires: 120\r\n' })
  await phone.nextReply(200, 'REGISTER')
}

/** The Request-URI and Route set of the callee, learnt from the INVITE. */
function calleeRoute(invite: SipMessage, own: SipUa) {
  const contact = Array.isArray(invite.contacts) ? invite.contacts[0]?.uri : undefined
  return {
    ...(contact === undefined ? {} : { uri: contact }),
    headers: invite.recordRoutes.map(route => `Route: <${route.uri}>\r\n`).join(''),
    callId: invite.callId,
    fromTag: `${own.name}-tag`,
    toTag: invite.fromTag,
    to: 'sip:alice@127.0.0.1',
  }
}

describe('two 2xx from a fork', () => {
  it('make two calls, each acknowledged by itself and ended from either side, with nothing left', async () => {
    const rig = await start()
    const { scenario, alice, port } = rig
    const phones = [await SipUa.open('one'), await SipUa.open('two')] as const
    for (const phone of phones) await registerFor2Min(phone, rig)
    const invite = alice.request('INVITE', port)
    const invites = [await phones[0].nextRequest('INVITE'), await phones[1].nextRequest('INVITE')] as const
    for (const [i, phone] of phones.entries()) phone.reply(invites[i] as SipMessage, 200, 'OK')
    const answers = [await alice.nextReply(200), await alice.nextReply(200)]
    const of = (name: string) => answers.find(answer => answer.toTag === `${name}-tag`) as SipMessage
    for (const phone of phones) {
      const route = { ...callerRoute(of(phone.name)), callId: invite.callId, fromTag: invite.fromTag }
      alice.request('ACK', port, route)
      expect((await phone.nextRequest('ACK')).toTag).toBe(`${phone.name}-tag`)
    }
    // The caller keeps the first and ends the second; the callee of the first then hangs up.
    const second = { ...callerRoute(of('two')), callId: invite.callId, fromTag: invite.fromTag, cseq: 2 }
    alice.request('BYE', port, second)
    phones[1].reply(await phones[1].nextRequest('BYE'), 200, 'OK')
    await alice.nextReply(200, 'BYE')
    phones[0].request('BYE', port, calleeRoute(invites[0], phones[0]))
    const bye = await alice.nextRequest('BYE')
    expect([bye.callId, bye.fromTag, bye.toTag]).toEqual([invite.callId, 'one-tag', invite.fromTag])
    alice.reply(bye, 200, 'OK')
    await phones[0].nextReply(200, 'BYE')
    await expectAsBefore(scenario, rig.before)
    expect(kept(scenario)).toEqual({ dialogs: 0, users: 0 })
  })
})

describe('a call whose callee vanishes', () => {
  it('ends with the BYE all the same: 408, one dialog less, nothing left', async () => {
    const rig = await start()
    const { scenario, alice, port } = rig
    const bob = await SipUa.open('bob')
    await registerFor2Min(bob, rig)
    const invite = alice.request('INVITE', port)
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    const route = { ...callerRoute(await alice.nextReply(200)), callId: invite.callId, fromTag: invite.fromTag }
    alice.request('ACK', port, route)
    await bob.nextRequest('ACK')
    expect(kept(scenario)).toEqual({ dialogs: 1, users: 1 })
    alice.request('BYE', port, { ...route, cseq: 2 })
    await bob.nextRequest('BYE')
    await scenario.clock.advance(30_000)
    await alice.nextReply(408, 'BYE')
    await expectAsBefore(scenario, rig.before)
    expect(kept(scenario)).toEqual({ dialogs: 0, users: 0 })
  })

  it('before it answers: the caller gets 408, and there is no dialog', async () => {
    const rig = await start()
    const bob = await SipUa.open('bob')
    await registerFor2Min(bob, rig)
    const invite = rig.alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await rig.alice.nextReply(180)
    await rig.scenario.clock.advance(119_000)
    await rig.scenario.clock.advance(3000)
    rig.alice.ack(invite, await rig.alice.nextReply(408), rig.port)
    await expectAsBefore(rig.scenario, rig.before)
    expect(kept(rig.scenario)).toEqual({ dialogs: 0, users: 0 })
  })
})

describe('a REGISTER with 500 contacts', () => {
  const contacts = Array.from({ length: 500 }, (_, i) => `<sip:bob@127.0.0.1:${10_000 + i}>;expires=60`).join(', ')
  const register = ({ alice }: Rig) =>
    alice
      .makeRequest('REGISTER', { uri: 'sip:127.0.0.1' })
      .replace(/^Via: SIP\/2.0\/UDP/m, 'Via: SIP/2.0/TCP')
      .replace(/^Contact: .*$/m, `Contact: ${contacts}`)

  it('over TCP is stored and answered whole, and all of it expires', async () => {
    const rig = await start()
    const stream = await Stream.open(rig.port)
    stream.write(register(rig))
    await until(() => stream.count(200) === 1 && stream.text.endsWith('\r\n\r\n'))
    expect(stream.text.match(/expires=60/g)).toHaveLength(500)
    expect(rig.scenario.stat('location-contacts')).toBe(500)
    stream.close()
    await expectAsBefore(rig.scenario, rig.before)
    expect([rig.scenario.stat('location-contacts'), kept(rig.scenario)]).toEqual([0, { dialogs: 0, users: 0 }])
  })

  it('above max_contacts is refused with 503 and counted, and what was stored before the limit expires', async () => {
    const rig = await start(10)
    const stream = await Stream.open(rig.port)
    stream.write(register(rig))
    await until(() => stream.count(503) === 1)
    expect([rig.scenario.stat('rejected_regs'), rig.scenario.stat('location-contacts')]).toEqual([1, 10])
    stream.close()
    await expectAsBefore(rig.scenario, rig.before)
    expect(kept(rig.scenario)).toEqual({ dialogs: 0, users: 0 })
  })
})
