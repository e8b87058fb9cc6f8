import { describe, expect, it } from 'vitest'
import { headerOf } from '../../support/sip-ua.ts'
import { answerByes, Call, callRig } from './call-rig.ts'

describe('requests made within a call', () => {
  it('are sent by management and by the script', async () => {
    const rig = await callRig({
      invite: 'create_dialog();',
      inside: 'if (is_method("INFO")) dlg_send_sequential("MESSAGE", "callee", "hello", "text/plain", "X-A: 1\\r\\n");',
    })
    const call = await new Call(rig, 'r1').establish()
    const answer = rig.mi('dialog:send_sequential', { callid: 'r1', method: 'OPTIONS', mode: 'callee' })
    const options = await rig.bob.nextRequest('OPTIONS')
    expect(headerOf(options, 'CSeq')).toBe('2 OPTIONS')
    rig.bob.reply(options, 200, 'Fine')
    expect(await answer).toEqual({ Status: '200 Fine' })
    call.fromAlice('INFO')
    const message = await rig.bob.nextRequest('MESSAGE')
    expect([message.body.toString(), headerOf(message, 'X-A'), headerOf(message, 'Content-Type')]).toEqual([
      'hello',
      '1',
      'text/plain',
    ])
    rig.bob.reply(message, 200, 'OK')
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    await rig.alice.nextReply(200, 'INFO')
    await call.hangUp()
  })

  it('keep CSeq numbers apart when the caller renews its offer, and its ACK fits', async () => {
    const rig = await callRig({ invite: 'create_dialog();', inside: 'if (is_method("INFO")) dlg_inc_cseq(5);' })
    const call = await new Call(rig, 'r2').establish()
    call.fromAlice('INFO', 2)
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    await rig.alice.nextReply(200, 'INFO')
    call.fromAlice('INVITE', 3)
    const renewed = await rig.bob.nextRequest('INVITE')
    expect(headerOf(renewed, 'CSeq')).toBe('8 INVITE')
    rig.bob.reply(renewed, 200, 'OK')
    expect(headerOf(await rig.alice.nextReply(200, 'INVITE'), 'CSeq')).toBe('3 INVITE')
    call.fromAlice('ACK', 3)
    expect(headerOf(await rig.bob.nextRequest('ACK'), 'CSeq')).toBe('8 ACK')
    call.aliceCseq = 3
    await call.hangUp()
  })

  it('see the values of the call in local_route', async () => {
    const rig = await callRig({
      invite: 'create_dialog(); $dlg_val(x) = "here";',
      routes: 'local_route { xlog("local $rm $dlg_val(x)\\n"); }',
    })
    await new Call(rig, 'r3').establish()
    await rig.mi('dlg_end_dlg', ['r3'])
    await answerByes(rig)
    expect(rig.proxy.log.filter(line => line.includes('local BYE here'))).toHaveLength(2)
  })
})

describe('the list of calls', () => {
  it('can be asked for in parts, and for one call', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    for (const name of ['l1', 'l2', 'l3']) await new Call(rig, name).establish()
    expect(await rig.mi('dialog:list', { index: 1, counter: 1 })).toMatchObject({
      count: 3,
      Dialogs: [{ callid: 'l2' }],
    })
    expect(await rig.mi('dlg_list', ['l3', 'l3-a'])).toMatchObject({ Dialogs: [{ callid: 'l3' }] })
    await expect(rig.mi('dlg_list', ['l9'])).rejects.toMatchObject({ code: 404 })
    for (const name of ['l1', 'l2', 'l3']) {
      await rig.mi('dlg_end_dlg', [name])
      await answerByes(rig)
    }
    expect(rig.statistic('dialog:active_dialogs')).toBe(0)
  })
})

describe('forked calls', () => {
  it('go on when the caller ends the one it does not want', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await new Call(rig, 'fork').begin()
    rig.bob.reply(call.arrived, 200, 'OK', { toTag: 'fork-b' })
    call.answer = await rig.alice.nextReply(200, 'INVITE')
    rig.bob.reply(call.arrived, 200, 'OK', { toTag: 'fork-c' })
    await rig.alice.nextReply(200, 'INVITE')
    await call.acknowledge()
    const route = headerOf(call.answer, 'Record-Route')
    rig.alice.request('BYE', rig.proxy.port, {
      uri: rig.bob.uri,
      callId: 'fork',
      fromTag: 'fork-a',
      toTag: 'fork-c',
      cseq: 2,
      headers: `Route: ${route}\r\n`,
    })
    rig.bob.reply(await rig.bob.nextRequest('BYE'), 200, 'OK')
    await rig.alice.nextReply(200, 'BYE')
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    call.aliceCseq = 2
    await call.hangUp()
    expect(rig.statistic('dialog:active_dialogs')).toBe(0)
  })
})
