import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'

/* What goes wrong in an event route stays in it, in both modes. */

async function raising(routes: string, { settings = '', raise = 'raise_event("E_A");' } = {}) {
  const clock = new VirtualClock()
  const script = `log_level=3
${settings}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "event_routing.so"
loadmodule "mathops.so"
startup_route { subscribe_event("E_A", "route:E_B"); }
event_route[E_B, sync] { xlog("said neighbour\\n"); }
${routes}
route { ${raise} $var(rc) = $rc; xlog("said raised $var(rc)\\n"); sl_send_reply(200, "OK"); }`
  const proxy = await startProxy(script, { clock })
  onTestFinished(async () => {
    await proxy.proxy.stop(AbortSignal.abort())
    await proxy.stop()
  })
  const alice = await SipUa.open('alice')
  const ask = async (): Promise<number> => {
    alice.request('OPTIONS', proxy.port)
    return (await alice.nextReply(200)).status
  }
  const [route] = proxy.proxy.host.bus.subscriptions('E_A').filter(({ socket }) => socket.startsWith('route:E_A'))
  const said = (): string[] => proxy.log.flatMap(line => /\] \w+:said (.*)$/s.exec(line.trimEnd())?.[1] ?? [])
  const idle = async (): Promise<void> => {
    const all = proxy.proxy.host.bus.subscriptions('E_A')
    await Promise.all(all.map(subscription => subscription.whenIdle()))
  }
  return { ask, said, clock, idle, counters: () => route?.counters, log: proxy.log }
}

describe.each(['sync', 'async'])('an event_route in mode %s', mode => {
  it.each([
    ['divides by nothing', '$var(x) = 1 / 0;'],
    ['calls a route without end', 'route(again);'],
    ['writes a Request-URI that is none', '$ru = "";'],
    ['ends with exit', 'exit;'],
    ['ends with drop', 'drop;'],
    ['ends with return(-1)', 'return(-1);'],
  ])('that %s leaves raiser and neighbours alone', async (_title, statements) => {
    const rig = await raising(`event_route[E_A, ${mode}] { xlog("said own\\n"); ${statements} }
route[again] { route(again); }`)
    for (let i = 0; i < 2; i++) expect(await rig.ask()).toBe(200)
    await rig.idle()
    expect(rig.said().toSorted()).toEqual(['neighbour', 'neighbour', 'own', 'own', 'raised 1', 'raised 1'])
    expect(rig.counters()).toMatchObject({ raised: 2, delivered: 2, failed: 0 })
  })

  it('that loops is stopped by max_event_statements', async () => {
    const rig = await raising(`event_route[E_A, ${mode}] { while (1) { while (1) { $var(i) = 1; } } }`, {
      settings: 'max_event_statements=1000',
    })
    expect(await rig.ask()).toBe(200)
    await rig.idle()
    expect(rig.said().toSorted()).toEqual(['neighbour', 'raised 1'])
    expect(rig.log.filter(line => line.includes('max_event_statements'))).toHaveLength(1)
  })

  it('that waits without end does not hold up the raiser, nor events for ever', async () => {
    const rig = await raising(`event_route[E_A, ${mode}] { xlog("said own\\n"); wait_for_event("E_NEVER", , 100000); }`)
    for (let i = 0; i < 2; i++) expect(await rig.ask()).toBe(200)
    for (let i = 0; i < 4; i++) await rig.clock.advance(60_000)
    expect(rig.said().filter(line => line === 'own')).toHaveLength(2)
    expect(rig.counters()).toMatchObject({ raised: 2, delivered: 2 })
  })
})

describe('an event_route in mode sync', () => {
  it('leaves flags, AVPs and the message as it made them, but not its variables or its end', async () => {
    const rig = await raising(
      `event_route[E_A, sync] {
        if (isflagset("GIVEN")) setflag("MADE");
        $ru = "sip:made@127.0.0.1"; $avp(made) = "here"; $var(v) = 9; exit;
      }`,
      {
        raise: `$var(v) = 5; setflag("GIVEN"); raise_event("E_A");
          if (isflagset("MADE")) xlog("said flag\\n");
          xlog("said $ru $avp(made) $var(v)\\n");`,
      },
    )
    expect(await rig.ask()).toBe(200)
    expect(rig.said().filter(line => line !== 'neighbour')).toEqual([
      'flag',
      'sip:made@127.0.0.1 here 5',
      expect.stringMatching(/^raised/),
    ])
  })

  it('sees the transaction of the raiser', async () => {
    const rig = await raising('event_route[E_A, sync] { if ($T_id != NULL) xlog("said $T_id\\n"); }', {
      raise: 't_newtran(); xlog("said $T_id\\n"); raise_event("E_A");',
    })
    expect(await rig.ask()).toBe(200)
    const [id, ...others] = rig.said().filter(line => line !== 'neighbour')
    expect(others).toEqual([id, 'raised 1'])
  })
})
