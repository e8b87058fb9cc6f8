import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { until } from '../../interop/scenarios/rig.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { replyTo, requestOver, StreamAgent } from '../../support/stream-agent.ts'
import { domainParams, startTlsProxy } from './tls-rig.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const ANSWER = 'route { sl_send_reply(200, "$pr $tls_peer_subject_cn $tls_peer_verified"); exit; }'
const OPEN = 'verify_cert=0 require_cert=0'

describe('a TLS server domain', () => {
  it('answers over TLS, and CRLFCRLF with CRLF', async () => {
    const authority = new TestAuthority()
    const params = domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), OPEN)
    const proxy = await startTlsProxy({ params, routes: ANSWER })
    const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).reason).toBe('tls <null> 0')
    phone.send('\r\n\r\n')
    await phone.pong()
    expect(proxy.proxy.host.network.connections.size).toBe(1)
  })

  it('carries a call from TLS to UDP and back: Via and Record-Route show both sides', async () => {
    const authority = new TestAuthority()
    const params = domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), OPEN)
    const callee = await SipUa.open('bob')
    const routes = 'route { record_route(); t_relay(); exit; }'
    const proxy = await startTlsProxy({ params, routes })
    const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca })
    phone.send(requestOver(phone, 'INVITE', callee.uri))
    const invite = await callee.nextRequest('INVITE')
    expect(invite.vias.map(via => via.transport)).toEqual(['UDP', 'TLS'])
    expect(invite.recordRoutes.map(route => route.uri.replace(/;ftag=.*/, ''))).toEqual([
      `sip:127.0.0.1:${proxy.udp};r2=on;lr`,
      `sip:127.0.0.1:${proxy.tls};transport=tls;r2=on;lr`,
    ])
    callee.reply(invite, 200, 'OK')
    const ok = await phone.nextReply(200)
    expect(ok.vias).toHaveLength(1)
  })

  it.each([
    ['a.example.com', 'A'],
    ['B.example.com', 'B'],
    ['x.wild.example.com', 'W'],
  ])('is chosen by the server name %s', async (servername, expected) => {
    const authority = new TestAuthority()
    const issue = (name: string) => authority.issue(name, 'DNS:a.example.com,DNS:b.example.com,DNS:*.wild.example.com')
    const params =
      domainParams('server', 'w', issue('W'), `${OPEN} match_sip_domain=*.wild.example.com`) +
      domainParams('server', 'a', issue('A'), `${OPEN} match_sip_domain=a.example.com`) +
      domainParams('server', 'b', issue('B'), `${OPEN} match_sip_domain=b.example.com`)
    const proxy = await startTlsProxy({
      params: `${params}log_level=4`,
      routes: 'route { sl_send_reply(200, "$tls_my_subject_cn"); exit; }',
    })
    const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca, servername })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).reason).toBe(expected)
    await expect(StreamAgent.tls(proxy.tls, { ca: authority.ca, servername: 'other.example.com' })).rejects.toThrow()
    await until(() => proxy.proxy.host.network.connections.size === 1)
    expect(proxy.logged('no TLS server domain is for the name a client asks for')).toBe(1)
  })

  it('is chosen by the address it is for', async () => {
    const authority = new TestAuthority()
    const issued = (name: string) => authority.issue(name, 'IP:127.0.0.1')
    const params =
      domainParams('server', 'all', issued('everywhere'), OPEN) +
      domainParams('server', 'here', issued('here'), `${OPEN} match_ip_address=127.0.0.1:@TLS@`)
    const routes = 'route { sl_send_reply(200, "$tls_my_subject_cn"); exit; }'
    const proxy = await startTlsProxy({ params, routes })
    const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).reason).toBe('here')
  })

  it('requires a certificate that its authorities have signed, and says why it refuses one', async () => {
    const authority = new TestAuthority()
    const params = domainParams(
      'server',
      'sv',
      authority.issue('127.0.0.1', 'IP:127.0.0.1'),
      `ca_list=${authority.caFile}`,
    )
    const routes = `route {
      if (is_peer_verified()) sl_send_reply(200, "$tls_peer_subject_cn $tls_peer_san_hostname $tls_peer_serial");
      else sl_send_reply(403, "Who");
      exit; }`
    const proxy = await startTlsProxy({ params, routes })
    const { ca } = authority
    const good = authority.issue('alice', 'DNS:alice.example.com')
    const phone = await StreamAgent.tls(proxy.tls, { ca, cert: good.cert, key: good.key })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).reason).toBe('alice alice.example.com 1002')

    const expired = authority.issue('old', 'DNS:old.example.com', -1)
    const stranger = new TestAuthority().issue('mallory', 'DNS:m.example.com')
    for (const [shown, line] of [
      [undefined, 'requires a certificate and none was shown'],
      [expired, 'cannot verify the certificate: CERT_HAS_EXPIRED'],
      [stranger, 'cannot verify the certificate: UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ] as const) {
      // With TLS 1.3 the client believes in the connection until the server has judged it.
      const refused = await StreamAgent.tls(proxy.tls, { ca, cert: shown?.cert, key: shown?.key }).catch(() => null)
      await refused?.closed()
      await until(() => proxy.logged(line) === 1)
    }
    expect(proxy.proxy.host.stats.find('net:tcp_broken')?.read()).toBe(3)
    expect(proxy.proxy.host.network.connections.size).toBe(1)
  })

  it('refuses a certificate that was revoked', async () => {
    const authority = new TestAuthority()
    const [good, bad] = [authority.issue('good', 'DNS:a.example.com'), authority.issue('bad', 'DNS:b.example.com')]
    const own = authority.issue('127.0.0.1', 'IP:127.0.0.1')
    const params = domainParams('server', 'sv', own, `ca_list=${authority.caFile} crl_dir=${authority.revoke(bad)}`)
    const proxy = await startTlsProxy({ params, routes: ANSWER })
    const { ca } = authority
    const phone = await StreamAgent.tls(proxy.tls, { ca, cert: good.cert, key: good.key })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).reason).toBe('tls good 1')
    const refused = await StreamAgent.tls(proxy.tls, { ca, cert: bad.cert, key: bad.key }).catch(() => null)
    await refused?.closed()
    await until(() => proxy.logged('CERT_REVOKED') === 1)
  })

  it('gives up on a handshake that never finishes, and frees everything', async () => {
    const authority = new TestAuthority()
    const clock = new VirtualClock()
    const params = `${domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), OPEN)}
      modparam("proto_tls", "tls_handshake_timeout", 700)`
    const proxy = await startTlsProxy({ params, routes: ANSWER, clock })
    const { network, stats } = proxy.proxy.host
    const before = clock.pending
    const silent = connect(proxy.tls, '127.0.0.1').on('error', () => {})
    const ended = new Promise<void>(resolve => void silent.on('close', () => resolve()))
    await until(() => network.connections.size === 1)
    // The beginning of a ClientHello, and nothing more.
    silent.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    await clock.advance(699)
    expect(network.connections.size).toBe(1)
    await clock.advance(1)
    await ended
    await until(() => network.connections.size === 0)
    expect(stats.find('net:tcp_broken')?.read()).toBe(1)
    expect(clock.pending).toBe(before)
  })

  it.each([
    ['SIP', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n'],
    ['noise', '\x00\x01\x02 anything but a hello'],
  ])('closes on %s instead of a ClientHello, with a line that says so', async (_, text) => {
    const authority = new TestAuthority()
    const params = domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), OPEN)
    const proxy = await startTlsProxy({ params: `${params}log_level=4`, routes: ANSWER })
    const { network, stats } = proxy.proxy.host
    const socket = connect(proxy.tls, '127.0.0.1').on('error', () => {})
    socket.write(text)
    socket.resume()
    await new Promise<void>(resolve => void socket.on('close', () => resolve()))
    await until(() => network.connections.size === 0)
    expect(stats.find('net:tcp_broken')?.read()).toBe(1)
    expect(stats.find('rcv_requests')?.read()).toBe(0)
    expect(proxy.logged('handshake failed')).toBeGreaterThan(0)
  })

  it('is read anew by tls_reload, and kept when the new files are no good', async () => {
    const authority = new TestAuthority()
    const issued = authority.issue('first', 'IP:127.0.0.1')
    const proxy = await startTlsProxy({
      params: domainParams('server', 'sv', issued, OPEN),
      routes: 'route { sl_send_reply(200, "$tls_my_subject_cn"); exit; }',
    })
    const ask = async () => {
      const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca })
      phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
      return (await phone.nextReply(200)).reason
    }
    expect(await ask()).toBe('first')
    const second = authority.issue('second', 'IP:127.0.0.1')
    writeFileSync(issued.certFile, second.cert)
    await expect(proxy.proxy.host.mi.call('tls_reload', {})).rejects.toThrow('TLS server domain sv')
    expect(await ask()).toBe('first')
    writeFileSync(issued.keyFile, second.key)
    expect(await proxy.proxy.host.mi.call('tls_reload', {})).toBe('OK')
    expect(await ask()).toBe('second')
    expect(await proxy.proxy.host.mi.call('tls_list', {})).toMatchObject({
      Domains: [{ name: 'sv', Type: 'TLS_DOMAIN_SRV', VERIFY_CERT: 'no', CERT_FILE: issued.certFile }],
    })
  })

  it('is needed for a tls socket: the proxy says so instead of starting', async () => {
    await expect(startTlsProxy({ params: '', routes: ANSWER })).rejects.toThrow('no TLS server domain is for it')
    await expect(startTlsProxy({ params: domainParams('server', 'sv', null), routes: ANSWER })).rejects.toThrow(
      'TLS server domain sv: a server domain needs a certificate and a private_key',
    )
  })

  it.skipIf(!hasIpv6)('works on IPv6', async () => {
    const authority = new TestAuthority()
    const params = domainParams(
      'server',
      'sv',
      authority.issue('six', 'IP:::1'),
      `${OPEN} match_ip_address=[::1]:@TLS@`,
    )
    const proxy = await startTlsProxy({ params, routes: ANSWER, host: '[::1]' })
    const phone = await StreamAgent.tls(proxy.tls, { ca: authority.ca }, '::1')
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    expect((await phone.nextReply(200)).topVia?.received).toBe('::1')
  })

  it('hands replies back over the connection of the request, also to a client behind NAT', async () => {
    const authority = new TestAuthority()
    const params = domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), OPEN)
    const callee = await SipUa.open('bob')
    const proxy = await startTlsProxy({ params, routes: 'route { t_relay(); exit; }' })
    const [one, two] = await Promise.all([
      StreamAgent.tls(proxy.tls, { ca: authority.ca }),
      StreamAgent.tls(proxy.tls, { ca: authority.ca }),
    ])
    for (const phone of [one, two])
      phone.send(requestOver(phone, 'OPTIONS', callee.uri).replace(/127\.0\.0\.1:\d+;branch/, '10.0.0.9:5061;branch'))
    const requests = [await callee.nextRequest('OPTIONS'), await callee.nextRequest('OPTIONS')]
    for (const request of requests.toReversed()) callee.send(replyTo(request, 200, request.callId), proxy.udp)
    const [first, second] = [await one.nextReply(200), await two.nextReply(200)]
    expect(first.reason).toBe(first.callId)
    expect(second.reason).toBe(second.callId)
    expect(first.callId).not.toBe(second.callId)
  })
})
