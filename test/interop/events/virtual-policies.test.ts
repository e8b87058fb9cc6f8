import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type DatagramPeer, udpPeer, unixPeer } from '../../conformance/datagram-peers.ts'
import { golden } from '../../mi/golden.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { recordedScript } from './recorded-script.ts'

/*
 * Every line of `virtual/policies.txt`: six events, numbered 0 to 5, through a `virtual:` socket. Where the recording used a
 * TCP stream there is a unix socket here; `dead` is one nobody has bound.
 */

const PATIENCE = { timeout: 20_000, interval: 5 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Rig {
  readonly proxy: ProxyUnderTest
  /** Peers by the names sockets are written with: `{udp1}`, `{udp2}`, `{unix}`. */
  readonly peers: Readonly<Record<'udp1' | 'udp2' | 'unix', DatagramPeer>>
  socket(text: string): string
  subscribe(text: string): Promise<unknown>
  raise(from: number, to: number): Promise<void>
  got(peer: 'udp1' | 'udp2' | 'unix'): number[]
}

async function start(clock?: VirtualClock): Promise<Rig> {
  const [udp1, udp2, unix] = await Promise.all([udpPeer(), udpPeer(), unixPeer()])
  const [miPort, httpPort, closedPort] = [await freePort(), await freePort(), await freePort()]
  const script = recordedScript('virtual/virtual.cfg', [
    ['udp:127.0.0.1:9099', `udp:127.0.0.1:${closedPort}`],
    ['udp:127.0.0.1:8077', `udp:127.0.0.1:${miPort}`],
    ['"port",8888', `"port",${httpPort}`],
  ])
  const proxy = await startProxy(script, clock === undefined ? {} : { clock })
  closing.push(
    () => Promise.all([udp1.close(), udp2.close(), unix.close()]),
    () => proxy.stop(),
    // What waits for a dead peer would be waited for until the end.
    () => proxy.proxy.stop(AbortSignal.timeout(100)),
  )
  const peers = { udp1, udp2, unix }
  const socket = (text: string): string =>
    text
      .replaceAll('{closed}', String(closedPort))
      .replaceAll('{dead}', `unix:${join(proxy.folder, 'dead.sock')}`)
      .replace(/\{(udp1|udp2|unix)\}/g, (_, name: keyof typeof peers) => peers[name].socket)
  return {
    proxy,
    peers,
    socket,
    subscribe: text => proxy.proxy.host.mi.call('event_subscribe', ['E_V', socket(text)]),
    raise: async (from, to) => {
      const ua = await SipUa.open('golden')
      for (let n = from; n < to; n++) {
        ua.request('OPTIONS', proxy.port, { uri: `sip:${n}@127.0.0.1` })
        await ua.nextReply(200)
      }
    },
    got: name => peers[name].payloads.map(payload => Number(JSON.parse(payload.toString()).params.seq)),
  }
}

/** The events of one subscription, all settled. */
async function settled({ proxy, socket }: Rig, text: string): Promise<void> {
  const found = proxy.proxy.host.bus.subscriptions('E_V').find(subscription => subscription.matchesSocket(socket(text)))
  await found?.whenIdle()
}

const ALL = [0, 1, 2, 3, 4, 5]

describe('six events through the recorded virtual sockets', () => {
  it.each<[socket: string, udp1: number[], udp2: number[], unix: number[]]>([
    ['virtual:PARALLEL {udp1} {udp2}', ALL, ALL, []],
    ['virtual:FAILOVER {udp1} {udp2}', ALL, [], []],
    ['virtual:ROUND-ROBIN {udp1} {udp2}', [0, 2, 4], [1, 3, 5], []],
    ['virtual:ROUND-ROBIN {udp1} {udp2} {unix}', [0, 3], [1, 4], [2, 5]],
    ['virtual:FAILOVER {dead} {udp2}', [], ALL, []],
    ['virtual:FAILOVER {unix} {udp2}', [], [], ALL],
    ['virtual:FAILOVER rabbitmq:127.0.0.1:{closed}/q {udp2}', [], ALL, []],
    ['virtual:FAILOVER xmlrpc:127.0.0.1:{closed}:m {udp2}', [], ALL, []],
  ])('arrive as recorded: %s', async (socket, udp1, udp2, unix) => {
    const rig = await start()
    expect(await rig.subscribe(socket)).toBe('OK')
    await rig.raise(0, 6)
    await settled(rig, socket)
    await Promise.all([
      rig.peers.udp1.arrived(udp1.length),
      rig.peers.udp2.arrived(udp2.length),
      rig.peers.unix.arrived(unix.length),
    ])
    expect({ udp1: rig.got('udp1'), udp2: rig.got('udp2'), unix: rig.got('unix') }).toEqual({ udp1, udp2, unix })
  })

  it('all reach the other child of a PARALLEL at once when one is dead', async () => {
    const rig = await start()
    await rig.subscribe('virtual:PARALLEL {dead} {udp2}')
    await rig.raise(0, 6)
    await rig.peers.udp2.arrived(6)
    expect(rig.got('udp2')).toEqual(ALL)
  })

  it('all arrive through a ROUND-ROBIN with one dead child: recorded, it took half of them with it', async () => {
    const rig = await start()
    await rig.subscribe('virtual:ROUND-ROBIN {dead} {udp2}')
    await rig.raise(0, 6)
    await rig.peers.udp2.arrived(6)
    expect(rig.got('udp2')).toEqual(ALL)
  })

  it.each([
    ['virtual:FAILOVER foo:127.0.0.1:1 {udp2}', 'sub-socket 1 (foo): no transport has the scheme "foo"'],
    [
      'virtual:PARALLEL virtual:FAILOVER {udp1} {udp2}',
      'sub-socket 1 (virtual): FAILOVER needs at least one sub-socket',
    ],
  ])('are not subscribed to %s, which the recorded proxy accepted and failed on later', async (socket, reason) => {
    const rig = await start()
    const refusal = rig.subscribe(socket)
    await expect(refusal).rejects.toMatchObject({ code: 400, message: 'Bad parameter value' })
    await expect(refusal).rejects.toMatchObject({ data: expect.stringContaining(reason) })
  })
})

describe('failover_timeout of three seconds', () => {
  it('sends a dead first child nothing, and everything again after it: no event is lost or doubled', async () => {
    expect(golden('virtual/policies.txt').toString()).toContain(
      "udp got ['0', '1', '2', '3', '4', '5'] tcp got ['6', '7', '8']",
    )
    const clock = new VirtualClock()
    const rig = await start(clock)
    await rig.peers.unix.stop?.()
    const socket = 'virtual:FAILOVER {unix} {udp2}'
    await rig.subscribe(socket)
    await rig.raise(0, 3)
    await settled(rig, socket)
    await rig.peers.unix.start?.()
    await rig.raise(3, 6)
    await settled(rig, socket)
    await expect.poll(() => [...rig.got('udp2'), ...rig.got('unix')].sort(), PATIENCE).toEqual(ALL)
    expect(rig.got('udp2').slice(0, 3)).toEqual([0, 1, 2])

    await clock.advance(3_500)
    await rig.raise(6, 9)
    await settled(rig, socket)
    await rig.peers.unix.arrived(3)
    expect(rig.got('unix').slice(-3)).toEqual([6, 7, 8])
  })
})
