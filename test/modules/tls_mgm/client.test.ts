import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { until } from '../../interop/scenarios/rig.ts'
import { TcpServer } from '../../sip/net/peers.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { replyTo, TlsServer } from '../../support/stream-agent.ts'
import { domainParams, startTlsProxy } from './tls-rig.ts'

/** Every name is 127.0.0.1, and nothing offers services. */
const LOOPBACK: DnsClient = {
  addresses: (_, family) =>
    family === 4 ? Promise.resolve([{ address: '127.0.0.1', ttlS: 60 }]) : Promise.reject(new Error('none')),
  srv: () => Promise.reject(new Error('none')),
  naptr: () => Promise.reject(new Error('none')),
}
const RELAY =
  'disable_dns_blacklist=yes route { t_on_failure("f"); if (!t_relay()) sl_reply_error(); exit; } failure_route[f] { xlog("failed with $T_reply_code\\n"); }'

function setUp() {
  const authority = new TestAuthority()
  const own = domainParams('server', 'sv', authority.issue('127.0.0.1', 'IP:127.0.0.1'), 'verify_cert=0 require_cert=0')
  return { authority, own }
}

describe('a TLS client domain', () => {
  it('opens one connection to a server that proves its name, asks it by that name, and uses it again', async () => {
    const { authority, own } = setUp()
    const params = own + domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)
    const proxy = await startTlsProxy({ params, routes: RELAY, dns: LOOPBACK })
    const gateway = await TlsServer.open(authority.issue('gw.example.com', 'DNS:gw.example.com'))
    const caller = await SipUa.open('alice')
    for (const scheme of ['sip', 'sips']) {
      const uri = `${scheme}:bob@gw.example.com:${gateway.port}${scheme === 'sip' ? ';transport=tls' : ''}`
      caller.request('OPTIONS', proxy.udp, { uri })
    }
    const peer = await gateway.accepted()
    for (const _ of ['sip', 'sips']) {
      const request = await peer.next()
      expect(request.topVia).toMatchObject({ transport: 'TLS', host: '127.0.0.1', port: proxy.tls })
      peer.send(replyTo(request, 200, 'OK'))
      await caller.nextReply(200)
    }
    expect(gateway.connections).toBe(1)
    expect(gateway.serverNames).toEqual(['gw.example.com'])
  })

  it.each([
    [
      'is for another name',
      ['other.example.com', 'DNS:other.example.com'],
      20,
      "does not match certificate's altnames",
    ],
    ['has expired', ['gw.example.com', 'DNS:gw.example.com'], -1, 'certificate has expired'],
  ] as const)('refuses a server whose certificate %s, counts it as 503 and says why', async (_, names, days, line) => {
    const { authority, own } = setUp()
    const params = own + domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)
    const proxy = await startTlsProxy({ params, routes: RELAY, dns: LOOPBACK })
    const gateway = await TlsServer.open(authority.issue(names[0], names[1], days))
    const caller = await SipUa.open('alice')
    caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@gw.example.com:${gateway.port};transport=tls` })
    expect((await caller.nextReply(503)).status).toBe(503)
    expect(proxy.logged(line)).toBe(1)
    expect(proxy.logged('failed with 503')).toBe(1)
    await until(() => proxy.proxy.host.network.connections.size === 0)
  })

  it('takes a server of an unknown authority only with verify_cert=0, and another name only with verify_hostname=0', async () => {
    const { authority, own } = setUp()
    const params =
      own +
      domainParams('client', 'lax', null, `verify_cert=0 match_sip_domain=lax.example.com`) +
      domainParams(
        'client',
        'any',
        null,
        `ca_list=${authority.caFile} verify_hostname=0 match_sip_domain=any.example.com`,
      )
    const proxy = await startTlsProxy({ params, routes: RELAY, dns: LOOPBACK })
    const [stranger, other] = [
      await TlsServer.open(new TestAuthority().issue('x', 'DNS:x.example.com')),
      await TlsServer.open(authority.issue('y', 'DNS:y.example.com')),
    ]
    const caller = await SipUa.open('alice')
    for (const [name, server] of [
      ['lax.example.com', stranger],
      ['any.example.com', other],
    ] as const) {
      caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@${name}:${server.port};transport=tls` })
      const peer = await server.accepted()
      peer.send(replyTo(await peer.next(), 200, 'OK'))
      await caller.nextReply(200)
    }
    caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@none.example.com:${other.port};transport=tls` })
    await until(() => caller.received.some(message => message.status >= 400))
    expect(proxy.logged('no TLS client domain matches this destination')).toBe(1)
  })

  it('opens a connection of its own for another name of the same server, unless the certificate is for both', async () => {
    const { authority, own } = setUp()
    const params = own + domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)
    const proxy = await startTlsProxy({ params, routes: RELAY, dns: LOOPBACK })
    const both = authority.issue('a', 'DNS:a.example.com,DNS:b.example.com')
    const gateway = await TlsServer.open(both)
    const caller = await SipUa.open('alice')
    const call = (name: string) =>
      caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@${name}:${gateway.port};transport=tls` })
    call('a.example.com')
    const peer = await gateway.accepted()
    peer.send(replyTo(await peer.next(), 200, 'OK'))
    await caller.nextReply(200)
    call('b.example.com')
    peer.send(replyTo(await peer.next(), 200, 'OK'))
    await caller.nextReply(200)
    expect(gateway.connections).toBe(1)
    call('c.example.com')
    await caller.nextReply(503)
    expect(proxy.logged('altnames')).toBe(1)
  })

  it('is named by an AVP, which also gives the certificate to show', async () => {
    const { authority, own } = setUp()
    const params =
      own +
      domainParams('client', 'plain', null, `ca_list=${authority.caFile}`) +
      domainParams(
        'client',
        'mine',
        authority.issue('proxy', 'DNS:proxy.example.com'),
        `ca_list=${authority.caFile} match_sip_domain=never`,
      ) +
      'modparam("tls_mgm", "client_tls_domain_avp", "tls_dom")\n'
    const routes = 'route { $avp(tls_dom) = "mine"; t_relay(); exit; }'
    const proxy = await startTlsProxy({ params, routes, dns: LOOPBACK })
    const gateway = await TlsServer.open({
      ...authority.issue('gw.example.com', 'DNS:gw.example.com'),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const caller = await SipUa.open('alice')
    caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@gw.example.com:${gateway.port};transport=tls` })
    const peer = await gateway.accepted()
    peer.send(replyTo(await peer.next(), 200, 'OK'))
    await caller.nextReply(200)
  })

  it('gives up on a server that never answers the handshake', async () => {
    const { authority, own } = setUp()
    const clock = new VirtualClock()
    const params = own + domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)
    const proxy = await startTlsProxy({ params, routes: RELAY, dns: LOOPBACK, clock })
    const silent = await TcpServer.open()
    const caller = await SipUa.open('alice')
    caller.request('OPTIONS', proxy.udp, { uri: `sips:bob@gw.example.com:${silent.port}` })
    await (await silent.accepted()).until('\x16')
    await clock.advance(5000)
    await caller.nextReply(503)
    await until(() => proxy.proxy.host.network.connections.size === 0)
  })

  it('is not asked for a sips URI that leads over UDP: nothing is sent (RFC 3261 §26.2.2)', async () => {
    const { authority, own } = setUp()
    const params = own + domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)
    const callee = await SipUa.open('bob')
    const routes = `route { $du = "sip:127.0.0.1:${callee.port}"; if (!t_relay()) sl_reply_error(); exit; }`
    const proxy = await startTlsProxy({ params, routes, dns: LOOPBACK })
    const caller = await SipUa.open('alice')
    caller.request('OPTIONS', proxy.udp, { uri: 'sips:bob@example.com' })
    await until(() => caller.received.some(message => message.status >= 400))
    expect(callee.received).toEqual([])
  })
})

it('domains come from a table of a database, with PEM text in its columns, and change with tls_reload', async () => {
  const { authority, own } = setUp()
  const gatewayFiles = authority.issue('gw.example.com', 'DNS:gw.example.com')
  const folder = authority.folder
  const text = (pem: string) => pem.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(':', '\\:')
  const row = (name: string, ca: string) => `1:${name}:*:gw.example.com:1:SSLv23:1:0:1::${''}:0::${text(ca)}:::`
  writeFileSync(join(folder, 'version'), 'table_name(str) table_version(int)\ntls_mgm:3\n')
  const header =
    'id(int,auto) domain(str) match_ip_address(str,null) match_sip_domain(str,null) type(int) method(str,null) verify_cert(int) ' +
    'require_cert(int) verify_hostname(int) certificate(str,null) private_key(str,null) crl_check_all(int) crl_dir(str,null) ca_list(str,null) ' +
    'ca_dir(str,null) cipher_list(str,null) ec_curve(str,null)'
  const write = (...rows: string[]) => writeFileSync(join(folder, 'tls_mgm'), `${header}\n${rows.join('\n')}\n`)
  write(row('dbdom', new TestAuthority().ca))
  const proxy = await startTlsProxy({
    modules: ['db_text'],
    params: `${own}modparam("db_text", "db_mode", 1)\nmodparam("tls_mgm", "db_url", "text://${folder}")\n`,
    routes: RELAY,
    dns: LOOPBACK,
  })
  const gateway = await TlsServer.open(gatewayFiles)
  const caller = await SipUa.open('alice')
  const call = () =>
    caller.request('OPTIONS', proxy.udp, { uri: `sip:bob@gw.example.com:${gateway.port};transport=tls` })
  call()
  await caller.nextReply(503)
  write(row('dbdom', authority.ca))
  expect(await proxy.proxy.host.mi.call('tls_reload', {})).toBe('OK')
  call()
  // With TLS 1.3 the server may have believed in the first connection until the proxy had judged its certificate.
  let peer = await gateway.accepted()
  const first = await peer.next().catch(() => null)
  if (first === null) peer = await gateway.accepted()
  peer.send(replyTo(first ?? (await peer.next()), 200, 'OK'))
  await caller.nextReply(200)
  expect(await proxy.proxy.host.mi.call('tls_list', {})).toMatchObject({
    Domains: [{ name: 'sv' }, { name: 'dbdom', Type: 'TLS_DOMAIN_CLI', CA_FILE: '(database)' }],
  })
})

it('event transports may name a client domain, too', async () => {
  const { authority, own } = setUp()
  const params = `${own}${domainParams('client', 'cl', null, `ca_list=${authority.caFile}`)}
    modparam("event_rabbitmq", "use_tls", 1)\n`
  const proxy = await startTlsProxy({ modules: ['event_rabbitmq'], params, routes: RELAY })
  const subscribe = (domain: string) =>
    proxy.proxy.host.mi.call('event_subscribe', {
      event: 'E_CORE_LOG',
      socket: `rabbitmq:127.0.0.1:1/tls_domain=${domain}?key`,
      expire: 60,
    })
  expect(await subscribe('cl')).toBe('OK')
  await expect(subscribe('nobody')).rejects.toMatchObject({
    data: expect.stringContaining('no TLS client domain "nobody"'),
  })
})
