import { describe, expect, it, onTestFinished } from 'vitest'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'
import { scriptCases } from './script-cases.ts'

const MODULES = 'loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "signaling.so"\nloadmodule "sipmsgops.so"\n'

async function proxyWith(route: string): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${MODULES}${route}`)
  onTestFinished(() => proxy.stop())
  return proxy
}

describe('is_myself', () => {
  scriptCases(
    [
      ['our address', '"127.0.0.1"', 1],
      ['an alias in any case', '"Example.COM"', 1],
      ['an alias for all ports with a port', '"example.com", 5090', 1],
      ['an alias with its port', '"other.org", 5070', 1],
      ['an alias with another port', '"other.org", 5071', -1],
      ['an alias with a port when no port is asked for', '"other.org"', 1],
      ['a name below an alias that accepts subdomains', '"a.b.wide.net"', 1],
      ['a name below any other alias', '"a.example.com"', -1],
      ['the advertised address', '"public.example.net"', 1],
      ['an IPv6 alias with brackets', '"[2001:DB8:0::1]"', 1],
      ['anything else', '"elsewhere.org"', -1],
    ].map(([what, args, expected]) => ({
      title: `${what} gives ${expected}`,
      script: `is_myself(${args}); $var(rc) = $rc;`,
      shows: '$var(rc)',
      expected: String(expected),
    })),
    'alias = "example.com"\nalias = other.org:5070\nalias = "wide.net" accept_subdomain\nalias = [2001:db8::1]\nadvertised_address = "public.example.net"',
  )
})

describe('forward', () => {
  it('sends to the destination given, with a Via of ours, and gives 1', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await proxyWith(`route { forward("127.0.0.1:${bob.port}"); xlog("rc=$rc\\n"); }`)
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', proxy.port)
    const request = await bob.nextRequest('OPTIONS')
    expect(request.vias.length).toBe(2)
    expect(proxy.log.join('')).toContain('rc=1')
  })

  it('sends to $du, and without it to the Request-URI', async () => {
    const [bob, carol, alice] = [await SipUa.open('bob'), await SipUa.open('carol'), await SipUa.open('alice')]
    const proxy = await proxyWith(`route { if ($hdr(X-Du)) { $du = "sip:127.0.0.1:${carol.port}"; } forward(); }`)
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    alice.request('OPTIONS', proxy.port, { uri: bob.uri, headers: 'X-Du: 1\r\n' })
    expect((await bob.nextRequest('OPTIONS')).requestUri).toBe(bob.uri)
    expect((await carol.nextRequest('OPTIONS')).requestUri).toBe(bob.uri)
  })

  it('gives −476 for what leads nowhere and −473 for what a blacklist forbids', async () => {
    const proxy = await startProxy(
      `${MODULES}dst_blacklist = closed : { (udp, 192.0.2.0/24, 0) }
       route { forward("255.255.255.255:5060"); $var(a) = $rc; use_blacklist("closed"); forward("192.0.2.7:5060");
         append_to_reply("X-Out: $var(a) $rc"); send_reply(200, "OK"); }`,
    )
    onTestFinished(() => proxy.stop())
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', proxy.port)
    expect(headerOf(await alice.nextReply(200), 'X-Out')).toBe('-476 -473')
  })
})

describe('send', () => {
  it('sends the message as it came, without a Via of ours, and with the headers given', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await proxyWith(`route { send("udp:127.0.0.1:${bob.port}", "X-Copy: yes\\r\\n"); }`)
    const alice = await SipUa.open('alice')
    const sent = alice.request('OPTIONS', proxy.port, { body: 'text' })
    const got = await bob.nextRequest('OPTIONS')
    expect(got.vias.length).toBe(1)
    expect(headerOf(got, 'X-Copy')).toBe('yes')
    expect(got.body.toString()).toBe('text')
    expect(headersOf(got, 'Via')).toEqual(headersOf(sent, 'Via'))
  })
})

describe('what a message is sent with', () => {
  it('force_rport() answers to the source port, and add_local_rport() asks the next hop for the same', async () => {
    const bob = await SipUa.open('bob')
    const alice = await SipUa.open('alice')
    const proxy = await proxyWith('route { force_rport(); add_local_rport(); forward(); }')
    const text = alice.makeRequest('OPTIONS', { uri: bob.uri }).replace(`127.0.0.1:${alice.port};`, '127.0.0.1:9;')
    alice.send(text, proxy.port)
    const request = await bob.nextRequest('OPTIONS')
    expect(headersOf(request, 'Via')[0]).toMatch(/;rport/)
    expect(request.vias[1]?.rport).toBe(alice.port)
    bob.reply(request, 200, 'OK')
    await alice.nextReply(200)
  })

  it('set_via_handling("reply-to-via") answers to the port in Via although rport was asked for', async () => {
    const [alice, other] = [await SipUa.open('alice'), await SipUa.open('other')]
    const proxy = await proxyWith('route { set_via_handling("reply-to-via"); send_reply(200, "OK"); }')
    const text = alice
      .makeRequest('OPTIONS')
      .replace(`127.0.0.1:${alice.port};branch`, `127.0.0.1:${other.port};rport;branch`)
    alice.send(text, proxy.port)
    await other.nextReply(200)
  })

  it('set_advertised_address() and set_advertised_port() are shown in our Via', async () => {
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const proxy = await proxyWith(
      'route { set_advertised_address("public.example.net"); set_advertised_port("5099"); forward(); }',
    )
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    expect(headersOf(await bob.nextRequest('OPTIONS'), 'Via')[0]).toContain(' public.example.net:5099;')
  })

  it('force_send_socket() takes our own sockets only, in quotes or not', async () => {
    const alice = await SipUa.open('alice')
    const proxy = await proxyWith(
      'route { force_send_socket("udp:127.0.0.1:1"); $var(a) = $rc; force_send_socket(udp:127.0.0.1:@PORT@); ' +
        '$var(b) = $rc; append_to_reply("X-Out: $var(a) $var(b) $socket_out"); send_reply(200, "OK"); }',
    )
    alice.request('OPTIONS', proxy.port)
    expect(headerOf(await alice.nextReply(200), 'X-Out')).toBe(`-1 1 udp:127.0.0.1:${proxy.port}`)
  })

  it('append_body_to_reply() gives the reply a body', async () => {
    const alice = await SipUa.open('alice')
    const proxy = await proxyWith(
      'route { append_to_reply("Content-Type: text/plain"); append_body_to_reply("one "); append_body_to_reply("two"); send_reply(200, "OK"); }',
    )
    alice.request('OPTIONS', proxy.port)
    const reply = await alice.nextReply(200)
    expect(reply.body.toString()).toBe('one two')
    expect(reply.contentLength).toBe(7)
  })
})

describe('stream connections', () => {
  it('force_tcp_alias() sends later requests for the port in Via over the connection they came on', async () => {
    const [bob, alice] = [await SipUa.open('bob', 'tcp'), await SipUa.open('alice')]
    const proxy = await proxyWith(
      `route { if ($rU == "alias") { force_tcp_alias(); send_reply(200, "OK"); exit; } forward("tcp:127.0.0.1:${bob.port}"); }`,
    )
    bob.request('OPTIONS', proxy.port, { uri: 'sip:alias@127.0.0.1' })
    await bob.nextReply(200)
    alice.request('OPTIONS', proxy.port)
    await bob.nextRequest('OPTIONS')
    expect([...proxy.proxy.host.network.connections.all()].length).toBe(1)
  })

  it('tcp_close_conn() closes the connection to a peer and gives −1 where there is none', async () => {
    const bob = await SipUa.open('bob', 'tcp')
    const alice = await SipUa.open('alice')
    const proxy = await proxyWith(
      'route { if ($rU == "keep") { send_reply(200, "OK"); exit; } tcp_close_conn("$hdr(X-Peer)"); ' +
        '$var(rc) = $rc; append_to_reply("X-Out: $var(rc)"); send_reply(200, "OK"); }',
    )
    bob.request('OPTIONS', proxy.port, { uri: 'sip:keep@127.0.0.1' })
    await bob.nextReply(200)
    const peer = [...proxy.proxy.host.network.connections.all()].map(c => `127.0.0.1:${c.remotePort}`)[0]
    alice.request('OPTIONS', proxy.port, { headers: `X-Peer: ${peer}\r\n` })
    expect(headerOf(await alice.nextReply(200), 'X-Out')).toBe('1')
    alice.request('OPTIONS', proxy.port, { headers: 'X-Peer: 127.0.0.1:9\r\n' })
    expect(headerOf(await alice.nextReply(200), 'X-Out')).toBe('-1')
  })
})
