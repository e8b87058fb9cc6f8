import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { routingRig, turns, until } from './rig.ts'

/* The spellings of talks: subscribe, $event, fork_call, hangup, halt. */

const PUSH = `
loadmodule "usrloc.so"
loadmodule "registrar.so"
route {
    if (is_method("REGISTER")) { save("location"); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("ACK")) exit;
    $T_fr_inv_timeout = 20;
    subscribe("REGISTER", "aor=$rU", "reg_handler");
    @RELAY@
    halt();
    xlog("said behind halt\\n");
}
route[reg_handler] {
    fork_call($event(contact));
    $var(rc) = $rc;
    xlog("said forked $var(rc) $event(contact) $event(aor)\\n");
}
`

async function calling(relay = '', settings = '') {
  const rig = await routingRig(PUSH.replace('@RELAY@', relay), settings)
  const timers = rig.clock.pending
  const bob = await SipUa.open('bob')
  const register = async (user: string, phone = bob): Promise<void> => {
    phone.request('REGISTER', rig.port, { uri: 'sip:127.0.0.1', to: `sip:${user}@127.0.0.1` })
    await phone.nextReply(200, 'REGISTER')
    await turns()
  }
  const invite = async (user = 'bob') => {
    const sent = rig.alice.request('INVITE', rig.port, { uri: `sip:${user}@127.0.0.1`, to: `sip:${user}@127.0.0.1` })
    await rig.alice.nextReply(100)
    return sent
  }
  return { ...rig, timers, bob, register, invite }
}

describe('subscribe("REGISTER", …) with halt() and fork_call()', () => {
  it.each([
    [0, 'bob'],
    [1, 'bob@127.0.0.1'],
  ])('brings the call to the phone that registers (use_domain %i)', async (useDomain, aor) => {
    const rig = await calling('', `modparam("usrloc", "use_domain", ${useDomain})`)
    const invite = await rig.invite()
    await rig.register('carol')
    expect(rig.bob.count({ method: 'INVITE' })).toBe(0)
    const phone = await SipUa.open('phone')
    await rig.register('bob', phone)
    const sent = await phone.nextRequest('INVITE')
    expect([sent.callId, sent.requestUri]).toEqual([invite.callId, phone.uri])
    expect(rig.said()).toEqual([`forked 1 ${phone.uri} ${aor}`])
    phone.reply(sent, 200, 'OK')
    await rig.alice.nextReply(200, 'INVITE')
    // Answered: later phones are of no interest.
    expect(rig.stat('event_routing:waits')).toBe(0)
  })

  it('is over with the CANCEL of the caller: the handler is not run for a call that is gone', async () => {
    const rig = await calling()
    const invite = await rig.invite()
    expect(rig.stat('event_routing:waits')).toBeGreaterThan(0)
    rig.alice.cancel(invite, rig.port)
    rig.alice.ack(invite, await rig.alice.nextReply(487, 'INVITE'), rig.port)
    expect(rig.stat('event_routing:waits')).toBe(0)
    await rig.register('bob')
    expect([rig.said(), rig.bob.count({ method: 'INVITE' })]).toEqual([[], 0])
  })

  it('is over with the 408 when nobody comes', async () => {
    const rig = await calling()
    const invite = await rig.invite()
    await rig.clock.advance(20_000)
    rig.alice.ack(invite, await rig.alice.nextReply(408), rig.port)
    expect(rig.stat('event_routing:waits')).toBe(0)
    await rig.expectNothingLeft(rig.timers)
  })

  it('does not ring whoever registers next for a caller who dials *', async () => {
    const rig = await calling()
    await rig.invite('*')
    await rig.register('bob')
    expect([rig.said(), rig.bob.count({ method: 'INVITE' })]).toEqual([[], 0])
  })
})

describe('subscribe', () => {
  it.each([
    ['subscribe("REGISTRATION", "", "r");', 'expected REGISTER, DTMF or the name of an event, got "REGISTRATION"'],
    ['subscribe("REGISTER", "", "none");', 'there is no route[none]'],
  ])('%s is refused when the script is checked', async (call, reason) => {
    await expect(routingRig(`route { ${call} } route[r] { exit; }`)).rejects.toThrow(reason)
  })

  it('takes the name of any event, and an empty filter for none', async () => {
    const rig = await routingRig(`
startup_route { subscribe_event("E_ANY", "routing:E_ANY"); }
route { subscribe("E_ANY", "", "r", 5); $var(rc) = $rc; xlog("said rc $var(rc)\\n"); t_reply(200, "OK"); }
route[r] { xlog("said told $event(a)\\n"); }`)
    await rig.ask('x')
    await rig.raise('E_ANY', { a: 1 })
    await until(() => rig.said().length === 2)
    expect(rig.said()).toEqual(['rc 1', 'told 1'])
  })

  it('hears keys from rtpproxy too', async () => {
    const rig = await routingRig(`
loadmodule "rtpproxy.so"
modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:9")
route { subscribe("DTMF", "callid=$ci", "r"); t_reply(200, "OK"); }
route[r] { xlog("said $event(digit)\\n"); }`)
    rig.alice.request('OPTIONS', rig.port, { callId: 'keys' })
    await rig.alice.nextReply(200)
    rig.raiseNow('E_DTMF', ['callid', 'digit'], ['keys', '1'])
    rig.raiseNow('E_RTPPROXY_DTMF', ['digit', 'id', 'is_callid'], ['2', 'keys', 1])
    rig.raiseNow('E_RTPPROXY_DTMF', ['digit', 'id', 'is_callid'], ['3', 'others', 1])
    await turns()
    expect(rig.said()).toEqual(['1', '2'])
  })
})

describe('hangup()', () => {
  it('cancels a call that is not answered', async () => {
    const bob = await SipUa.open('bob')
    const rig = await routingRig(`
route {
    if (is_method("ACK")) exit;
    subscribe("E_STOP", "", "r"); $du = "sip:127.0.0.1:${bob.port}"; t_relay();
}
route[r] { hangup(); }`)
    const invite = rig.alice.request('INVITE', rig.port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await rig.alice.nextReply(180)
    rig.raiseNow('E_STOP', null, [])
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 487, 'Request Terminated')
    rig.alice.ack(invite, await rig.alice.nextReply(487, 'INVITE'), rig.port)
  })

  it('gives −1 where there is nothing to end', async () => {
    const rig = await routingRig(
      'route { hangup(); $var(rc) = $rc; xlog("said rc $var(rc)\\n"); sl_send_reply(200, "OK"); }',
    )
    await rig.ask('x')
    expect(rig.said()).toEqual(['rc -1'])
  })
})

describe('$event', () => {
  it('reads the event in event routes, and nothing elsewhere', async () => {
    const rig = await routingRig(`
event_route[E_A] { xlog("said $event(a) $event(b)\\n"); }
route { xlog("said $event(a)\\n"); sl_send_reply(200, "OK"); }`)
    await rig.raise('E_A', { a: 1 })
    await rig.ask('x')
    await until(() => rig.said().length === 2)
    expect(rig.said().toSorted()).toEqual(['1 <null>', '<null>'])
  })
})
