import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE } from './base-scripts.ts'
import { branchOf, callerRoute, expectNothingLeft, register, roundTrip, startScenario } from './rig.ts'

async function call(route = FORKING_ROUTE) {
  const scenario = await startScenario(B4 + route)
  const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
  await register(bob, scenario.port)
  const invite = alice.request('INVITE', scenario.port)
  const received = await bob.nextRequest('INVITE')
  return { scenario, alice, bob, invite, received }
}

describe('scenario 23: CANCEL races', () => {
  it('a CANCEL before any provisional reply waits for the first one, then goes out at once', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    const cancel = alice.cancel(invite, scenario.port)
    const accepted = await alice.nextReply(200, 'CANCEL')
    expect([accepted.reason, branchOf(accepted)]).toEqual(['canceling', branchOf(cancel)])
    await roundTrip(bob, scenario.port)
    expect(bob.count({ method: 'CANCEL' })).toBe(0)
    bob.reply(received, 180, 'Ringing')
    bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
    bob.reply(received, 487, 'Request Terminated')
    await bob.nextRequest('ACK')
    alice.ack(invite, await alice.nextReply(487), scenario.port)
    await expectNothingLeft(scenario)
    expect(bob.count({ method: 'CANCEL' })).toBe(1)
  })

  it('a CANCEL that crosses the 200 has no effect: the caller gets both replies, acknowledges and hangs up', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    bob.reply(received, 200, 'OK')
    alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    const answered = await alice.nextReply(200, 'INVITE')
    const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) }
    alice.request('ACK', scenario.port, dialog)
    await bob.nextRequest('ACK')
    alice.request('BYE', scenario.port, { ...dialog, cseq: 2 })
    bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
    await alice.nextReply(200, 'BYE')
    await expectNothingLeft(scenario)
  })

  it('a 200 after the CANCEL went out wins over it', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    const cancel = await bob.nextRequest('CANCEL')
    bob.reply(received, 200, 'OK')
    bob.reply(cancel, 200, 'OK')
    const answered = await alice.nextReply(200, 'INVITE')
    alice.request('ACK', scenario.port, { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) })
    await bob.nextRequest('ACK')
    await expectNothingLeft(scenario)
    expect(alice.count({ status: 487 })).toBe(0)
  })

  it('a CANCEL of an unknown transaction is left to the script, which drops it', async () => {
    const { scenario, bob } = await call()
    const stranger = await SipUa.open('stranger')
    stranger.request('CANCEL', scenario.port)
    await roundTrip(stranger, scenario.port)
    expect(stranger.received.map(message => message.status)).toEqual([400])
    expect(bob.count({ method: 'CANCEL' })).toBe(0)
  })

  it('a CANCEL of an unknown transaction that the script relays goes on without a reply from here', async () => {
    const RELAYING = FORKING_ROUTE.replace('if (t_check_trans()) t_relay(); exit;', 't_relay(); exit;')
    const { scenario, bob } = await call(RELAYING)
    const stranger = await SipUa.open('stranger')
    stranger.request('CANCEL', scenario.port, { uri: bob.uri })
    bob.reply(await bob.nextRequest('CANCEL'), 481, 'Call Does Not Exist')
    await stranger.nextReply(481)
    await roundTrip(stranger, scenario.port)
    expect(stranger.count({ status: 200 })).toBe(0)
  })

  it('a repeated CANCEL gets the same 200 again, and the callee one CANCEL', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    const cancel = alice.cancel(invite, scenario.port)
    const first = await alice.nextReply(200, 'CANCEL')
    alice.send(cancel.bytes, scenario.port)
    const second = await alice.nextReply(200, 'CANCEL')
    expect(second.bytes.toString()).toBe(first.bytes.toString())
    bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
    bob.reply(received, 487, 'Request Terminated')
    alice.ack(invite, await alice.nextReply(487), scenario.port)
    await expectNothingLeft(scenario)
    expect(bob.count({ method: 'CANCEL' })).toBe(1)
  })

  it('a callee who never answers the CANCEL is waited for, and the caller gets his 487 in the end', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    await bob.nextRequest('CANCEL')
    await scenario.clock.advance(130_000)
    alice.ack(invite, await alice.nextReply(487), scenario.port)
    await expectNothingLeft(scenario)
  })
})
