import { describe, expect, it, onTestFinished } from 'vitest'
import type { DnsClient } from '../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'

const MODULES = ['sl', 'tm', 'signaling', 'sipmsgops'].map(name => `loadmodule "${name}.so"\n`).join('')

async function proxyWith(script: string, options: Parameters<typeof startProxy>[1] = {}): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${MODULES}${script}`, options)
  onTestFinished(() => proxy.stop())
  return proxy
}
const printed = (proxy: ProxyUnderTest, word: string): number => proxy.log.filter(line => line.includes(word)).length

describe('event routes', () => {
  it('an event route is subscribed to its event for good, by itself', async () => {
    const proxy = await proxyWith('route {}\nevent_route[E_MINE] { xlog("got $param(a)\\n"); }')
    expect(proxy.proxy.host.bus.subscriptions('E_MINE').map(one => one.expireS)).toEqual([null])
    await proxy.proxy.host.mi.call('raise_event', { event: 'E_MINE', params: { a: 'x' } })
    await expect.poll(() => printed(proxy, 'got x')).toBe(1)
  })
})

describe('timer routes', () => {
  it('run every interval, and not before', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('route {}\ntimer_route[tick, 10] { xlog("tick\\n"); }', { clock })
    await clock.advance(9_999)
    expect(printed(proxy, 'tick')).toBe(0)
    await clock.advance(20_001)
    expect(printed(proxy, 'tick')).toBe(3)
  })

  it('never overlap themselves: while one waits, runs are skipped', async () => {
    const clock = new VirtualClock()
    const waiting: (() => void)[] = []
    const dns: DnsClient = {
      addresses: () => new Promise(resolve => waiting.push(() => resolve([]))),
      srv: async () => [],
      naptr: async () => [],
    }
    const proxy = await proxyWith(
      'route {}\ntimer_route[tick, 1] { xlog("begin\\n"); forward("slow.test:5060"); xlog("end\\n"); }',
      { clock, dns },
    )
    await clock.advance(5000)
    expect([printed(proxy, 'begin'), printed(proxy, 'end')]).toEqual([1, 0])
    waiting.shift()?.()
    await expect.poll(() => printed(proxy, 'end')).toBe(1)
    await clock.advance(1000)
    expect(printed(proxy, 'begin')).toBe(2)
  })

  it('end with the proxy', async () => {
    const clock = new VirtualClock()
    const proxy = await startProxy('route {}\ntimer_route[tick, 1] { xlog("tick\\n"); }', { clock })
    await proxy.stop()
    await clock.advance(5000)
    expect(printed(proxy, 'tick')).toBe(0)
  })
})

describe('the startup route', () => {
  it('runs before anything is served', async () => {
    const proxy = await proxyWith(
      'loadmodule "cachedb_local.so"\nstartup_route { cache_store("local", "k", "early"); }\n' +
        'route { cache_fetch("local", "k", $avp(v)); append_to_reply("X-Out: $avp(v)"); send_reply(200, "OK"); }',
    )
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', proxy.port)
    const reply = await alice.nextReply(200)
    expect(reply.headerValue(reply.findNamed('X-Out'))).toBe('early')
  })

  it('that ends negative keeps the proxy from starting, and nothing stays open', async () => {
    const script = `${MODULES}loadmodule "cachedb_local.so"\nroute {}\nstartup_route { xlog("trying\\n"); cache_fetch("local", "none", $var(x)); }`
    await expect(startProxy(script)).rejects.toThrow('startup_route failed: its last statement gave -2')
  })
})

describe('ps', () => {
  it('lists what runs: the loop, a receiver for each socket, timer routes', async () => {
    const proxy = await proxyWith('route {}\ntimer_route[tick, 10] { xlog("tick\\n"); }')
    const { Processes } = (await proxy.proxy.host.mi.call('ps', [])) as { Processes: { Type: string }[] }
    expect(Processes.map(({ Type }) => Type)).toEqual(
      expect.arrayContaining([
        'event loop',
        `SIP receiver udp:127.0.0.1:${proxy.port}`,
        `SIP receiver tcp:127.0.0.1:${proxy.port}`,
        'timer route tick every 10 s',
      ]),
    )
  })
})

describe('the orderly stop', () => {
  it('waits until every request has its final reply, and refuses new ones meanwhile', async () => {
    const proxy = await proxyWith('route { t_relay(); }')
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    const request = await bob.nextRequest('OPTIONS')
    let isStopped = false
    const stopping = proxy.proxy.stop(AbortSignal.timeout(20_000)).then(() => {
      isStopped = true
    })
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await alice.nextReply(503)
    expect(isStopped).toBe(false)
    bob.reply(request, 200, 'OK')
    await alice.nextReply(200)
    await stopping
  })

  it('cuts what is left when its signal aborts', async () => {
    const proxy = await proxyWith('route { t_relay(); }')
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await bob.nextRequest('OPTIONS')
    await proxy.proxy.stop(AbortSignal.abort())
  })
})
