import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { udpPeer } from '../../conformance/datagram-peers.ts'
import { type EventRig, eventRig } from './event-rig.ts'

/* Subscribing from the script and through management: event reference §1.3, §1.6, §1.8 and examples 2 to 5 and 9 of its §7. */

const call = (rig: EventRig, method: string, params?: unknown): Promise<unknown> =>
  rig.proxy.proxy.host.mi.call(method, params)
const sockets = (rig: EventRig, event?: string): string[] =>
  rig.proxy.proxy.host.bus.subscriptions(event).map(({ socket }) => socket)

/** Every part of a subscription that can be wrong, and what is said about it. */
const MISTAKES: readonly (readonly [event: string, socket: string, filter: string, reason: string])[] = [
  [
    'E_NOPE',
    'udp:127.0.0.1:9',
    '',
    'event: no event is named "E_NOPE"; expected one that evi:list shows, or * for all',
  ],
  [
    'E_A',
    'foo:127.0.0.1:9',
    '',
    'socket: no transport has the scheme "foo"; those loaded: route, udp, unix, flatstore',
  ],
  ['E_A', 'nothing', '', 'socket: no transport has the scheme "nothing"'],
  ['E_A', 'udp:127.0.0.1', '', 'socket: expected'],
  ['E_A', 'udp:127.0.0.1:', '', 'socket: expected a port from 1 to 65535, found ""'],
  ['E_A', 'udp:127.0.0.1:70000', '', 'socket: expected a port from 1 to 65535, found "70000"'],
  ['E_A', 'udp::9', '', 'socket:'],
  ['E_A', 'unix:', '', 'socket: expected the path of a datagram socket, found nothing'],
  ['E_A', 'xmlrpc:127.0.0.1:80', '', 'socket: expected ":" and a method after the port or path'],
  ['E_A', 'rabbitmq:127.0.0.1', '', 'socket: expected "/" and a routing key after the host'],
  ['E_A', 'rabbitmq:127.0.0.1/', '', 'socket: expected a routing key'],
  ['E_A', 'rabbitmq:127.0.0.1/colour=red?q', '', 'socket: unknown parameter "colour"; known are exchange='],
  ['E_A', 'flatstore:/nowhere/at/all', '', 'socket: there is no directory /nowhere/at'],
  ['E_A', 'flatstore:', '', 'socket: expected the path of a file'],
  [
    'E_A',
    'virtual:',
    '',
    'socket: expected PARALLEL, FAILOVER, ROUND-ROBIN, QUORUM n, WEIGHTED or HASH(field); found nothing',
  ],
  ['E_A', 'virtual:FAILOVER', '', 'socket: FAILOVER needs at least one sub-socket'],
  [
    'E_A',
    'virtual:FAILOVER udp:127.0.0.1:9 foo:1',
    '',
    'socket: sub-socket 2 (foo): no transport has the scheme "foo"',
  ],
  ['E_A', 'route:NONE', '', 'socket: the script has no event_route[NONE]'],
  ['E_A', 'udp:127.0.0.1:9', 'a', 'filter: expected'],
  ['E_A', 'udp:127.0.0.1:9', 'a=', 'filter: expected a value'],
  ['E_A', 'udp:127.0.0.1:9', '=x', 'filter: expected'],
  [
    'E_UL_AOR_INSERT',
    'udp:127.0.0.1:9',
    'foo=1',
    'filter: E_UL_AOR_INSERT has no field "foo"; its fields are domain, aor',
  ],
]

const WITH_USRLOC = `
log_level=3
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "event_datagram.so"
loadmodule "event_flatstore.so"
loadmodule "event_xmlrpc.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_virtual.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
`

describe('a subscription that cannot be made', () => {
  it('from the script gives −1, logs the part at fault and what was expected, and leaves nothing behind', async () => {
    const rig = await eventRig(
      `route {
        raise_event("E_A");
        $var(event) = $(hdr(X-Event)); $var(socket) = $(hdr(X-Socket)); $var(filter) = $(hdr(X-Filter));
        subscribe_event($var(event), $var(socket), 0, $var(filter));
        $var(rc) = $rc;
        xlog("said $var(rc)\\n");
        sl_send_reply(200, "OK");
      }`,
      { head: WITH_USRLOC },
    )
    for (const [event, socket, filter, reason] of MISTAKES) {
      const headers = `X-Event: ${event}\r\nX-Socket: ${socket}\r\nX-Filter: ${filter}\r\n`
      expect(await rig.request('x', headers)).toBe(200)
      expect(rig.logged().at(-1), reason).toBe('-1')
      expect(rig.proxy.log.join('').replaceAll('\\"', '"'), `${event} ${socket} ${filter}`).toContain(reason)
      expect(sockets(rig)).toEqual([])
    }
  })

  it('through management is a 400 whose data says the same', async () => {
    const rig = await eventRig('route { raise_event("E_A"); exit; }', { head: WITH_USRLOC })
    for (const [event, socket, filter, reason] of MISTAKES) {
      const refusal = call(rig, 'evi:subscribe', { event, socket, expire: 60, filter })
      await expect(refusal, reason).rejects.toMatchObject({
        code: 400,
        message: 'Bad parameter value',
        data: expect.stringContaining(reason),
      })
      expect(sockets(rig)).toEqual([])
    }
  })

  it('with a literal mistake in a startup_route is told with the name of the event', async () => {
    const rig = await eventRig('startup_route { subscribe_event("E_A", "foo:1"); return(1); }\nroute { exit; }')
    expect(rig.proxy.log.join('')).toMatch(/cannot subscribe event=E_A .*socket: no transport has the scheme/)
  })
})

describe.each(['', 'era=2.4'])('subscribe_event with "%s"', settings => {
  it.each<[call: string, expireS: number | null, filter: string | null]>([
    ['subscribe_event("E_A", "@UDP@")', null, null],
    ['subscribe_event("E_A", "@UDP@", 0)', null, null],
    ['subscribe_event("E_A", "@UDP@", 600)', 600, null],
    ['subscribe_event("E_A", "@UDP@", "600")', 600, null],
    ['subscribe_event("E_A", "@UDP@", $var(s))', 600, null],
    ['subscribe_event($var(e), "$var(u)", $var(s))', 600, null],
    ['subscribe_event("E_A", "@UDP@", , "a=1")', null, 'a=1'],
    ['subscribe_event("E_A", "@UDP@", 600, "a=1 b!=2")', 600, 'a=1;b!=2'],
  ])('%s', async (text, expireS, filter) => {
    const rig = await eventRig(
      `route {
        $var(e) = "E_A"; $var(u) = "@UDP@"; $var(s) = 600;
        ${text}; $var(rc) = $rc;
        xlog("said $var(rc)\n");
        raise_event("E_A");
        sl_send_reply(200, "OK");
      }`,
      { settings },
    )
    await rig.request()
    expect(rig.logged()).toEqual(['1'])
    const [made, ...others] = rig.proxy.proxy.host.bus.subscriptions()
    expect(others).toEqual([])
    expect(made).toMatchObject({ event: 'E_A', socket: rig.peer.socket, expireS, filterText: filter })
  })
})

describe('the filter of a subscription', () => {
  it('lets through what matches and nothing else, and is listed', async () => {
    const rig = await eventRig(`
      startup_route { subscribe_event("E_A", "@UDP@", 0, "aor=bob@*"); }
      route { $avp(n) = "aor"; $avp(v) = $rU + "@x"; raise_event("E_A", $avp(n), $avp(v)); sl_send_reply(200, "OK"); }`)
    for (const user of ['bob', 'bobby', 'alice', 'bob']) await rig.request(user)
    const bob = '{"jsonrpc":"2.0","method":"E_A","params":{"aor":"bob@x"}}'
    await rig.settled()
    expect(await rig.payloads(2)).toEqual([bob, bob])
    expect(await call(rig, 'subscribers_list', ['E_A'])).toMatchObject({
      Event: {
        Subscribers: [{ socket: rig.peer.socket, expire: 'never', filter: 'aor=bob@*', raised: 2, delivered: 2 }],
      },
    })
  })

  it('makes another subscription of the same socket', async () => {
    const rig = await eventRig('route { raise_event("E_A"); exit; }')
    for (const filter of ['a=1', 'a=2', 'a=1'])
      await call(rig, 'evi:subscribe', { event: 'E_A', socket: rig.peer.socket, filter })
    expect(sockets(rig)).toEqual([rig.peer.socket, rig.peer.socket])
  })
})

describe('a subscription to *', () => {
  it('gets every event, also those published later', async () => {
    const rig = await eventRig(`
      startup_route { subscribe_event("*", "@UDP@"); }
      route { raise_event("E_A"); $var(e) = "E_" + $rU; raise_event($var(e)); sl_send_reply(200, "OK"); }`)
    await rig.request('NEW')
    await rig.settled()
    const names = (await rig.payloads(2)).map(payload => JSON.parse(payload).method)
    expect(names).toEqual(expect.arrayContaining(['E_A', 'E_NEW']))
  })
})

describe('the life of a subscription', () => {
  const LISTENER =
    'startup_route { subscribe_event("E_A", "@UDP@", 1200); }\nroute { raise_event("E_A"); sl_send_reply(200, "OK"); }'

  it('renewed stays one entry whose clock starts anew, and ended is gone: raising then answers 480', async () => {
    const clock = new VirtualClock()
    const rig = await eventRig(LISTENER, { clock })
    const { socket } = rig.peer
    await clock.advance(100_000)
    await call(rig, 'event_subscribe', ['E_A', socket, 1200])
    expect(await call(rig, 'evi:subscribers', ['E_A'])).toMatchObject({
      Event: { Subscribers: [{ socket, expire: 1200, ttl: 1200 }] },
    })
    await call(rig, 'event_subscribe', ['E_A', socket, 0])
    expect(await call(rig, 'evi:subscribers', ['E_A'])).toEqual({ Event: {} })
    await expect(call(rig, 'evi:raise', ['E_A'])).rejects.toMatchObject({
      code: 480,
      message: 'Temporarily Unavailable',
    })
  })

  it('is listed with what is left of it: 1046 of 1200 seconds after 154', async () => {
    const clock = new VirtualClock()
    const rig = await eventRig(LISTENER, { clock })
    await clock.advance(154_000)
    const listed = await call(rig, 'evi:subscribers', { event: 'E_A', socket: rig.peer.socket })
    expect(JSON.stringify((listed as { Event: { Subscriber: unknown } }).Event.Subscriber)).toBe(
      `{"socket":"${rig.peer.socket}","expire":1200,"ttl":1046}`,
    )
  })

  it('is not made permanent by the script, and is ended by unsubscribe_event', async () => {
    const rig = await eventRig(`
      startup_route { subscribe_event("E_A", "@UDP@", 1200); subscribe_event("E_A", "@UDP@"); }
      route { unsubscribe_event("E_A", "@UDP@"); $var(first) = $rc; unsubscribe_event("E_A", "@UDP@"); $var(second) = $rc;
        xlog("said $var(first) $var(second)\\n"); sl_send_reply(200, "OK"); }`)
    expect(rig.proxy.proxy.host.bus.subscriptions('E_A').map(({ expireS }) => expireS)).toEqual([1200])
    await rig.request()
    expect(rig.logged()).toEqual(['1 -1'])
    expect(sockets(rig)).toEqual([])
  })
})

describe('a virtual socket', () => {
  it('is listed with single blanks, and its flat file has the line', async () => {
    const rig = await eventRig(`
      startup_route { subscribe_event("E_MY_EVENT", "virtual:PARALLEL rabbitmq:127.0.0.1:1/opensips  flatstore:@DIR@/events"); }
      route { $avp(v) = 5; $avp(v) = "a"; raise_event("E_MY_EVENT", , $avp(v)); sl_send_reply(200, "OK"); }`)
    const file = join(rig.proxy.folder, 'events')
    expect(sockets(rig)).toEqual([`virtual:PARALLEL rabbitmq:guest@127.0.0.1:1/opensips flatstore:${file}`])
    expect(await rig.request()).toBe(200)
    await expect
      .poll(() => readFileSync(file, { encoding: 'utf8', flag: 'a+' }), { timeout: 20_000, interval: 5 })
      .toBe('E_MY_EVENT,a,5\n')
  })

  it('of FAILOVER gives the file what is too large for a datagram, and leaves the datagram out for a while', async () => {
    const clock = new VirtualClock()
    const rig = await eventRig(
      `startup_route { subscribe_event("E_A", "virtual:FAILOVER @UDP@ flatstore:@DIR@/events"); }
      route { $avp(v) = $hdr(X-Text); raise_event("E_A", , $avp(v)); sl_send_reply(200, "OK"); }`,
      { clock },
    )
    // Each quote takes two bytes in JSON: the message fits a datagram, the event does not.
    const lines = (): number[] => {
      const file = readFileSync(join(rig.proxy.folder, 'events'), 'utf8')
      return file
        .trimEnd()
        .split('\n')
        .map(line => line.length)
    }
    await rig.request('x', `X-Text: ${'"'.repeat(40_000)}\r\n`)
    await rig.settled()
    expect(lines()).toEqual(['E_A,'.length + 40_000])
    await clock.advance(29_000)
    await rig.request('x', 'X-Text: a\r\n')
    await rig.settled()
    expect(lines()).toEqual(['E_A,'.length + 40_000, 'E_A,a'.length])
    await clock.advance(2_000)
    await rig.request('x', 'X-Text: b\r\n')
    await rig.settled()
    expect(await rig.payloads(1)).toEqual(['{"jsonrpc":"2.0","method":"E_A","params":["b"]}'])
    expect(lines()).toHaveLength(2)
  })
})

describe('era=2.4', () => {
  it('gives location events their fields of then, in text', async () => {
    const rig = await eventRig(
      `startup_route { subscribe_event("E_UL_AOR_INSERT", "@UDP@"); subscribe_event("E_UL_CONTACT_INSERT", "@UDP@"); }
      route { save("location"); }`,
      { settings: 'era=2.4', head: WITH_USRLOC },
    )
    const { bus } = rig.proxy.proxy.host
    await call(rig, 'ul_add', ['location', 'dave@x', 'sip:dave@127.0.0.1:6004', 300, '0.5', 0, 0, 1])
    await Promise.all(bus.subscriptions().map(subscription => subscription.whenIdle()))
    const [aor, contact] = await rig.payloads(2)
    expect(aor).toBe('E_UL_AOR_INSERT\naor::dave\n\n')
    const names = contact
      ?.trimEnd()
      .split('\n')
      .slice(1)
      .map(line => line.split('::')[0])
    expect(names).toEqual([
      'aor',
      'uri',
      'received',
      'path',
      'qval',
      'socket',
      'bflags',
      'expires',
      'callid',
      'cseq',
      'attr',
      'latency',
    ])
  })

  it('can be left by one subscriber', async () => {
    const rig = await eventRig(
      'startup_route { subscribe_event("E_A", "@UDP@"); }\nroute { raise_event("E_A"); sl_send_reply(200, "OK"); }',
      { settings: 'era=2.4' },
    )
    const modern = await udpPeer()
    onTestFinished(() => modern.close())
    await call(rig, 'evi:subscribe', { event: 'E_A', socket: modern.socket, format: 'jsonrpc' })
    await rig.request()
    await modern.arrived(1)
    expect(await rig.payloads(1)).toEqual(['E_A\n\n'])
    expect(modern.payloads.map(String)).toEqual(['{"jsonrpc":"2.0","method":"E_A"}'])
  })
})

describe('management of events', () => {
  it('answers mistakes with the codes programs know', async () => {
    const rig = await eventRig('route { exit; }')
    await expect(call(rig, 'nope')).rejects.toMatchObject({ code: -32601, message: 'Method not found' })
    await expect(call(rig, 'event_subscribe', ['E_A'])).rejects.toMatchObject({
      code: -32602,
      data: 'Too few or too many parameters',
    })
    expect(await rig.proxy.proxy.host.mi.handle('{"jsonrpc":"2.0","method":"evi:list"}')).toBeNull()
  })
})
