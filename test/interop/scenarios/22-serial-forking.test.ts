import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { expectNothingLeft, register, startScenario } from './rig.ts'

const SCRIPT = `${B4}
modparam("tm", "fr_inv_timeout", 5)
modparam("tm", "fr_timeout", 5)
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    serialize_branches(1);
    next_branches();
    t_on_failure("s");
    t_relay();
}
failure_route[s] {
    if (t_was_cancelled()) exit;
    if (next_branches()) { t_on_failure("s"); t_relay(); }
}
`

/** Calls bob, whose best phone rings without answering. */
async function firstStage() {
  const scenario = await startScenario(SCRIPT)
  const alice = await SipUa.open('alice')
  const [best, ...rest] = (await Promise.all([1, 2, 3].map(() => SipUa.open('bob')))) as [SipUa, SipUa, SipUa]
  for (const bob of rest) await register(bob, scenario.port, ';q=0.5')
  await register(best, scenario.port, ';q=1.0')
  const invite = alice.request('INVITE', scenario.port)
  const received = await best.nextRequest('INVITE')
  best.reply(received, 180, 'Ringing')
  await alice.nextReply(180)
  expect(rest.map(bob => bob.count({ method: 'INVITE' }))).toEqual([0, 0])
  return { scenario, alice, best, rest, invite, received }
}

/** The best phone does not answer in time; the others ring. */
async function secondStage() {
  const stage = await firstStage()
  const { scenario, best, rest, received } = stage
  await scenario.clock.advance(5000)
  const cancel = await best.nextRequest('CANCEL')
  expect(headersOf(cancel, 'Reason')).toEqual(['SIP;cause=480;text="NO_ANSWER"'])
  best.reply(cancel, 200, 'OK')
  best.reply(received, 487, 'Request Terminated')
  await best.nextRequest('ACK')
  const branches = await Promise.all(rest.map(bob => bob.nextRequest('INVITE')))
  return { ...stage, branches }
}

describe('scenario 22: serial forking by q', () => {
  it('the best contact is tried alone, the others together when it does not answer, and the last group decides', async () => {
    const { scenario, alice, rest, invite, branches } = await secondStage()
    for (const [i, bob] of rest.entries()) {
      bob.reply(branches[i] as SipMessage, 486, 'Busy Here')
      await bob.nextRequest('ACK')
    }
    alice.ack(invite, await alice.nextReply(486), scenario.port)
    await expectNothingLeft(scenario)
    expect(alice.count({ status: 408 })).toBe(0)
  })

  it('a CANCEL during the second stage ends the call with 487 and nothing further is tried', async () => {
    const { scenario, alice, best, rest, invite, branches } = await secondStage()
    for (const [i, bob] of rest.entries()) bob.reply(branches[i] as SipMessage, 180, 'Ringing')
    await alice.nextReply(180)
    await alice.nextReply(180)
    alice.cancel(invite, scenario.port)
    expect((await alice.nextReply(200, 'CANCEL')).reason).toBe('canceling')
    for (const [i, bob] of rest.entries()) {
      bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
      bob.reply(branches[i] as SipMessage, 487, 'Request Terminated')
      await bob.nextRequest('ACK')
    }
    alice.ack(invite, await alice.nextReply(487), scenario.port)
    await expectNothingLeft(scenario)
    expect([best, ...rest].map(bob => bob.count({ method: 'INVITE' }))).toEqual([1, 1, 1])
  })

  it('a CANCEL during the first stage keeps the second from being tried', async () => {
    const { scenario, alice, best, rest, invite, received } = await firstStage()
    alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    best.reply(await best.nextRequest('CANCEL'), 200, 'OK')
    best.reply(received, 487, 'Request Terminated')
    alice.ack(invite, await alice.nextReply(487), scenario.port)
    await expectNothingLeft(scenario)
    expect(rest.map(bob => bob.count({ method: 'INVITE' }))).toEqual([0, 0])
  })
})
