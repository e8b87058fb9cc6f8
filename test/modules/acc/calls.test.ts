import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { answerByes, Call, callRig } from '../dialog/call-rig.ts'

const START_S = 1_800_000_000
const CDR = 'do_accounting("log|evi", "cdr|missed");'

/** A second after `START_S`, so that seconds and milliseconds cannot be taken for each other. */
const clockAt = () => new VirtualClock(START_S * 1000 + 250)

describe('the record of a call', () => {
  it('has the times of answer and end: seconds rounded up, milliseconds, set-up time, beginning', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: CDR })
    const call = await new Call(rig, 'times').begin()
    await call.ring()
    await clock.advance(2300)
    await call.accept()
    await call.acknowledge()
    await clock.advance(4200)
    await call.hangUp()
    expect(await rig.event('E_ACC_CDR')).toEqual({
      method: 'INVITE',
      from_tag: 'times-a',
      to_tag: 'times-b',
      callid: 'times',
      sip_code: '200',
      sip_reason: 'OK',
      time: START_S + 2,
      duration: 5,
      ms_duration: 4200,
      setuptime: 2,
      created: START_S,
    })
    const line = rig.proxy.log.find(text => text.includes('ACC: call ended: '))
    expect(line).toContain(
      `ACC: call ended: created=${START_S};call_start_time=${START_S + 2};duration=5;ms_duration=4200;setuptime=2;` +
        'method=INVITE;from_tag=times-a;to_tag=times-b;call_id=times;code=200;reason=OK\n',
    )
    expect(rig.proxy.log.some(text => text.includes('transaction answered'))).toBe(false)
  })

  it('lasts until the BYE came, not until it was answered', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: CDR })
    const call = await new Call(rig, 'bye').establish()
    await clock.advance(1000)
    call.fromAlice('BYE')
    const bye = await rig.bob.nextRequest('BYE')
    await clock.advance(400)
    expect(rig.events.some(([name]) => name === 'E_ACC_CDR')).toBe(false)
    rig.bob.reply(bye, 200, 'OK')
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ ms_duration: 1000, duration: 1 })
  })

  it('is written when nobody answers the BYE', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: CDR })
    const call = await new Call(rig, 'deaf').establish()
    call.fromAlice('BYE')
    await rig.bob.nextRequest('BYE')
    await clock.advance(40_000)
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'deaf', ms_duration: 0, duration: 0 })
  })

  it('is written when the script answers the BYE itself, without a transaction', async () => {
    const rig = await callRig({ invite: CDR, inside: 'if (is_method("BYE")) { sl_send_reply(200, "OK"); exit; }' })
    const call = await new Call(rig, 'own').establish()
    call.fromAlice('BYE')
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'own' })
  })

  it('is written at once when management ends the call, and both phones get a BYE', async () => {
    const rig = await callRig({ invite: CDR })
    await new Call(rig, 'mi').establish()
    const { Dialogs } = (await rig.mi('dlg_list')) as { Dialogs: { ID: string }[] }
    expect(await rig.mi('dlg_end_dlg', [Dialogs[0]!.ID])).toBe('OK')
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'mi', sip_code: '200' })
    await answerByes(rig)
    await expect(rig.mi('dlg_end_dlg', ['1.1'])).rejects.toMatchObject({
      code: 404,
      message: 'Requested Dialog not found',
    })
  })

  it('is written when the lifetime ends', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: `create_dialog("bye-on-timeout"); $DLG_timeout = 3; ${CDR}` })
    await new Call(rig, 'life').establish()
    await clock.advance(3000)
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ duration: 3, ms_duration: 3000 })
    await answerByes(rig)
  })

  it('shows nothing of the call before it', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "extra_fields", "evi: who; where->place")',
      invite: `if ($hdr(X-Who) != NULL) { $acc_extra(who) = $hdr(X-Who); $acc_extra(where) = "here"; } ${CDR}`,
    })
    await (await new Call(rig, 'first', { headers: 'X-Who: carol\r\n' }).establish()).hangUp()
    await (await new Call(rig, 'second').establish()).hangUp()
    expect(await rig.event('E_ACC_CDR', 1)).toMatchObject({ callid: 'first', who: 'carol', place: 'here' })
    expect(await rig.event('E_ACC_CDR', 2)).toMatchObject({ callid: 'second', who: null, place: null })
    const missed = await new Call(rig, 'third').begin()
    rig.bob.reply(missed.arrived, 480, 'Gone')
    expect(await rig.event('E_ACC_MISSED_EVENT')).toMatchObject({ callid: 'third', who: null, setuptime: 0 })
  })

  it('keeps the values of calls apart that go on at the same time', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "extra_fields", "evi: who")',
      invite: `if ($hdr(X-Who) != NULL) $acc_extra(who) = $hdr(X-Who); ${CDR}`,
    })
    const one = await new Call(rig, 'one', { headers: 'X-Who: carol\r\n' }).establish()
    const two = await new Call(rig, 'two').establish()
    const three = await new Call(rig, 'three', { headers: 'X-Who: dave\r\n' }).establish()
    for (const call of [two, three, one]) await call.hangUp()
    await rig.event('E_ACC_CDR', 3)
    const records = rig.events.filter(([name]) => name === 'E_ACC_CDR').map(([, { callid, who }]) => [callid, who])
    expect(records).toEqual([
      ['two', null],
      ['three', 'dave'],
      ['one', 'carol'],
    ])
  })

  it('comes once for each leg', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "leg_fields", "evi: to")\nmodparam("acc", "leg_fields", "log: to")',
      invite: `$acc_leg(to) = "bob"; acc_new_leg(); $acc_leg(to) = "carol"; ${CDR}
        xlog("legs $(acc_leg(to)[0]) $(acc_leg(to)[-1]) $acc_current_leg\\n");`,
    })
    await (await new Call(rig, 'legs').establish()).hangUp()
    expect(await rig.event('E_ACC_CDR', 1)).toMatchObject({ to: 'bob', ms_duration: expect.any(Number) })
    expect(await rig.event('E_ACC_CDR', 2)).toMatchObject({ to: 'carol' })
    expect(rig.proxy.log.join('')).toContain('legs bob carol 1')
    expect(rig.proxy.log.join('')).toContain(';to=bob;to=carol')
  })

  it('takes values from a request inside the call', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "extra_fields", "evi: end")',
      invite: CDR,
      inside: 'if (is_method("BYE")) { acc_load_ctx_from_dlg(); $acc_extra(end) = $ua; acc_unload_ctx_from_dlg(); }',
    })
    const call = await new Call(rig, 'late').establish()
    call.fromAlice('BYE', 2, 'User-Agent: Phone 1\r\n')
    rig.bob.reply(await rig.bob.nextRequest('BYE'), 200, 'OK')
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ end: 'Phone 1' })
  })

  it('is dropped by drop_accounting', async () => {
    const rig = await callRig({ invite: `${CDR} drop_accounting("evi", "cdr");` })
    await (await new Call(rig, 'dropped').establish()).hangUp()
    await rig.until('the line', () => rig.proxy.log.some(text => text.includes('ACC: call ended')))
    expect(rig.events.filter(([name]) => name === 'E_ACC_CDR')).toEqual([])
    // The type is still accounted, only not as a call.
    await rig.event('E_ACC_EVENT')
  })
})
