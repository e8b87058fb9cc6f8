import { describe, expect, it } from 'vitest'
import { eventRig } from './event-rig.ts'

/* Event routes and the two ways of reading an event in them: event reference §1.6 and §1.7. */

/** Raises E_A with a = "x", b = 7 (in this order), by a message for user "caller" and with $avp(own) = "mine". */
const RAISE = `route {
  $avp(own) = "mine";
  $avp(n) = "b"; $avp(v) = 7; $avp(n) = "a"; $avp(v) = "x";
  raise_event("E_A", $avp(n), $avp(v));
  xlog("said raised\\n");
  sl_send_reply(200, "OK");
}
`

async function logOf(route: string, settings = '', user = 'caller'): Promise<string[]> {
  const rig = await eventRig(`${route}\n${RAISE}`, { settings })
  await rig.request(user)
  await rig.settled()
  return rig.logged()
}

describe('$param', () => {
  it.each([
    ['$param(a)', 'x'],
    ['$param(b)', '7'],
    ['$param(1)', 'x'],
    ['$param(2)', '7'],
    ['$param($var(i))', '7'],
    ['$param($var(name))', 'x'],
    ['$param(A)', '<null>'],
    ['$param(3)', '<null>'],
    ['$param(0)', '<null>'],
  ])('%s reads %s', async (variable, value) => {
    const route = `event_route[E_A] { $var(i) = 2; $var(name) = "a"; xlog("said ${variable}\\n"); }`
    expect(await logOf(route)).toEqual(['raised', value])
  })

  it('is an integer where the event has one', async () => {
    expect(await logOf('event_route[E_A] { $var(x) = $param(b) + 1; xlog("said $var(x)\\n"); }')).toEqual([
      'raised',
      '8',
    ])
  })

  it('reads the arguments of a route that an event route calls', async () => {
    const route = `event_route[E_A] { route(SUB, "given"); } route[SUB] { xlog("said $param(1)\\n"); }`
    expect(await logOf(route)).toEqual(['raised', 'given'])
  })
})

describe.each(['', 'era=2.4'])('fetch_event_params with "%s"', settings => {
  const fetched = async (spec: string, shown: string): Promise<string | undefined> => {
    const route = `event_route[E_A, async] { fetch_event_params("${spec}"); $var(rc) = $rc; xlog("said $var(rc) ${shown}\\n"); }`
    return (await logOf(route, settings)).at(-1)
  }

  it.each([
    ['a=$avp(x);b=$var(y)', '$avp(x) $var(y)', '2 x 7'],
    [' b = $var(y) ; a=$avp(x) ', '$avp(x) $var(y)', '2 x 7'],
    ['$avp(x);$avp(y)', '$avp(x) $avp(y)', '2 x 7'],
    // Only the items without a name are counted.
    ['b=$avp(y);$avp(x)', '$avp(x) $avp(y)', '2 x 7'],
    ['=$avp(z);b=;;$avp(x)', '$avp(x) $avp(z)', '1 x <null>'],
    ['a=$avp(x);none=$avp(z)', '$avp(x) $avp(z)', '1 x <null>'],
    ['none=$avp(z)', '$avp(z)', '-3 <null>'],
    ['$avp(x);$avp(y);$avp(z)', '$avp(z)', '2 <null>'],
  ])('of "%s" gives %s = %s', async (spec, shown, result) => {
    expect(await fetched(spec, shown)).toBe(result)
  })

  it('gives −2 for an event without parameters, and −1 outside an event', async () => {
    const rig = await eventRig(
      `event_route[E_A, async] { fetch_event_params("$avp(x)"); $var(rc) = $rc; xlog("said $var(rc)\\n"); }
      route { fetch_event_params("$avp(x)"); $var(rc) = $rc; xlog("said $var(rc)\\n"); raise_event("E_A"); sl_send_reply(200, "OK"); }`,
      { settings },
    )
    await rig.request()
    await rig.settled()
    expect(rig.logged()).toEqual(['-1', '-2'])
  })
})

describe('an event route', () => {
  const SEES = 'xlog("said $rm $rU $avp(own) $param(a)\\n");'

  it.each([
    ['[E_A]', '', ['raised', 'DUMMY user <null> x']],
    ['[E_A, async]', '', ['raised', 'DUMMY user <null> x']],
    ['[E_A, async]', 'era=2.4', ['raised', 'DUMMY user <null> x']],
    // Synchronous routes run inside raise_event, on the message of the script that raised.
    ['[E_A]', 'era=2.4', ['OPTIONS caller mine x', 'raised']],
    ['[E_A, sync]', 'era=2.4', ['OPTIONS caller mine x', 'raised']],
    ['[E_A, sync]', '', ['OPTIONS caller mine x', 'raised']],
  ])('%s with "%s" runs on the right message', async (head, settings, log) => {
    expect(await logOf(`event_route${head} { ${SEES} }`, settings)).toEqual(log)
  })

  it('that is synchronous leaves what it does to AVPs and to the message with the raiser', async () => {
    const rig = await eventRig(
      `event_route[E_A, sync] { $avp(left) = "here"; $var(own) = 1; }
      route { $var(own) = 5; raise_event("E_A"); xlog("said $avp(left) $var(own)\\n"); sl_send_reply(200, "OK"); }`,
    )
    await rig.request()
    expect(rig.logged()).toEqual(['here 5'])
  })

  it('can get other events than its own, and is listed among their subscribers', async () => {
    const rig = await eventRig(
      `startup_route { subscribe_event("E_B", "route:E_A"); }
      event_route[E_A] { xlog("said $param(1)\\n"); }
      route { $avp(v) = "of B"; raise_event("E_B", , $avp(v)); sl_send_reply(200, "OK"); }`,
    )
    await rig.request()
    await rig.settled()
    expect(rig.logged()).toEqual(['of B'])
    expect(await rig.proxy.proxy.host.mi.call('subscribers_list', ['E_B'])).toMatchObject({
      Event: { Subscribers: [{ socket: 'route:E_A', expire: 'never' }] },
    })
  })

  it('that raises its own event is stopped after a hundred rounds', async () => {
    const rig = await eventRig(
      `event_route[E_A, sync] { $avp(rounds) = "x"; raise_event("E_A"); }
      route { raise_event("E_A"); xlog("said $(avp(rounds)[*])\\n"); sl_send_reply(200, "OK"); }`,
    )
    expect(await rig.request()).toBe(200)
    expect(rig.logged()[0]?.split(/[;,]\s*/)).toHaveLength(100)
    expect(rig.proxy.log.join('')).toContain('too many events led to one another')
  })

  it('may wait behind thousands of events: every one is handled, and SIP is answered meanwhile', async () => {
    const rig = await eventRig(
      `event_route[E_A] { xlog("L_DBG", "seen\\n"); }
      route {
        if ($rU == "burst") { $var(i) = 0; while ($var(i) < 5000) { raise_event("E_A"); $var(i) = $var(i) + 1; } }
        sl_send_reply(200, "OK");
      }`,
    )
    expect(await rig.request('burst')).toBe(200)
    expect(await rig.request()).toBe(200)
    await rig.settled()
    expect(rig.proxy.proxy.host.bus.subscriptions('E_A')[0]?.counters).toMatchObject({
      raised: 5000,
      delivered: 5000,
      queued: 0,
    })
  })
})

describe('a second event route of one name', () => {
  it('is an error that says where', async () => {
    await expect(eventRig(`event_route[E_A] { exit; }\nevent_route[E_A] { exit; }\n${RAISE}`)).rejects.toThrow(
      /test\.cfg:\d+:\d+: error:.*E_A/,
    )
  })
})
