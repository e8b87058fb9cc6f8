import { describe, expect, it } from 'vitest'
import { routingRig, turns, until } from './rig.ts'

const script = (subscription: string, route: string, more = '') => `
route {
    if ($rU == "sub") { ${subscription} }
    sl_send_reply(200, "OK");
}
route[told] { ${route} }
route[sound] { xlog("said sound $avp(a)\\n"); }
${more}`

/** Somebody else who is told of the same events: undisturbed if he is told of all. */
const SOUND = 'notify_on_event("E_A", , "sound", 30);'
const TOLD = 'notify_on_event("E_A", , "told", 30);'

async function subscribed(subscription: string, route: string, settings = '', more = '') {
  const rig = await routingRig(script(subscription, route, more), settings)
  await rig.ask('warm up')
  const timers = rig.clock.pending
  expect(await rig.ask('sub')).toBe(200)
  const sound = (): number => rig.said().filter(line => line.startsWith('sound')).length
  const raise = async (count: number): Promise<void> => {
    for (let a = 1; a <= count; a++) rig.raiseNow('E_A', ['a'], [a])
    await turns()
  }
  return { ...rig, timers, sound, raise }
}

describe('a filter that matches nothing', () => {
  it('costs its wait and nothing else, and goes with its time', async () => {
    const rig = await subscribed(
      `$avp(f) = "a=never"; notify_on_event("E_A", $avp(f), "told", 30); ${SOUND}`,
      'xlog("said told\\n");',
    )
    await rig.raise(50)
    expect([rig.sound(), rig.said().length, rig.stat('event_routing:waits')]).toEqual([50, 50, 2])
    await rig.expectNothingLeft(rig.timers)
    expect(rig.stat('timed_out_waits')).toBe(2)
  })
})

describe('a thousand waits on one call', () => {
  const MANY = `$var(i) = 0; while ($var(i) < 1000) { ${TOLD} $var(i) = $var(i) + 1; }`

  it('are all notified, while other messages are answered', async () => {
    const rig = await subscribed(MANY, 'xlog("said $avp(a)\\n");')
    rig.raiseNow('E_A', ['a'], [1])
    const answers = Promise.all([rig.ask('other'), rig.ask('other')])
    await until(() => rig.said().length === 1000)
    expect(await answers).toEqual([200, 200])
    expect(rig.stat('notifications')).toBe(1000)
    await rig.expectNothingLeft(rig.timers)
  })

  it('are over when their time is', async () => {
    const rig = await subscribed(MANY, 'xlog("said $avp(a)\\n");')
    await rig.clock.advance(30_000)
    await rig.raise(1)
    expect(rig.said()).toEqual([])
    await rig.expectNothingLeft(rig.timers)
  })

  it('are refused beyond max_waits', async () => {
    const rig = await subscribed(MANY, 'xlog("said $avp(a)\\n");', 'modparam("event_routing", "max_waits", 10)')
    expect([rig.stat('event_routing:waits'), rig.stat('refused_waits')]).toEqual([10, 990])
    await rig.expectNothingLeft(rig.timers)
  })
})

describe('a notified route', () => {
  it.each([
    ['divides by nothing', '$var(x) = 1 / 0; xlog("said told\\n");', 3],
    ['calls itself without end', 'route(told);', 0],
    ['writes what cannot be written', '$du = "no uri"; $ru = ""; t_relay(); xlog("said told\\n");', 3],
    ['ends with drop', 'drop;', 0],
    ['ends with exit', 'exit;', 0],
  ])('that %s disturbs nobody', async (_title, route, runs) => {
    const rig = await subscribed(`${TOLD} ${SOUND}`, route)
    await rig.raise(3)
    expect([rig.sound(), rig.said().length - rig.sound()]).toEqual([3, runs])
    expect(await rig.ask('other')).toBe(200)
    await rig.expectNothingLeft(rig.timers)
  })

  it('that loops is stopped by max_event_statements, each time', async () => {
    const rig = await subscribed(
      `${TOLD} ${SOUND}`,
      'while (1) { while (1) { $var(i) = $var(i) + 1; } }',
      'max_event_statements=5000',
    )
    await rig.raise(3)
    expect(rig.sound()).toBe(3)
    expect(rig.errors().filter(line => /route failed.*max_event_statements/.test(line))).toHaveLength(3)
    expect(await rig.ask('other')).toBe(200)
    await rig.expectNothingLeft(rig.timers)
  })

  it('that loops through routes and waits is stopped too', async () => {
    const rig = await subscribed(
      `${TOLD} ${SOUND}`,
      'while (1) { route(again); }',
      'max_event_statements=5000',
      'route[again] { wait_for_event("E_B", , 0); while (1) { $var(i) = 1; } }',
    )
    await rig.raise(1)
    for (let i = 0; i < 5; i++) await rig.clock.advance(1)
    expect(rig.errors().some(line => line.includes('max_event_statements'))).toBe(true)
    await rig.expectNothingLeft(rig.timers)
  })

  it('that never returns holds up itself only: what comes meanwhile waits, in bounds, until its life is over', async () => {
    const rig = await subscribed(
      `${TOLD} ${SOUND}`,
      'xlog("said begins $avp(a)\\n"); wait_for_event("E_NEVER", , 1000000);',
      'modparam("event_routing", "max_pending", 10)',
    )
    for (let i = 0; i < 31; i++) await rig.raise(1)
    await until(() => rig.sound() === 31)
    expect(rig.said().filter(line => line.startsWith('begins'))).toEqual(['begins 1'])
    // One runs, ten wait. Nobody else had so many waiting.
    expect(rig.stat('dropped_notifications')).toBe(20)
    expect(rig.log.filter(line => line.includes('the route is too slow'))).toHaveLength(1)
    expect(await rig.ask('other')).toBe(200)
    const { Waits } = (await rig.mi('ebr_list')) as { Waits: readonly { id: number; event: string }[] }
    expect(Waits.map(({ event }) => event).sort()).toEqual(['E_A', 'E_A', 'E_NEVER'])
    for (const { id } of Waits) await rig.mi('ebr_cancel', { id })
    await turns()
    expect(rig.said().filter(line => line.startsWith('begins'))).toEqual(['begins 1'])
    await rig.expectNothingLeft(rig.timers)
  })

  it('that raises its own event is stopped after a hundred rounds', async () => {
    const rig = await subscribed(TOLD, 'xlog("said told\\n"); raise_event("E_A");')
    await rig.raise(1)
    await until(() => rig.errors().length > 0)
    await turns()
    expect(rig.said()).toHaveLength(100)
    expect(rig.errors()[0]).toContain('too many events led to one another')
    expect(await rig.ask('other')).toBe(200)
    await rig.expectNothingLeft(rig.timers)
  })

  it('that raises its own event twice each time is stopped all the same', async () => {
    const rig = await subscribed(
      TOLD,
      'raise_event("E_A"); raise_event("E_A");',
      'modparam("event_routing", "max_pending", 20)',
    )
    await rig.raise(1)
    expect(await rig.ask('other')).toBe(200)
    await until(() => rig.errors().length > 0)
    await rig.mi('ebr_cancel', { id: 1 })
    await rig.expectNothingLeft(rig.timers)
  })
})

describe('a script that waits', () => {
  it('may wait for what it raises itself', async () => {
    const rig = await routingRig(`
route {
    if ($rU == "raise") { $avp(n) = "a"; $avp(v) = 1; raise_event("E_A", $avp(n), $avp(v)); }
    else { t_newtran(); wait_for_event("E_A", , 10); raise_event("E_A"); }
    sl_send_reply(200, "OK");
}`)
    const first = rig.ask('first')
    await until(() => rig.stat('event_routing:waits') === 1)
    const second = rig.ask('second')
    await until(() => rig.stat('event_routing:waits') === 2)
    expect(await rig.ask('raise')).toBe(200)
    expect(await Promise.all([first, second])).toEqual([200, 200])
  })

  it('goes on with −1 when the proxy stops', async () => {
    const rig = await routingRig(`
route { t_newtran(); wait_for_event("E_A", , 10); $var(rc) = $rc; xlog("said rc $var(rc)\\n"); }`)
    rig.alice.request('OPTIONS', rig.port)
    await until(() => rig.stat('event_routing:waits') === 1)
    await rig.proxy.proxy.stop(AbortSignal.abort())
    await until(() => rig.said().length === 1)
    expect([rig.said(), rig.stat('event_routing:waits')]).toEqual([['rc -1'], 0])
  })
})
