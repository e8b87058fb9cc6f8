import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { Call, callRig } from '../dialog/call-rig.ts'

const START_S = 1_800_000_000

describe('missed calls', () => {
  it('are told of in the log and by an event, with the time the call was tried', async () => {
    const clock = new VirtualClock(START_S * 1000)
    const rig = await callRig({ clock, invite: 'do_accounting("log|evi", "missed");' })
    const call = await new Call(rig, 'm1').begin()
    await clock.advance(1500)
    rig.bob.reply(call.arrived, 486, 'Busy Here')
    expect(await rig.event('E_ACC_MISSED_EVENT')).toEqual({
      method: 'INVITE',
      from_tag: 'm1-a',
      to_tag: 'bob-tag',
      callid: 'm1',
      sip_code: '486',
      sip_reason: 'Busy Here',
      time: START_S,
      setuptime: 1,
      created: START_S,
    })
    const line = rig.proxy.log.find(text => text.includes('ACC: call missed: '))
    expect(line).toContain(`ACC: call missed: timestamp=${START_S};created=${START_S};setuptime=1;method=INVITE;`)
    expect(line).toContain(';code=486;reason=Busy Here\n')
  })

  it('include those that the caller gave up', async () => {
    const rig = await callRig({ invite: 'do_accounting("evi", "cdr|missed");' })
    const call = await new Call(rig, 'gone').begin()
    await call.ring()
    rig.alice.cancel(call.invite, rig.proxy.port)
    rig.bob.reply(await rig.bob.nextRequest('CANCEL'), 200, 'OK')
    rig.bob.reply(call.arrived, 487, 'Request Terminated', { toTag: 'gone-b' })
    expect(await rig.event('E_ACC_MISSED_EVENT')).toMatchObject({ sip_code: '487', to_tag: 'gone-b' })
    expect(rig.events.filter(([name]) => name.startsWith('E_ACC'))).toHaveLength(1)
  })

  it('include those that nobody answers, and those the script refuses', async () => {
    const clock = new VirtualClock()
    const rig = await callRig({
      clock,
      head: 'modparam("tm", "fr_timeout", 2)',
      invite:
        'do_accounting("evi", "missed"); if ($hdr(X-No) != NULL) { t_newtran(); t_reply(404, "Not Found"); exit; }',
    })
    await new Call(rig, 'silent').begin()
    await clock.advance(2500)
    expect(await rig.event('E_ACC_MISSED_EVENT')).toMatchObject({
      sip_code: '408',
      sip_reason: 'Request Timeout',
      to_tag: null,
    })
    rig.alice.request('INVITE', rig.proxy.port, { callId: 'refused', headers: 'X-No: 1\r\n' })
    expect(await rig.event('E_ACC_MISSED_EVENT', 2)).toMatchObject({ callid: 'refused', sip_code: '404' })
  })

  it('are counted once for each attempt that was armed', async () => {
    const rig = await callRig({
      invite: 'do_accounting("evi", "missed"); t_on_failure("again");',
      routes: `failure_route[again] {
        if ($T_reply_code == 486) { do_accounting("evi", "missed"); t_on_failure("again"); t_relay(); }
      }`,
    })
    const call = await new Call(rig, 'twice').begin()
    rig.bob.reply(call.arrived, 486, 'Busy Here')
    await rig.bob.nextRequest('ACK')
    rig.bob.reply(await rig.bob.nextRequest('INVITE'), 480, 'Gone')
    await rig.alice.nextReply(480)
    await rig.event('E_ACC_MISSED_EVENT', 2)
    expect(rig.events.map(([, params]) => params['sip_code'])).toEqual(['486', '480'])
  })

  it('are not those that were answered', async () => {
    const rig = await callRig({ invite: 'do_accounting("log|evi", "missed");' })
    await (await new Call(rig, 'ok').establish()).hangUp()
    expect(await rig.event('E_ACC_EVENT')).toMatchObject({ sip_code: '200' })
    expect(rig.events.filter(([name]) => name.startsWith('E_ACC'))).toHaveLength(1)
    expect(rig.proxy.log.join('')).toContain('ACC: transaction answered: timestamp=')
  })
})

describe('other transactions', () => {
  it('are accounted whatever their method', async () => {
    const rig = await callRig({ invite: 'do_accounting("evi");', inside: 'do_accounting("evi");' })
    await (await new Call(rig, 'all').establish()).hangUp()
    await rig.event('E_ACC_EVENT', 2)
    expect(rig.events.map(([, params]) => params['method'])).toEqual(['INVITE', 'BYE'])
  })

  it('that fail are accounted with the flag `failed` only', async () => {
    const rig = await callRig({ invite: 'do_accounting("log|evi", "failed");' })
    const call = await new Call(rig, 'f').begin()
    rig.bob.reply(call.arrived, 603, 'Decline')
    expect(await rig.event('E_ACC_EVENT')).toMatchObject({ sip_code: '603', sip_reason: 'Decline' })
  })

  it('can be accounted at once, with code and reason of the script', async () => {
    const rig = await callRig({
      invite: `acc_log_request("404 Not Here"); acc_evi_request("just a note"); acc_evi_request("200 Fine");
        sl_send_reply(404, "Not Here"); exit;`,
    })
    rig.alice.request('INVITE', rig.proxy.port, { callId: 'now' })
    expect(await rig.event('E_ACC_MISSED_EVENT')).toMatchObject({
      sip_code: '',
      sip_reason: 'just a note',
      setuptime: 0,
    })
    expect(await rig.event('E_ACC_EVENT')).toMatchObject({ sip_code: '200', sip_reason: 'Fine' })
    expect(rig.proxy.log.join('')).toMatch(
      /ACC: request accounted: timestamp=\d+;created=\d+;setuptime=0;method=INVITE/,
    )
    expect(rig.proxy.log.join('')).toContain(';code=404;reason=Not Here\n')
  })

  it('of the callee have its tags in their place with detect_direction', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "detect_direction", 1)',
      invite: 'create_dialog();',
      inside: 'if (is_method("BYE")) do_accounting("evi");',
    })
    const call = await new Call(rig, 'up').establish()
    call.fromBob('BYE')
    rig.alice.reply(await rig.alice.nextRequest('BYE'), 200, 'OK')
    expect(await rig.event('E_ACC_EVENT')).toMatchObject({ method: 'BYE', from_tag: 'up-a', to_tag: 'up-b' })
  })
})

describe('what is accounted only when asked for', () => {
  it('is early media', async () => {
    const rig = await callRig({ head: 'modparam("acc", "early_media", 1)', invite: 'do_accounting("evi");' })
    const call = await new Call(rig, 'early').begin()
    const headers = 'Content-Type: application/sdp\r\n'
    rig.bob.reply(call.arrived, 183, 'Session Progress', { toTag: 'early-b', headers, body: 'v=0\r\n' })
    expect(await rig.event('E_ACC_EVENT')).toMatchObject({ sip_code: '183', to_tag: 'early-b' })
    await call.accept()
    expect(await rig.event('E_ACC_EVENT', 2)).toMatchObject({ sip_code: '200' })
    await call.acknowledge()
    await call.hangUp()
  })

  it('is CANCEL', async () => {
    for (const wanted of [0, 1]) {
      const rig = await callRig({
        head: `modparam("acc", "report_cancels", ${wanted})`,
        invite: '',
        routes: '',
        cancel: 'do_accounting("evi");',
      })
      const call = await (await new Call(rig, `cancel${wanted}`).begin()).ring()
      rig.alice.cancel(call.invite, rig.proxy.port)
      rig.bob.reply(await rig.bob.nextRequest('CANCEL'), 200, 'OK')
      rig.bob.reply(call.arrived, 487, 'Request Terminated')
      rig.alice.ack(call.invite, await rig.alice.nextReply(487), rig.proxy.port)
      expect(rig.events.map(([, params]) => params['method'])).toEqual(wanted === 1 ? ['CANCEL'] : [])
      expect(rig.proxy.log.join('').includes('CANCEL is not accounted')).toBe(wanted === 0)
    }
  })
})

describe('scripts of earlier versions', () => {
  it('name message flags by number', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "log_flag", 1)\nmodparam("acc", "log_extra", "ua=$ua")',
      invite: 'setflag(1);',
    })
    await (await new Call(rig, 'number', { headers: 'User-Agent: a;b\r\n' }).establish()).hangUp()
    await rig.until('the line', () => rig.proxy.log.some(line => line.includes(';reason=OK;ua=a;b\n')))
  })

  it('give each value of an AVP a leg', async () => {
    const rig = await callRig({
      head: 'modparam("acc", "multi_leg_info", "to=$avp(to);from=$avp(from)")',
      invite: '$avp(to) = "b"; $avp(to) = "a"; $avp(from) = "x"; do_accounting("log|evi");',
    })
    await (await new Call(rig, 'legs').establish()).hangUp()
    expect(await rig.event('E_ACC_EVENT', 1)).toMatchObject({ to: 'a', from: 'x' })
    expect(await rig.event('E_ACC_EVENT', 2)).toMatchObject({ to: 'b', from: null })
    expect(rig.proxy.log.join('')).toContain(';to=a;from=x;to=b;from=\n')
  })

  it('account by message flags and with variables as extras', async () => {
    const rig = await callRig({
      head: `modparam("acc", "evi_flag", "ACC_DO")
modparam("acc", "evi_missed_flag", "ACC_MISSED")
modparam("acc", "cdr_flag", "ACC_CDR")
modparam("acc", "evi_extra", "caller=$fU;id=$ci")`,
      invite: 'setflag(ACC_DO); setflag(ACC_CDR); setflag(ACC_MISSED);',
    })
    await (await new Call(rig, 'old').establish()).hangUp()
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ caller: 'alice', id: 'old' })
    const call = await new Call(rig, 'old2').begin()
    rig.bob.reply(call.arrived, 486, 'Busy Here')
    expect(await rig.event('E_ACC_MISSED_EVENT')).toMatchObject({ caller: 'alice', id: 'old2' })
  })
})

describe('what cannot be had', () => {
  it.each([
    ['do_accounting("db|evi");', 'accounting with "db" needs db_url'],
    ['do_accounting("aaa");', 'accounting by RADIUS or Diameter is not supported'],
    ['do_accounting("evi", "nope");', 'unknown accounting flag "nope"'],
    ['acc_db_request("200 OK", "acc");', 'accounting with "db" needs db_url'],
    ['$acc_extra(nope) = "x";', 'no "nope" in extra_fields'],
  ])('%s is an error when the script is loaded', async (statement, message) => {
    const script = `loadmodule "tm.so"\nloadmodule "acc.so"\nroute { ${statement} }`
    await expect(startProxy(script)).rejects.toThrow(message)
  })

  it('an extra that is no variable is refused at the start', async () => {
    const script = `loadmodule "tm.so"\nloadmodule "acc.so"\nmodparam("acc", "evi_extra", "x=$nope")\nroute { exit; }`
    await expect(startProxy(script)).rejects.toThrow(/nope/)
  })

  it('a CDR without the module dialog gives −1', async () => {
    const proxy = await startProxy(`loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "acc.so"
      route { if (!do_accounting("evi", "cdr")) sl_send_reply(500, "No CDR"); }`)
    onTestFinished(() => proxy.stop())
    const alice = await SipUa.open('alice')
    alice.request('INVITE', proxy.port)
    expect((await alice.nextReply(500)).reason).toBe('No CDR')
    expect(proxy.log.join('')).toContain('"cdr" needs the module dialog')
  })
})
