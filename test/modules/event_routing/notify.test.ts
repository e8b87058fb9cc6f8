import { describe, expect, it } from 'vitest'
import { routingRig, turns, until } from './rig.ts'

/** `sip:sub@…` subscribes with `@FILTER@` for `@TIMEOUT@` s; the route logs the values `a` and `b`. */
const script = (subscription: string, route = 'xlog("said $avp(a) $avp(b)\\n");') => `
route {
    if ($rU == "sub") { ${subscription} $var(rc) = $rc; xlog("said rc $var(rc)\\n"); }
    sl_send_reply(200, "OK");
}
route[told] { ${route} }
`
const SUBSCRIBE = '$avp(f) = "a=x*"; notify_on_event("E_A", $avp(f), "told", 20);'

async function subscribed(subscription = SUBSCRIBE, route?: string, settings = '') {
  const rig = await routingRig(script(subscription, route), settings)
  await rig.ask('sub')
  const timers = rig.clock.pending
  const events = async (...values: readonly (readonly [string, string | number])[]): Promise<void> => {
    for (const [a, b] of values) rig.raiseNow('E_A', ['a', 'b'], [a, b])
    await turns()
  }
  return { ...rig, timers, events }
}

describe('notify_on_event', () => {
  it('has the route run for each event that matches, in the order of the raises', async () => {
    const rig = await subscribed()
    await rig.events(['x1', 1], ['y', 2], ['x2', 3], ['x3', 4])
    expect(rig.said()).toEqual(['rc 1', 'x1 1', 'x2 3', 'x3 4'])
  })

  it('runs it later than the raise, on a request of its own', async () => {
    const rig = await subscribed(SUBSCRIBE, 'xlog("said $rm $ci $avp(f)\\n");')
    rig.raiseNow('E_A', ['a'], ['x'])
    expect(rig.said()).toEqual(['rc 1'])
    await turns()
    expect(rig.said()).toEqual(['rc 1', 'DUMMY dummy-1 <null>'])
  })

  it('gives the values as $avp, $event and $param, with their types', async () => {
    const rig = await subscribed(
      SUBSCRIBE,
      '$var(n) = $avp(b) + 1; $var(m) = $event(b) + 1; xlog("said $avp(a) $event(a) $param(a) $param(2) $var(n) $var(m) $event(none)\\n");',
    )
    await rig.events(['x', 41])
    expect(rig.said().at(-1)).toBe('x x x 41 42 42 <null>')
  })

  it('leaves out what has no name or no value', async () => {
    const rig = await subscribed(
      'notify_on_event("E_A", , "told", 20);',
      'xlog("said $avp(a) $avp(b) $(avp(b)[*])\\n");',
    )
    rig.raiseNow('E_A', null, ['first', 2])
    rig.raiseNow('E_A', ['a', 'b', 'b'], [undefined, 'one', 'two'])
    await turns()
    expect(rig.said().slice(1)).toEqual(['<null> <null> <null>', '<null> one one, two'])
  })

  it('notifies the newest subscription first', async () => {
    const rig = await subscribed(
      'notify_on_event("E_A", , "told", 20); notify_on_event("E_A", , "other", 20);',
      'xlog("said told\\n"); } route[other] { xlog("said other\\n");',
    )
    await rig.events(['x', 1])
    expect(rig.said().slice(1)).toEqual(['other', 'told'])
  })

  it('starts the next run when the one before has ended, though that waits for something', async () => {
    const rig = await subscribed(
      SUBSCRIBE,
      'xlog("said begins $avp(b)\\n"); wait_for_event("E_GO", , 5); xlog("said ends $avp(b)\\n");',
    )
    await rig.events(['x', 1], ['x', 2])
    expect(rig.said().slice(1)).toEqual(['begins 1'])
    await rig.raise('E_GO')
    await turns()
    expect(rig.said().slice(1)).toEqual(['begins 1', 'ends 1', 'begins 2'])
  })

  it.each([
    ['no filter', 'notify_on_event("E_A", , "told", 20);', ['rc 1', 'x 1']],
    ['an AVP without values', 'notify_on_event("E_A", $avp(none), "told", 20);', ['rc 1', 'x 1']],
    [
      'two conditions, of which one fails',
      '$avp(f) = "a=x"; $avp(f) = "b=2"; notify_on_event("E_A", $avp(f), "told", 20);',
      ['rc 1'],
    ],
    [
      'two conditions that hold',
      '$avp(f) = "a=x"; $avp(f) = "b=1"; notify_on_event("E_A", $avp(f), "told", 20);',
      ['rc 1', 'x 1'],
    ],
    ['the quotes of 2.x', '$avp(f) = "a=x"; notify_on_event("E_A","$avp(f)","told","20");', ['rc 1', 'x 1']],
    ['no time, as 2.x allowed', '$avp(f) = "a=x"; notify_on_event("E_A","$avp(f)","told");', ['rc 1', 'x 1']],
    ['a filter that is malformed', '$avp(f) = "nonsense"; notify_on_event("E_A", $avp(f), "told", 20);', ['rc -1']],
    ['a key the event cannot have', '$avp(f) = "a=x"; notify_on_event("E_CORE_LOG", $avp(f), "told", 20);', ['rc -1']],
    ['an event that nobody has published', '$var(e) = "E_NONE"; notify_on_event("$var(e)", , "told", 20);', ['rc -1']],
    ['a route that is not there', '$var(r) = "none"; notify_on_event("E_A", , "$var(r)", 20);', ['rc -1']],
  ])('with %s', async (_title, subscription, said) => {
    const rig = await routingRig(script(subscription))
    await rig.ask('sub')
    if (rig.stat('event_routing:waits') === 1) await rig.raise('E_A', { a: 'x', b: 1 })
    await turns()
    expect(rig.said()).toEqual(said)
  })

  it('takes a malformed filter for none with compat, and says so', async () => {
    const rig = await subscribed(
      '$avp(f) = "nonsense"; notify_on_event("E_A", $avp(f), "told", 20);',
      undefined,
      'modparam("event_routing", "filters", "compat")',
    )
    await rig.events(['x', 1])
    expect(rig.said()).toEqual(['rc 1', 'x 1'])
    expect(rig.errors()[0]).toContain('filter ignored')
  })

  it('names a route that is not there when the script is checked', async () => {
    await expect(routingRig('route { notify_on_event("E_A", , "told", 20); }')).rejects.toThrow(
      'there is no route[told]',
    )
  })
})

describe('the life of a notification', () => {
  it('ends when its time is over, without an event to come', async () => {
    const rig = await subscribed()
    expect(rig.stat('event_routing:waits')).toBe(1)
    await rig.clock.advance(19_999)
    await rig.events(['x', 1])
    await rig.clock.advance(1)
    expect(rig.stat('event_routing:waits')).toBe(0)
    await rig.events(['x', 2])
    expect(rig.said()).toEqual(['rc 1', 'x 1'])
    expect(rig.clock.pending).toBe(rig.timers - 1)
  })

  it('is listed, with the time it has left, and ended by management', async () => {
    const rig = await subscribed()
    await rig.clock.advance(4_500)
    await rig.events(['x', 1])
    const { Waits } = (await rig.mi('ebr_list')) as { Waits: readonly { id: number }[] }
    expect(Waits).toEqual([
      {
        id: 1,
        event: 'E_A',
        kind: 'notify',
        route: 'told',
        filter: 'a=x*',
        timeout: 20,
        ttl: 16,
        callid: expect.any(String),
        matches: 1,
      },
    ])
    expect(await rig.mi('ebr_list', { event: 'E_B' })).toEqual({ total: 0, Waits: [] })
    expect(await rig.mi('ebr_cancel', { id: 1 })).toEqual({ cancelled: 1 })
    await rig.events(['x', 2])
    expect(rig.said()).toEqual(['rc 1', 'x 1'])
    await expect(rig.mi('ebr_cancel', { id: 1 })).rejects.toMatchObject({ code: 404 })
    await expect(rig.mi('ebr_cancel', {})).rejects.toMatchObject({ code: 400 })
    await rig.expectNothingLeft(rig.timers - 1)
  })

  it('is one of all those of a call, which management can end together', async () => {
    const rig = await subscribed(`${SUBSCRIBE} ${SUBSCRIBE}`)
    const { Waits, total } = (await rig.mi('ebr_list', { limit: 1 })) as {
      Waits: readonly { callid: string }[]
      total: number
    }
    expect([Waits.length, total]).toEqual([1, 2])
    expect(await rig.mi('ebr_cancel', { callid: Waits[0]?.callid })).toEqual({ cancelled: 2 })
  })

  it('has one subscription of the bus behind it, however many there are', async () => {
    const rig = await subscribed(`${SUBSCRIBE} ${SUBSCRIBE}`)
    await rig.ask('sub')
    expect(await rig.mi('subscribers_list', { event: 'E_A' })).toMatchObject({
      Event: { Subscribers: [{ socket: 'routing:E_A', expire: 'never' }] },
    })
    await until(() => rig.stat('event_routing:waits') === 4)
  })
})
