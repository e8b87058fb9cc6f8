import { describe, expect, it } from 'vitest'
import { DnsCache } from '../../../src/sip/net/dns-cache.ts'
import type { AddressRecord, DnsClient, NaptrRecord, SrvRecord } from '../../../src/sip/net/dns-client.ts'
import type { Hop, ListenSocket, Proto } from '../../../src/sip/net/endpoint.ts'
import { HopResolver } from '../../../src/sip/net/resolve.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

/** A zone in memory, which counts the questions. */
class Zone implements DnsClient {
  readonly a = new Map<string, readonly AddressRecord[]>()
  readonly services = new Map<string, readonly SrvRecord[]>()
  readonly pointers = new Map<string, readonly NaptrRecord[]>()
  questions: string[] = []
  addresses(host: string, family: 4 | 6): Promise<readonly AddressRecord[]> {
    const records = (this.a.get(host) ?? []).filter(record => record.address.includes(':') === (family === 6))
    return this.#answer(`${family === 4 ? 'A' : 'AAAA'} ${host}`, records)
  }
  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#answer(`SRV ${name}`, this.services.get(name) ?? [])
  }
  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#answer(`NAPTR ${name}`, this.pointers.get(name) ?? [])
  }
  #answer<T>(question: string, records: readonly T[]): Promise<readonly T[]> {
    this.questions.push(question)
    return records.length > 0 ? Promise.resolve(records) : Promise.reject(new Error('ENOTFOUND'))
  }
}

const socket = (proto: Proto, address: string): ListenSocket => ({
  proto,
  address,
  port: 5060,
  advertisedHost: null,
  advertisedPort: null,
  tag: null,
  text: `${proto}:${address}:5060`,
})
const SOCKETS = [socket('udp', '192.0.2.9'), socket('tcp', '192.0.2.9'), socket('tls', '192.0.2.9')]

function rig(options: { sockets?: ListenSocket[]; tryIpv6?: boolean; tryNaptr?: boolean } = {}) {
  const zone = new Zone()
  const clock = new VirtualClock()
  const cache = new DnsCache(zone, clock)
  const { sockets = SOCKETS, tryIpv6 = false, tryNaptr = true } = options
  const resolver = new HopResolver(cache, () => sockets, { tryIpv6, tryNaptr })
  return { zone, clock, cache, resolver }
}
const text = (hops: readonly Hop[]) => hops.map(hop => `${hop.proto} ${hop.address} ${hop.port}`)
const at = (address: string, ttlS = 300): AddressRecord => ({ address, ttlS })

describe('next hop of a URI (RFC 3263)', () => {
  it.each([
    ['sip:bob@192.0.2.1', 'udp 192.0.2.1 5060'],
    ['sip:192.0.2.1:5070', 'udp 192.0.2.1 5070'],
    ['sip:bob@192.0.2.1;transport=TCP', 'tcp 192.0.2.1 5060'],
    ['sips:bob@192.0.2.1', 'tls 192.0.2.1 5061'],
    ['sips:bob@192.0.2.1;transport=tcp', 'tls 192.0.2.1 5061'],
    ['sip:bob@192.0.2.1;transport=tls', 'tls 192.0.2.1 5061'],
    ['sip:bob@[2001:DB8:0::1]:5080', 'udp 2001:db8::1 5080'],
    ['sip:bob@example.com;maddr=192.0.2.7', 'udp 192.0.2.7 5060'],
  ])('%s is %s, at once', (uri, hop) => {
    expect(text(rig().resolver.resolve(uri) as Hop[])).toEqual([hop])
  })

  it.each([
    'sip:bob@255.255.255.255',
    'sip:bob@224.0.0.1',
    'sip:bob@[ff02::1]',
    'sip:bob@0.0.0.0',
    'sip:bob@192.0.2.1;maddr=239.1.1.1',
    'sip:bob@192.0.2.1;transport=carrier-pigeon',
    'tel:+15551234',
    'soap.beep://192.0.2.103:3002',
    'rubbish',
  ])('%s leads nowhere', uri => {
    expect(rig().resolver.resolve(uri)).toEqual([])
  })

  it('asks for addresses alone when a port is given', async () => {
    const { zone, resolver } = rig()
    zone.a.set('example.com', [at('192.0.2.1'), at('192.0.2.2')])
    expect(text(await resolver.resolve('sip:example.com:5070'))).toEqual(['udp 192.0.2.1 5070', 'udp 192.0.2.2 5070'])
    expect(zone.questions).toEqual(['A example.com'])
  })

  it('answers at once for a name it knows, until its time to live is over', async () => {
    const { zone, clock, resolver } = rig()
    zone.a.set('example.com', [at('192.0.2.1', 30)])
    await resolver.resolve('sip:example.com:5070')
    expect(resolver.resolve('sip:EXAMPLE.com:5070')).not.toBeInstanceOf(Promise)
    clock.advanceSync(30_000)
    expect(resolver.resolve('sip:example.com:5070')).toBeInstanceOf(Promise)
    expect(zone.questions).toEqual(['A example.com', 'A example.com'])
  })

  it('follows NAPTR by order, then SRV by priority', async () => {
    const { zone, resolver } = rig()
    zone.pointers.set('example.com', [
      { service: 'SIP+D2U', replacement: '_sip._udp.example.com', order: 50, preference: 50 },
      { service: 'SIP+D2T', replacement: '_sip._tcp.example.com', order: 40, preference: 50 },
      { service: 'SIP+D2X', replacement: '_sip._x.example.com', order: 10, preference: 50 },
    ])
    zone.services.set('_sip._tcp.example.com', [
      { host: 'b.example.com', port: 5080, priority: 2, weight: 0 },
      { host: 'a.example.com', port: 5060, priority: 1, weight: 0 },
    ])
    zone.a.set('a.example.com', [at('192.0.2.1')])
    zone.a.set('b.example.com', [at('192.0.2.2')])
    expect(text(await resolver.resolve('sip:bob@example.com'))).toEqual(['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5080'])
  })

  it('asks for SRV of the protocol named, and falls back on the address', async () => {
    const { zone, resolver } = rig()
    zone.a.set('example.com', [at('192.0.2.1')])
    expect(text(await resolver.resolve('sip:bob@example.com;transport=tcp'))).toEqual(['tcp 192.0.2.1 5060'])
    expect(zone.questions).toEqual(['SRV _sip._tcp.example.com', 'A example.com'])
  })

  it('asks no NAPTR with dns_try_naptr=0', async () => {
    const { zone, resolver } = rig({ tryNaptr: false })
    zone.a.set('example.com', [at('192.0.2.1')])
    await resolver.resolve('sip:bob@example.com')
    expect(zone.questions).toEqual(['SRV _sip._udp.example.com', 'SRV _sip._tcp.example.com', 'A example.com'])
  })

  it('sends sips over TLS services only', async () => {
    const { zone, resolver } = rig()
    zone.pointers.set('example.com', [
      { service: 'SIP+D2U', replacement: '_sip._udp.example.com', order: 1, preference: 1 },
      { service: 'SIPS+D2T', replacement: '_sips._tcp.example.com', order: 2, preference: 1 },
    ])
    zone.services.set('_sip._udp.example.com', [{ host: 'a.example.com', port: 5060, priority: 1, weight: 0 }])
    zone.services.set('_sips._tcp.example.com', [{ host: 'a.example.com', port: 5061, priority: 1, weight: 0 }])
    zone.a.set('a.example.com', [at('192.0.2.1')])
    expect(text(await resolver.resolve('sips:bob@example.com'))).toEqual(['tls 192.0.2.1 5061'])
  })

  it('draws among SRV records of one priority by weight, the same way for the same chance', async () => {
    const { zone, resolver } = rig()
    zone.services.set('_sip._udp.example.com', [
      { host: 'light.example.com', port: 1, priority: 1, weight: 1 },
      { host: 'heavy.example.com', port: 2, priority: 1, weight: 3 },
    ])
    zone.a.set('light.example.com', [at('192.0.2.1')])
    zone.a.set('heavy.example.com', [at('192.0.2.2')])
    const first = async (chance: number) =>
      (await resolver.resolve('sip:example.com;transport=udp', () => chance))[0]?.port
    expect([await first(0), await first(0.2), await first(0.3), await first(0.99)]).toEqual([1, 1, 2, 2])
  })

  it('asks for AAAA where the sockets are IPv6, and beside IPv4 only with dns_try_ipv6', async () => {
    const both = [socket('udp', '192.0.2.9'), socket('udp', '2001:db8::9')]
    const answers = async (options: { sockets: ListenSocket[]; tryIpv6?: boolean }) => {
      const { zone, resolver } = rig(options)
      zone.a.set('example.com', [at('192.0.2.1'), at('2001:db8::1')])
      return (await resolver.resolve('sip:example.com:5060')).map(hop => hop.address)
    }
    expect(await answers({ sockets: [socket('udp', '2001:db8::9')] })).toEqual(['2001:db8::1'])
    expect(await answers({ sockets: both })).toEqual(['192.0.2.1'])
    expect(await answers({ sockets: both, tryIpv6: true })).toEqual(['192.0.2.1', '2001:db8::1'])
  })

  it('finds WebSocket services (RFC 7118), and tells the name that TLS and WebSocket servers are asked for', async () => {
    const { zone, resolver } = rig({ sockets: [socket('ws', '192.0.2.9'), socket('wss', '192.0.2.9')] })
    zone.pointers.set('example.com', [
      { service: 'SIPS+D2W', replacement: '_sips._ws.example.com', order: 1, preference: 1 },
      { service: 'SIP+D2W', replacement: '_sip._ws.example.com', order: 2, preference: 1 },
    ])
    zone.services.set('_sips._ws.example.com', [{ host: 'a.example.org', port: 443, priority: 1, weight: 0 }])
    zone.services.set('_sip._ws.example.com', [{ host: 'a.example.org', port: 80, priority: 1, weight: 0 }])
    zone.a.set('a.example.org', [at('192.0.2.1')])
    const hops = await resolver.resolve('sip:bob@example.com')
    expect(text(hops)).toEqual(['wss 192.0.2.1 443', 'ws 192.0.2.1 80'])
    expect(hops.map(({ name }) => name)).toEqual(['example.com', 'example.com'])
    expect((await resolver.resolve('sips:bob@192.0.2.1;transport=ws'))[0]?.name).toBeUndefined()
    expect((await resolver.resolve('sip:bob@example.com;transport=ws;maddr=192.0.2.7'))[0]).toMatchObject({
      address: '192.0.2.7',
      name: 'example.com',
    })
  })

  it('follows no more than 64 next hops of one name', async () => {
    const { zone, resolver } = rig()
    zone.a.set(
      'example.com',
      Array.from({ length: 200 }, (_, i) => at(`192.0.2.${i}`)),
    )
    expect(await resolver.resolve('sip:example.com:5060')).toHaveLength(64)
  })

  it('never gives a multicast address that DNS gives', async () => {
    const { zone, resolver } = rig()
    zone.a.set('example.com', [at('224.0.0.5'), at('192.0.2.1')])
    expect(text(await resolver.resolve('sip:example.com:5060'))).toEqual(['udp 192.0.2.1 5060'])
  })

  it('gives nothing, and remembers it for ten seconds, when the name is unknown', async () => {
    const { zone, clock, resolver } = rig()
    expect(await resolver.resolve('sip:nowhere.example.com:5060')).toEqual([])
    expect(resolver.resolve('sip:nowhere.example.com:5060')).toEqual([])
    clock.advanceSync(10_000)
    expect(await resolver.resolve('sip:nowhere.example.com:5060')).toEqual([])
    expect(zone.questions).toHaveLength(2)
  })
})

describe('DNS cache', () => {
  it('keeps a bounded number of names, the ones used last', async () => {
    const zone = new Zone()
    const cache = new DnsCache(zone, new VirtualClock(), { entries: 3, inFlight: 10 })
    for (const host of ['a', 'b', 'c', 'a', 'd']) await cache.addresses(host, 4)
    expect(cache.size).toBe(3)
    await cache.addresses('a', 4)
    await cache.addresses('b', 4)
    expect(zone.questions).toEqual(['A a', 'A b', 'A c', 'A d', 'A b'])
  })

  it('asks once for what several want to know at the same time', async () => {
    const zone = new Zone()
    const cache = new DnsCache(zone, new VirtualClock())
    await Promise.all([cache.addresses('a', 4), cache.addresses('a', 4), cache.addresses('A', 4)])
    expect(zone.questions).toEqual(['A a'])
  })

  it('answers with nothing when too many questions are under way', async () => {
    const cache = new DnsCache(new Zone(), new VirtualClock(), { entries: 10, inFlight: 1 })
    const first = cache.addresses('a', 4)
    expect(cache.addresses('b', 4)).toEqual([])
    await first
    expect(cache.addresses('b', 4)).toBeInstanceOf(Promise)
  })
})
