import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { SystemDns } from '../../../src/sip/net/dns-client.ts'
import { TcpServer, UdpPeer } from '../../sip/net/peers.ts'
import { DnsServer } from '../../support/dns-server.ts'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { branchOf, expectNothingLeft, startScenario, until } from './rig.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const SCRIPT = `socket=udp:127.0.0.1:@SIP@\nsocket=tcp:127.0.0.1:@SIP@\ntcp_connect_timeout=20000
loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "signaling.so"\n@MORE@
route { t_on_failure("f"); if (!t_relay()) sl_reply_error(); exit; }
failure_route[f] { xlog("failed $T_reply_code\\n"); }`

/** A proxy that asks a name server of the test. */
async function start(zone: DnsServer, more = '') {
  const sip = await freePort()
  const dns = new SystemDns(2000, 2, [zone.address])
  const scenario = await startScenario(SCRIPT, { SIP: sip, MORE: more }, dns)
  return { scenario, sip, caller: await SipUa.open('alice') }
}

describe('RFC 3263 through a whole proxy, with a name server', () => {
  it('NAPTR chooses the transport, SRV the port: the request goes over TCP', async () => {
    const callee = await SipUa.open('bob', 'tcp')
    const zone = (await DnsServer.open())
      .naptr('example.com', 10, 50, 'SIP+D2T', '_sip._tcp.example.com')
      .naptr('example.com', 20, 50, 'SIP+D2U', '_sip._udp.example.com')
      .srv('_sip._tcp.example.com', 1, 1, callee.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const { sip, caller } = await start(zone)
    caller.request('OPTIONS', sip, { uri: 'sip:bob@example.com' })
    const request = await callee.nextRequest('OPTIONS')
    expect(request.topVia?.transport).toBe('TCP')
    callee.reply(request, 200, 'OK')
    await caller.nextReply(200)
    expect(zone.questions.slice(0, 2)).toEqual(['NAPTR example.com', 'SRV _sip._tcp.example.com'])
  })

  it('`transport=` comes before NAPTR', async () => {
    const callee = await SipUa.open('bob')
    const zone = (await DnsServer.open())
      .naptr('example.com', 10, 50, 'SIP+D2T', '_sip._tcp.example.com')
      .srv('_sip._udp.example.com', 1, 1, callee.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const { sip, caller } = await start(zone)
    caller.request('OPTIONS', sip, { uri: 'sip:bob@example.com;transport=udp' })
    callee.reply(await callee.nextRequest('OPTIONS'), 200, 'OK')
    await caller.nextReply(200)
    expect(zone.questions[0]).toBe('SRV _sip._udp.example.com')
  })

  it.each([
    ['answers 503', 503],
    ['cannot be connected to', 0],
    ['does not answer', 408],
  ])('a server that %s makes way for the next one, with a branch of its own', async (_, status) => {
    const [first, second] = [await SipUa.open('first'), await SipUa.open('second')]
    const proto = status === 0 ? 'tcp' : 'udp'
    const dead = await freePort()
    const zone = (await DnsServer.open())
      .srv(`_sip._${proto}.example.com`, 1, 0, status === 0 ? dead : first.port, 'gw.example.com')
      .srv(`_sip._${proto}.example.com`, 2, 0, second.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const target = status === 0 ? await SipUa.open('tcp', 'tcp') : second
    if (status === 0) zone.srv('_sip._tcp.example.com', 3, 0, target.port, 'gw.example.com')
    const { scenario, sip, caller } = await start(zone)
    caller.request('OPTIONS', sip, { uri: `sip:bob@example.com;transport=${proto}` })
    let firstBranch = ''
    if (status !== 0) {
      const request = await first.nextRequest('OPTIONS')
      firstBranch = branchOf(request)
      if (status === 503) first.reply(request, 503, 'Busy')
      else await scenario.clock.advance(30_000)
    }
    const again = await target.nextRequest('OPTIONS')
    expect(branchOf(again)).not.toBe(firstBranch)
    target.reply(again, 200, 'OK')
    await caller.nextReply(200)
    expect(scenario.logged('failed ')).toBe(0)
    await expectNothingLeft(scenario)
  })

  it('every server fails: the failure route runs once, and the caller gets one answer', async () => {
    const [first, second] = [await SipUa.open('first'), await SipUa.open('second')]
    const zone = (await DnsServer.open())
      .srv('_sip._udp.example.com', 1, 0, first.port, 'gw.example.com')
      .srv('_sip._udp.example.com', 2, 0, second.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const { scenario, sip, caller } = await start(zone)
    caller.request('OPTIONS', sip, { uri: 'sip:bob@example.com' })
    first.reply(await first.nextRequest('OPTIONS'), 503, 'Busy')
    second.reply(await second.nextRequest('OPTIONS'), 503, 'Busy too')
    await until(() => caller.received.some(message => message.status >= 500))
    expect(scenario.logged('failed 503')).toBe(1)
    expect(caller.received.filter(message => message.status >= 200)).toHaveLength(1)
    await expectNothingLeft(scenario)
  })

  it('disable_dns_failover keeps to the first server', async () => {
    const [first, second] = [await SipUa.open('first'), await SipUa.open('second')]
    const zone = (await DnsServer.open())
      .srv('_sip._udp.example.com', 1, 0, first.port, 'gw.example.com')
      .srv('_sip._udp.example.com', 2, 0, second.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const { scenario, sip, caller } = await start(zone, 'disable_dns_failover=yes')
    caller.request('OPTIONS', sip, { uri: 'sip:bob@example.com' })
    first.reply(await first.nextRequest('OPTIONS'), 503, 'Busy')
    await until(() => caller.received.some(message => message.status >= 500))
    expect(second.received).toEqual([])
    expect(scenario.logged('failed 503')).toBe(1)
  })

  it('SRV weights: of two servers the heavier one gets its share of many requests', async () => {
    const [light, heavy] = [await SipUa.open('light'), await SipUa.open('heavy')]
    const zone = (await DnsServer.open())
      .srv('_sip._udp.example.com', 1, 10, light.port, 'gw.example.com')
      .srv('_sip._udp.example.com', 1, 90, heavy.port, 'gw.example.com')
      .a('gw.example.com', '127.0.0.1')
    const { sip, caller } = await start(zone)
    const count = 300
    const arrived = () => new Set([...light.received, ...heavy.received].map(message => message.callId)).size
    for (let sent = 1; sent <= count; sent++) {
      caller.request('MESSAGE', sip, { uri: 'sip:bob@example.com' })
      if (sent % 20 === 0) await until(() => arrived() === sent)
    }
    // 30 are expected; one run in many millions has fewer than 5 or more than 80.
    const share = new Set(light.received.map(message => message.callId)).size
    expect(share).toBeGreaterThan(4)
    expect(share).toBeLessThan(81)
  })

  it('a name that nobody knows is answered, and leaves nothing', async () => {
    const { scenario, sip, caller } = await start(await DnsServer.open())
    caller.request('OPTIONS', sip, { uri: 'sip:bob@nowhere.example.com' })
    await until(() => caller.received.some(message => message.status >= 400))
    await expectNothingLeft(scenario)
  })

  it.skipIf(!hasIpv6)('IPv6: AAAA records, literals in Request-URI, Via and Route, over UDP and TCP', async () => {
    const sip = await freePort()
    const zone = await DnsServer.open()
    const script = `socket=udp:[::1]:${sip}\nsocket=tcp:[::1]:${sip}\nloadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "rr.so"\nloadmodule "sipmsgops.so"
      tcp_connect_timeout=20000
      route { record_route(); if (has_totag()) loose_route(); t_relay(); exit; }`
    const dns = new SystemDns(2000, 2, [zone.address])
    await startScenario(script, {}, dns)
    const caller = await UdpPeer.open('::1')
    const [callee, tcp] = [await UdpPeer.open('::1'), await TcpServer.open('::1')]
    zone.aaaa('six.example.com', '0:0:0:0:0:0:0:1')
    const ask = (uri: string, more = '') =>
      caller.send(
        `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:${caller.port};branch=z9hG4bK${uri.length}${more.length}\r\n` +
          `From: <sip:a@[::1]>;tag=1\r\nTo: <sip:b@[::1]>${more === '' ? '' : ';tag=2'}\r\nCall-ID: ${uri}${more.length}\r\nCSeq: 1 OPTIONS\r\n` +
          `${more}Content-Length: 0\r\n\r\n`,
        sip,
      )
    await ask(`sip:b@[0:0::1]:${callee.port}`)
    const literal = await callee.next()
    expect(literal).toContain(`Via: SIP/2.0/UDP [::1]:${sip};branch=`)
    expect(literal).toContain(`Record-Route: <sip:[::1]:${sip};lr`)
    await callee.send(literal.replace(/^OPTIONS .*/, 'SIP/2.0 200 OK'), sip)
    expect(await caller.next()).toContain('SIP/2.0 200 OK')
    await ask(`sip:b@six.example.com:${callee.port}`)
    expect(await callee.next()).toContain('OPTIONS sip:b@six.example.com')
    await ask('sip:b@192.0.2.1', `Route: <sip:[::1]:${sip};lr>, <sip:[::1]:${callee.port};lr>\r\n`)
    expect(await callee.next()).toContain('OPTIONS sip:b@192.0.2.1 SIP/2.0')
    await ask(`sip:b@[::1]:${tcp.port};transport=tcp`)
    expect(await (await tcp.accepted()).until('\r\n\r\n')).toContain(`Via: SIP/2.0/TCP [::1]:${sip};branch=`)
  })
})
