import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { B4 } from '../scenarios/base-scripts.ts'
import { callerRoute, Datagrams, roundTrip, startScenario } from '../scenarios/rig.ts'

const SCRIPT = `${B4}
loadmodule "dialog.so"
startup_route { subscribe_event("E_PIECE", "udp:127.0.0.1:@EVENTS@"); }
event_route[E_ASK] { raise_event("E_PIECE"); }
timer_route[tick, 5] { xlog("tick of the first\\n"); }
route {
    if (has_totag()) route(indialog);
    if (is_method("OPTIONS")) { sl_send_reply(200, "First"); exit; }
    create_dialog();
    record_route();
    t_on_failure("busy");
    t_relay();
}
failure_route[busy] { t_reply(486, "First Is Busy"); }
`

async function start() {
  const callee = await SipUa.open('callee')
  const caller = await SipUa.open('caller')
  const events = await Datagrams.open()
  const scenario = await startScenario(SCRIPT, { EVENTS: events.port })
  const file = join(scenario.folder, 'test.cfg')
  const original = readFileSync(file, 'utf8')
  const answerOf = async (): Promise<string> => {
    caller.request('OPTIONS', scenario.port)
    return (await caller.nextReply(200, 'OPTIONS')).reason
  }
  return {
    scenario,
    callee,
    caller,
    events,
    file,
    answerOf,
    change: (from: string | RegExp, to: string) => writeFileSync(file, readFileSync(file, 'utf8').replaceAll(from, to)),
    original,
    reload: () => scenario.mi('reload_routes'),
    generation: async () => ((await scenario.mi('configuration')) as { Generation: number }).Generation,
  }
}

describe('reload_routes', () => {
  it('puts the changed routes into force, and counts the generation', async () => {
    const { answerOf, change, reload, generation, scenario } = await start()
    expect([await answerOf(), await generation()]).toEqual(['First', 1])
    change('First', 'Second')
    expect(await answerOf()).toBe('First')
    expect(await reload()).toBe('OK')
    expect([await answerOf(), await generation()]).toEqual(['Second', 2])
    expect(scenario.log.join('')).toMatch(/routes reloaded.*generation\W+2/)
  })

  it('lets a call in progress finish on the routes it began with', async () => {
    const { scenario, callee, caller, change, reload } = await start()
    const uri = callee.uri
    const invite = caller.request('INVITE', scenario.port, { callId: 'old', uri })
    const atCallee = await callee.nextRequest('INVITE')
    change('First', 'Second')
    await reload()
    callee.reply(atCallee, 500, 'No')
    await callee.nextRequest('ACK')
    const reply = await caller.nextReply(486, 'INVITE')
    expect(reply.reason).toBe('First Is Busy')
    caller.ack(invite, reply, scenario.port)
    caller.request('INVITE', scenario.port, { callId: 'new', uri })
    callee.reply(await callee.nextRequest('INVITE'), 500, 'No')
    expect((await caller.nextReply(486, 'INVITE')).reason).toBe('Second Is Busy')
  })

  it('keeps dialogs: a call that stood before it ends behind it', async () => {
    const { scenario, callee, caller, change, reload } = await start()
    caller.request('INVITE', scenario.port, { callId: 'standing', fromTag: 'f', uri: callee.uri })
    callee.reply(await callee.nextRequest('INVITE'), 200, 'OK')
    const ok = await caller.nextReply(200, 'INVITE')
    caller.request('ACK', scenario.port, { callId: 'standing', fromTag: 'f', ...callerRoute(ok) })
    await callee.nextRequest('ACK')
    change('First', 'Second')
    await reload()
    expect(JSON.stringify(await scenario.mi('dlg_list'))).toContain('standing')
    caller.request('BYE', scenario.port, { callId: 'standing', fromTag: 'f', cseq: 2, ...callerRoute(ok) })
    callee.reply(await callee.nextRequest('BYE'), 200, 'OK')
    await caller.nextReply(200, 'BYE')
  })

  it('keeps subscriptions, and changes event routes', async () => {
    const { scenario, events, change, reload } = await start()
    await scenario.mi('raise_event', { event: 'E_ASK' })
    expect((await events.nextEvent()).method).toBe('E_PIECE')
    change('event_route[E_ASK] { raise_event("E_PIECE"); }', 'event_route[E_OTHER] { raise_event("E_PIECE"); }')
    await reload()
    await expect(scenario.mi('raise_event', { event: 'E_ASK' })).rejects.toMatchObject({ code: 480 })
    await scenario.mi('raise_event', { event: 'E_OTHER' })
    expect((await events.nextEvent()).method).toBe('E_PIECE')
  })

  it('starts the timer routes of the new file, and ends the old ones', async () => {
    const { scenario, change, reload } = await start()
    await scenario.clock.advance(5_000)
    expect(scenario.logged('tick of the first')).toBe(1)
    change('tick of the first', 'tick of the second')
    await reload()
    await scenario.clock.advance(5_000)
    expect([scenario.logged('tick of the first'), scenario.logged('tick of the second')]).toEqual([1, 1])
  })

  it('tells what takes effect with the next start only', async () => {
    const { scenario, change, reload } = await start()
    change('modparam("usrloc", "use_domain", 1)', 'modparam("usrloc", "use_domain", 0)\nxlog_level=1')
    expect(await reload()).toBe('OK')
    expect(await scenario.mi('configuration')).toMatchObject({
      Generation: 2,
      'Needs restart': ['settings', 'module parameters'],
    })
  })

  it.each([
    ['a syntax error', 'route { ', 'route {\n  if (', /test\.cfg:\d+:\d+: /],
    ['an unknown function', 'record_route();', 'recrod_route();', /test\.cfg:\d+:5: .*recrod_route/],
    ['a route that is not there', 't_on_failure("busy")', 't_on_failure("gone")', /test\.cfg:\d+:\d+: .*gone/],
    ['a module that is not loaded', 'record_route();', 'pike_check_req();', /test\.cfg:\d+:5: .*pike_check_req/],
    ['a wrong setting', 'log_level=3\n', 'log_levle=3\n', /test\.cfg:\d+:\d+: .*log_levle/],
  ])('with %s in mid-call changes nothing and says where', async (_what, from, to, where) => {
    const { scenario, callee, caller, change, reload, answerOf, generation } = await start()
    caller.request('INVITE', scenario.port, { callId: 'calling', fromTag: 'f', uri: callee.uri })
    const atCallee = await callee.nextRequest('INVITE')
    change(from === 'route { ' ? /^route \{/gm : from, to)
    change('First', 'Second')
    await expect(reload()).rejects.toMatchObject({
      code: 500,
      message: expect.stringMatching(where),
      data: expect.stringContaining('generation 1 stays'),
    })
    expect([await answerOf(), await generation()]).toEqual(['First', 1])
    callee.reply(atCallee, 500, 'No')
    expect((await caller.nextReply(486, 'INVITE')).reason).toBe('First Is Busy')
    await roundTrip(caller, scenario.port)
  })

  it('after a refusal takes the mended file', async () => {
    const { change, reload, answerOf, file, original, generation } = await start()
    change('record_route();', 'recrod_route();')
    await expect(reload()).rejects.toMatchObject({ code: 500 })
    writeFileSync(file, original.replaceAll('First', 'Mended'))
    expect(await reload()).toBe('OK')
    expect([await answerOf(), await generation()]).toEqual(['Mended', 2])
  })
})
