import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { headerOf } from '../../support/sip-ua.ts'
import { answerByes, Call, type CallRig, callRig } from './call-rig.ts'

const change = (from: number, to: number) => ({ old_state: from, new_state: to })

/** Whoever forgets something shows here. */
async function expectNothingLeft(rig: CallRig): Promise<void> {
  expect(rig.statistic('dialog:active_dialogs')).toBe(0)
  expect(rig.statistic('dialog:early_dialogs')).toBe(0)
  expect(await rig.mi('dlg_list')).toEqual({ Dialogs: [] })
}

describe('the lifetime of a call', () => {
  it('ends with BYEs to both parties, along the Route set and with the next CSeq', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({ clock, invite: 'create_dialog("bye-on-timeout"); $DLG_timeout = 3;' })
    await new Call(rig, 't1').establish()
    await clock.advance(2999)
    expect(rig.events).toHaveLength(3)
    await clock.advance(1)
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject(change(4, 5))
    const toBob = await rig.bob.nextRequest('BYE')
    expect(toBob.requestUri).toBe(rig.bob.uri)
    expect(headerOf(toBob, 'CSeq')).toBe('2 BYE')
    expect([toBob.fromTag, toBob.toTag, toBob.callId]).toEqual(['t1-a', 't1-b', 't1'])
    expect(headerOf(toBob, 'Route')).toBe('')
    const before = rig.statistic('tm:received_replies')
    rig.bob.reply(toBob, 200, 'OK')
    rig.alice.reply(await rig.alice.nextRequest('BYE'), 200, 'OK')
    await rig.until('both answers', () => rig.statistic('tm:received_replies') === before + 2)
    expect(rig.statistic('dialog:expired_dialogs')).toBe(1)
    await expectNothingLeft(rig)
  })

  it('sends the BYE to the caller through the proxies the INVITE came through', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({ clock, invite: 'create_dialog("B"); $DLG_timeout = 3;' })
    const headers = `Record-Route: <sip:127.0.0.1:${rig.alice.port};lr>\r\n`
    await new Call(rig, 't2', { headers }).establish()
    await clock.advance(3000)
    const toAlice = await rig.alice.nextRequest('BYE')
    expect(headerOf(toAlice, 'Route')).toBe(`<sip:127.0.0.1:${rig.alice.port};lr>`)
    expect([toAlice.fromTag, toAlice.toTag]).toEqual(['t2-b', 't2-a'])
    const before = rig.statistic('tm:received_replies')
    rig.alice.reply(toAlice, 200, 'OK')
    rig.bob.reply(await rig.bob.nextRequest('BYE'), 200, 'OK')
    await rig.until('both answers', () => rig.statistic('tm:received_replies') === before + 2)
  })

  it('ends silently without bye-on-timeout', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({ clock, head: 'modparam("dialog", "default_timeout", 5)', invite: 'create_dialog();' })
    await new Call(rig, 't3').establish()
    await clock.advance(5000)
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject(change(4, 5))
    await expectNothingLeft(rig)
    expect(rig.bob.count({ method: 'BYE' })).toBe(0)
  })

  it('can be made longer by dlg_on_timeout, and is told of afterwards by dlg_on_hangup', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      invite: `create_dialog(); $DLG_timeout = 2; dlg_on_answer("up"); dlg_on_timeout("more"); dlg_on_hangup("down");`,
      routes: `route[up] { xlog("up $DLG_status $dlg_val(n)\\n"); }
        route[more] { if ($dlg_val(n) == NULL) { $dlg_val(n) = 1; $DLG_timeout = 4; } }
        route[down] { xlog("down $DLG_end_reason after $DLG_lifetime, $dlg_val(n)\\n"); }`,
    })
    await new Call(rig, 't4').establish()
    await clock.advance(5999)
    expect(rig.events).toHaveLength(3)
    await clock.advance(1)
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject(change(4, 5))
    expect(rig.proxy.log.join('')).toContain('up 3 <null>')
    expect(rig.proxy.log.join('')).toContain('down Lifetime Timeout after 6, 1')
  })

  it('leaves no timer behind, however the call ends', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({ clock, invite: 'create_dialog("Pr"); set_dlg_flag("x");' })
    const before = clock.pending
    await (await new Call(rig, 't5').establish()).hangUp()
    const busy = await new Call(rig, 't6').begin()
    rig.bob.reply(busy.arrived, 486, 'Busy Here')
    rig.alice.ack(busy.invite, await rig.alice.nextReply(486), rig.proxy.port)
    await clock.advance(40_000)
    await rig.until('no timer', () => clock.pending <= before)
    expect(rig.statistic('tm:inuse_transactions')).toBe(0)
    await expectNothingLeft(rig)
  })
})

describe('management', () => {
  it('ends an answered call by any of its names', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    await new Call(rig, 'named').establish()
    expect(await rig.mi('dialog:end_dlg', ['named', 'X-Why: because'])).toBe('OK')
    const bye = await rig.bob.nextRequest('BYE')
    expect(headerOf(bye, 'X-Why')).toBe('because')
    rig.bob.reply(bye, 200, 'OK')
    rig.alice.reply(await rig.alice.nextRequest('BYE'), 200, 'OK')
    await expectNothingLeft(rig)
  })

  it('cancels a call that rings', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await (await new Call(rig, 'rings').begin()).ring()
    expect(rig.statistic('dialog:early_dialogs')).toBe(1)
    expect(await rig.mi('dlg_end_dlg', ['rings'])).toBe('OK')
    rig.bob.reply(await rig.bob.nextRequest('CANCEL'), 200, 'OK')
    rig.bob.reply(call.arrived, 487, 'Request Terminated', { toTag: 'rings-b' })
    rig.alice.ack(call.invite, await rig.alice.nextReply(487), rig.proxy.port)
    expect(await rig.event('E_DLG_STATE_CHANGED', 2)).toMatchObject(change(2, 5))
    await expectNothingLeft(rig)
  })
})

describe('who hung up', () => {
  it.each([
    ['fromAlice', 'Downstream BYE', 'downstream'],
    ['fromBob', 'Upstream BYE', 'upstream'],
  ] as const)('%s is seen as %s', async (side, reason, direction) => {
    const rig = await callRig({
      head: 'modparam("dialog", "delete_delay", 1)',
      invite: 'create_dialog();',
      inside: 'if (is_method("BYE")) xlog("$DLG_dir $DLG_status $DLG_end_reason $DLG_lifetime\\n");',
    })
    const call = await new Call(rig, side).establish()
    call[side]('BYE')
    const other = side === 'fromAlice' ? rig.bob : rig.alice
    other.reply(await other.nextRequest('BYE'), 200, 'OK')
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject(change(4, 5))
    expect(rig.proxy.log.join('')).toContain(`${direction} 5 ${reason} 0`)
    // Readable for a second.
    expect(await rig.mi('dlg_list')).toMatchObject({ Dialogs: [{ state: 5 }] })
    expect(rig.statistic('dialog:active_dialogs')).toBe(0)
  })
})

describe('a call that is cancelled and answered at once', () => {
  it('is ended after race_condition_timeout with end-on-race-condition', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({ clock, invite: 'create_dialog("end-on-race-condition");' })
    const call = await (await new Call(rig, 'race').begin()).ring()
    rig.alice.cancel(call.invite, rig.proxy.port)
    await rig.bob.nextRequest('CANCEL')
    await call.accept()
    await clock.advance(5000)
    await answerByes(rig)
    await expectNothingLeft(rig)
  })

  it('is a call again when the answer comes after it had been given up', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      head: 'modparam("tm", "fr_inv_timeout", 10)',
      invite: 'create_dialog(); do_accounting("evi", "cdr");',
    })
    const call = await (await new Call(rig, 'late').begin()).ring()
    await clock.advance(10_000)
    rig.alice.ack(call.invite, await rig.alice.nextReply(408), rig.proxy.port)
    expect(await rig.event('E_DLG_STATE_CHANGED', 2)).toMatchObject(change(2, 5))
    await rig.bob.nextRequest('CANCEL')
    await call.accept()
    expect(await rig.event('E_DLG_STATE_CHANGED', 3)).toMatchObject(change(5, 3))
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    await call.acknowledge()
    await call.hangUp()
    expect(await rig.event('E_DLG_STATE_CHANGED', 5)).toMatchObject(change(4, 5))
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'late', sip_code: '200' })
    await expectNothingLeft(rig)
  })
})

describe('pings', () => {
  it('are OPTIONS with the next CSeq, and later requests count on from there', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      head: 'modparam("dialog", "options_ping_interval", 10)',
      invite: 'create_dialog("options-ping-callee");',
    })
    const call = await new Call(rig, 'ping').establish()
    await clock.advance(10_000)
    const ping = await rig.bob.nextRequest('OPTIONS')
    expect([headerOf(ping, 'CSeq'), ping.requestUri]).toEqual(['2 OPTIONS', rig.bob.uri])
    rig.bob.reply(ping, 200, 'OK')
    call.fromAlice('INFO', 2)
    const info = await rig.bob.nextRequest('INFO')
    expect(headerOf(info, 'CSeq')).toBe('3 INFO')
    rig.bob.reply(info, 200, 'OK')
    expect(headerOf(await rig.alice.nextReply(200, 'INFO'), 'CSeq')).toBe('2 INFO')
    await call.hangUp()
    await expectNothingLeft(rig)
  })

  it('that are answered 481 end the call', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      head: 'modparam("dialog", "reinvite_ping_interval", 10)\nmodparam("dialog", "delete_delay", 60)',
      invite: 'create_dialog("reinvite-ping-caller");',
    })
    const call = await new Call(rig, 'dead').begin()
    await call.ring()
    await call.accept('v=0\r\n')
    await call.acknowledge()
    await clock.advance(10_000)
    const ping = await rig.alice.nextRequest('INVITE')
    expect([ping.body.toString(), ping.contacts]).toMatchObject(['v=0\r\n', [{ uri: rig.bob.uri }]])
    rig.alice.reply(ping, 481, 'Gone')
    await answerByes(rig)
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject(change(4, 5))
    await clock.advance(60_000)
    await expectNothingLeft(rig)
  })
})
