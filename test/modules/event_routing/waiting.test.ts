import { describe, expect, it } from 'vitest'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { routingRig, turns, until } from './rig.ts'

/** OPTIONS to `wait` waits, in the plain form or in async(); to anybody else it is answered at once. */
const plain = (filter = '') => `
route {
    if ($rU != "wait") { sl_send_reply(200, "OK"); exit; }
    t_newtran();
    ${filter}
    wait_for_event("E_A", $avp(f), 10);
    $var(rc) = $rc;
    xlog("said rc $var(rc) $avp(a) $event(a)\\n");
    t_reply(202, "Accepted");
}
`
const asynchronous = (filter = '') => `
route {
    if ($rU != "wait") { sl_send_reply(200, "OK"); exit; }
    ${filter}
    async(wait_for_event("E_A", $avp(f), 10), resumed);
}
route[resumed] {
    $var(rc) = $rc;
    xlog("said rc $var(rc) $avp(a) $event(a)\\n");
    t_reply(202, "Accepted");
}
`
const FORMS = [
  ['the plain call', plain],
  ['async()', asynchronous],
] as const

async function waiting(form: (filter?: string) => string, filter?: string, settings?: string) {
  const rig = await routingRig(form(filter), settings)
  await rig.ask('warm up')
  const timers = rig.clock.pending
  const answer = rig.ask('wait')
  await until(() => rig.stat('event_routing:waits') === 1)
  return { ...rig, timers, answer }
}

describe.each(FORMS)('wait_for_event as %s', (_title, form) => {
  it('lets the script go on with the values of the event', async () => {
    const rig = await waiting(form, '$avp(f) = "a=x*"; $avp(a) = "older";')
    await rig.raise('E_A', { a: 'other' })
    await rig.raise('E_A', { a: 'xyz' })
    await rig.raise('E_A', { a: 'xlate' })
    expect(await rig.answer).toBe(202)
    expect(rig.said()).toEqual(['rc 1 xyz xyz'])
    await rig.expectNothingLeft(rig.timers)
  })

  it('holds up no other message', async () => {
    const rig = await waiting(form)
    for (let i = 0; i < 5; i++) expect(await rig.ask('other')).toBe(200)
    await rig.raise('E_A', { a: 'x' })
    expect(await rig.answer).toBe(202)
  })

  it('is ended by management with −1', async () => {
    const rig = await waiting(form)
    const { Waits } = (await rig.mi('ebr_list')) as { Waits: readonly { id: number }[] }
    expect(Waits).toMatchObject([{ kind: 'wait', filter: '', timeout: 10, ttl: 10, transaction: expect.any(String) }])
    await rig.mi('ebr_cancel', { id: Waits[0]?.id })
    expect(await rig.answer).toBe(202)
    expect(rig.said()).toEqual(['rc -1 <null> <null>'])
    await rig.expectNothingLeft(rig.timers)
  })

  it('gives −1 at once for a filter that is malformed', async () => {
    const rig = await routingRig(form('$avp(f) = "nonsense";'))
    expect(await rig.ask('wait')).toBe(202)
    expect(rig.said()).toEqual(['rc -1 <null> <null>'])
  })

  it('has its request found again by the sender’s repetition', async () => {
    const rig = await waiting(form)
    const sent = rig.alice.makeRequest('OPTIONS', { uri: 'sip:wait@127.0.0.1', callId: 'again' })
    for (let i = 0; i < 3; i++) rig.alice.send(sent, rig.port)
    await rig.ask('other')
    expect(rig.stat('event_routing:waits')).toBe(2)
  })
})

describe('a wait whose time is over', () => {
  it.each([
    ['the plain call', plain, '', -2],
    ['async(), as in OpenSIPS', asynchronous, '', 1],
    ['async() with its own code', asynchronous, 'modparam("event_routing", "async_timeout_code", -2)', -2],
  ])('of %s goes on without values', async (_title, form, settings, rc) => {
    const rig = await waiting(form, '', settings)
    await rig.clock.advance(9_999)
    expect(rig.said()).toEqual([])
    await rig.clock.advance(1)
    expect(await rig.answer).toBe(202)
    expect(rig.said()).toEqual([`rc ${rc} <null> <null>`])
    await rig.expectNothingLeft(rig.timers)
  })
})

describe('what a script has when it goes on', () => {
  const WORK = `
    $var(v) = 5; $var(text) = "kept"; $avp(own) = "first"; $avp(own) = "second"; $(avp(own)[append]) = "last";
    $ru = "sip:new@127.0.0.1"; $du = "sip:127.0.0.1:@BOB@"; append_hf("X-Before: 1\\r\\n"); setflag("F");
    remove_hf("X-Gone");`
  const CHECK = `
    append_hf("X-After: $var(v) $var(text) $(avp(own)[*]) $ru\\r\\n");
    if (isflagset("F")) append_hf("X-Flag: set\\r\\n");
    t_relay();`
  const inPlace = `route { ${WORK} t_newtran(); wait_for_event("E_A", , 10); ${CHECK} }`
  // Variables belong to the message: the resume route has them too.
  const later = `route { ${WORK} async(wait_for_event("E_A", , 10), resumed); } route[resumed] { ${CHECK} }`

  it.each([
    ['the plain call', inPlace],
    ['async()', later],
  ])('after %s is what it left: variables, AVPs, flags and changes to the message', async (_title, script) => {
    const bob = await SipUa.open('bob')
    const rig = await routingRig(script.replaceAll('@BOB@', String(bob.port)))
    const disturbing = `z9hG4bKother`
    rig.alice.request('OPTIONS', rig.port, { callId: 'one', headers: 'X-Gone: 1\r\n' })
    await until(() => rig.stat('event_routing:waits') === 1)
    // Another message through the same statements meanwhile.
    rig.alice.request('OPTIONS', rig.port, { callId: 'two', branch: disturbing })
    await until(() => rig.stat('event_routing:waits') === 2)
    await rig.raise('E_A', { own: 'of the event', v: 9 })
    for (const callId of ['one', 'two']) {
      await until(() => bob.received.some(message => message.callId === callId))
      const sent = bob.received.find(message => message.callId === callId)!
      expect(sent.requestUri).toBe('sip:new@127.0.0.1')
      expect(headerOf(sent, 'X-Before')).toBe('1')
      expect(headerOf(sent, 'X-After')).toBe('5 kept of the event, second, first, last sip:new@127.0.0.1')
      expect(headerOf(sent, 'X-Flag')).toBe('set')
      expect(headerOf(sent, 'X-Gone')).toBe('')
    }
  })
})

describe('a transaction that ends while its script waits', () => {
  const after = `
    $var(rc) = $rc;
    if (t_was_cancelled()) xlog("said cancelled\\n");
    t_relay(); $var(relay) = $rc;
    t_reply(480, "Too Late"); $var(reply) = $rc;
    xlog("said $var(rc) status $T_reply_code\\n");
    if ($var(relay) < 0) xlog("said not relayed\\n");
    if ($var(reply) < 0) xlog("said not answered\\n");`
  const scripts = [
    [
      'the plain call',
      `route { if (is_method("CANCEL")) { t_relay(); exit; } $du = "sip:127.0.0.1:@BOB@"; t_newtran(); wait_for_event("E_A", , 100); ${after} }`,
    ],
    [
      'async()',
      `route { if (is_method("CANCEL")) { t_relay(); exit; } $du = "sip:127.0.0.1:@BOB@"; async(wait_for_event("E_A", , 100), resumed); } route[resumed] { ${after} }`,
    ],
  ] as const

  it.each(scripts)('by the CANCEL of the caller is seen by it (%s)', async (_title, script) => {
    const bob = await SipUa.open('bob')
    const rig = await routingRig(script.replaceAll('@BOB@', String(bob.port)))
    const timers = rig.clock.pending
    const invite = rig.alice.request('INVITE', rig.port)
    await rig.alice.nextReply(100)
    rig.alice.cancel(invite, rig.port)
    rig.alice.ack(invite, await rig.alice.nextReply(487, 'INVITE'), rig.port)
    // Long enough for everything that absorbs repetitions to be gone.
    await rig.clock.advance(60_000)
    await rig.raise('E_A')
    await until(() => rig.said().length === 4)
    expect(rig.said()).toEqual(['cancelled', '1 status 487', 'not relayed', 'not answered'])
    await turns()
    expect(bob.received).toEqual([])
    await rig.expectNothingLeft(timers)
  })
})
