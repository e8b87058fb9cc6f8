import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { headerOf } from '../../support/sip-ua.ts'
import { Call, type CallRig, callRig } from './call-rig.ts'

const RELIABLE = 'Require: 100rel\r\nRSeq: 17\r\n'

async function reliablyRinging(rig: CallRig, call: Call, headers = RELIABLE): Promise<void> {
  rig.bob.reply(call.arrived, 183, 'Session Progress', { toTag: `${call.callId}-b`, headers })
}

describe('create_dialog("auto-prack")', () => {
  it('answers a reliable provisional reply itself, and the caller sees an ordinary one', async () => {
    const rig = await callRig({ clock: new VirtualClock(), invite: 'create_dialog("auto-prack");' })
    const call = await new Call(rig, 'rel').begin()
    await reliablyRinging(rig, call)
    const ringing = await rig.alice.nextReply(183)
    expect([headerOf(ringing, 'Require'), headerOf(ringing, 'RSeq')]).toEqual(['', ''])
    const prack = await rig.bob.nextRequest('PRACK')
    expect([headerOf(prack, 'RAck'), headerOf(prack, 'CSeq')]).toEqual(['17 1 INVITE', '2 PRACK'])
    expect([prack.requestUri, prack.fromTag, prack.toTag]).toEqual([rig.bob.uri, 'rel-a', 'rel-b'])
    rig.bob.reply(prack, 200, 'OK')
    await call.accept()
    call.fromAlice('ACK', 1)
    // The ACK keeps the number of its INVITE; what comes later counts on from the PRACK.
    expect(headerOf(await rig.bob.nextRequest('ACK'), 'CSeq')).toBe('1 ACK')
    call.fromAlice('BYE')
    const bye = await rig.bob.nextRequest('BYE')
    expect(headerOf(bye, 'CSeq')).toBe('3 BYE')
    rig.bob.reply(bye, 200, 'OK')
    expect(headerOf(await rig.alice.nextReply(200, 'BYE'), 'CSeq')).toBe('2 BYE')
  })

  it('answers each reply once, and again after auto_prack_interval where no answer came', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      head: 'modparam("dialog", "auto_prack_cseq_offset", 10)',
      invite: 'create_dialog("auto-prack");',
    })
    const call = await new Call(rig, 'twice').begin()
    for (let i = 0; i < 2; i++) {
      await reliablyRinging(rig, call)
      await rig.alice.nextReply(183)
    }
    const prack = await rig.bob.nextRequest('PRACK')
    expect(headerOf(prack, 'CSeq')).toBe('12 PRACK')
    rig.bob.reply(prack, 200, 'OK')
    await rig.until('the answer', () => rig.statistic('tm:received_replies') >= 3)
    await clock.advance(3_000)
    await reliablyRinging(rig, call)
    await rig.alice.nextReply(183)
    await reliablyRinging(rig, call, 'Require: 100rel, timer\r\nRSeq: 18\r\n')
    expect(headerOf(await rig.alice.nextReply(183), 'Require')).toBe('timer')
    const next = await rig.bob.nextRequest('PRACK')
    expect(headerOf(next, 'RAck')).toBe('18 1 INVITE')
    rig.bob.reply(next, 200, 'OK')
    expect(rig.bob.received.filter(({ method }) => method === 'PRACK')).toHaveLength(2)
  })

  it('leaves replies alone that are not reliable, and those of other calls', async () => {
    const rig = await callRig({ clock: new VirtualClock(), invite: 'if ($rU == "nobody") exit; create_dialog();' })
    const call = await new Call(rig, 'plain').begin()
    await reliablyRinging(rig, call)
    expect(headerOf(await rig.alice.nextReply(183), 'RSeq')).toBe('17')
    await call.accept()
    await call.acknowledge()
    await call.hangUp()
    expect(rig.bob.count({ method: 'PRACK' })).toBe(0)
  })
})
