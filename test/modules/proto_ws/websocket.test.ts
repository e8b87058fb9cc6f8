import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { Stream, until } from '../../interop/scenarios/rig.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { replyTo, requestOver, StreamAgent } from '../../support/stream-agent.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const ANSWER = 'route { sl_send_reply(200, "$pr $si"); exit; }'
const MODULES = ['tm', 'sl', 'rr', 'signaling', 'sipmsgops', 'usrloc', 'registrar']
  .map(name => `loadmodule "${name}.so"\n`)
  .join('')

/** A proxy with UDP and WebSocket sockets on free ports. */
async function start(routes: string, more: { params?: string; host?: string; clock?: VirtualClock } = {}) {
  const { params = '', host = '127.0.0.1', clock } = more
  const [udp, ws, wss] = [await freePort(), await freePort(), await freePort()]
  const authority = new TestAuthority()
  const own = authority.issue('localhost', 'IP:127.0.0.1,IP:::1')
  const script = `socket=udp:${host}:${udp}\nsocket=ws:${host}:${ws}\nsocket=wss:${host}:${wss}\n${MODULES}
    loadmodule "tls_mgm.so"\nloadmodule "proto_ws.so"\nloadmodule "proto_wss.so"
    modparam("tls_mgm", "server_domain", "sv")\nmodparam("tls_mgm", "certificate", "[sv]${own.certFile}")
    modparam("tls_mgm", "private_key", "[sv]${own.keyFile}")\nmodparam("tls_mgm", "verify_cert", "[sv]0")
    modparam("tls_mgm", "require_cert", "[sv]0")\ntcp_connect_timeout=20000\n${params}\n${routes}`
  const started = await startProxy(script, { ownSockets: true, ...(clock === undefined ? {} : { clock }) })
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const { network, stats } = started.proxy.host
  return { ...started, udp, ws, wss, authority, network, stat: (name: string) => stats.find(name)?.read() }
}

describe('SIP over WebSocket (RFC 7118)', () => {
  it.each(['ws', 'wss'] as const)('%s: a request is answered over its connection, CRLFCRLF with CRLF', async proto => {
    const proxy = await start(ANSWER)
    const phone = await StreamAgent.ws(`${proto}://127.0.0.1:${proxy[proto]}/`, { ca: proxy.authority.ca })
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    const reply = await phone.nextReply(200)
    expect(reply.reason).toBe(`${proto} 127.0.0.1`)
    expect(reply.topVia?.received).toBe('127.0.0.1')
    phone.send('\r\n\r\n')
    await phone.pong()
    // Binary frames hold messages as well.
    phone.send(Buffer.from(requestOver(phone, 'OPTIONS', 'sip:example.com')))
    await phone.nextReply(200)
  })

  it.skipIf(!hasIpv6)('works on IPv6', async () => {
    const proxy = await start(ANSWER, { host: '[::1]' })
    for (const proto of ['ws', 'wss'] as const) {
      const phone = await StreamAgent.ws(`${proto}://[::1]:${proxy[proto]}/`, { ca: proxy.authority.ca })
      phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
      expect((await phone.nextReply(200)).reason).toBe(`${proto} ::1`)
    }
  })

  it('connects a browser with a phone on UDP: Via and Record-Route show both, the reply finds back', async () => {
    const proxy = await start('route { record_route(); t_relay(); exit; }')
    const callee = await SipUa.open('bob')
    const browser = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    browser.send(requestOver(browser, 'INVITE', callee.uri))
    const invite = await callee.nextRequest('INVITE')
    expect(invite.vias.map(via => via.transport)).toEqual(['UDP', 'WS'])
    expect(invite.recordRoutes.map(route => route.uri.replace(/;ftag=.*/, ''))).toEqual([
      `sip:127.0.0.1:${proxy.udp};r2=on;lr`,
      `sip:127.0.0.1:${proxy.ws};transport=ws;r2=on;lr`,
    ])
    callee.reply(invite, 180, 'Ringing')
    await browser.nextReply(180)
    callee.reply(invite, 200, 'OK')
    await browser.nextReply(200)
  })

  it('reaches a browser over the connection it has opened, by the source it came from', async () => {
    const proxy = await start(
      'route { if (is_method("REGISTER")) { sl_send_reply(200, "$sp"); exit; } t_relay(); exit; }',
    )
    const browser = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    browser.send(requestOver(browser, 'REGISTER', 'sip:example.com'))
    const { reason: sourcePort } = await browser.nextReply(200)
    const caller = await SipUa.open('carol')
    caller.request('MESSAGE', proxy.udp, { uri: `sip:alice@127.0.0.1:${sourcePort};transport=ws` })
    const message = await browser.next()
    expect(message.topVia).toMatchObject({ transport: 'WS', port: proxy.ws })
    browser.send(replyTo(message, 200, 'OK'))
    await caller.nextReply(200)
    expect(proxy.network.connections.size).toBe(1)
  })

  it('opens a connection to a WebSocket server, and uses it again', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'sip' })
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => void server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const peers: StreamAgent[] = []
    server.on('connection', webSocket => void peers.push(StreamAgent.overWebSocket(webSocket, 'WS', port)))
    const proxy = await start('route { t_relay(); exit; }')
    const caller = await SipUa.open('carol')
    for (const _ of [1, 2]) {
      caller.request('OPTIONS', proxy.udp, { uri: `sip:gw@127.0.0.1:${port};transport=ws` })
      await until(() => peers.length > 0)
      const request = await peers[0]!.next()
      expect(request.topVia?.transport).toBe('WS')
      peers[0]!.send(replyTo(request, 200, 'OK'))
      await caller.nextReply(200)
    }
    expect(peers).toHaveLength(1)
  })

  it.each([
    ['without the subprotocol "sip"', [], {}, '/', '400'],
    ['with another subprotocol', ['xmpp'], {}, '/', '400'],
    ['for another resource', ['sip'], {}, '/other', '404'],
    ['without an origin', ['sip'], { origin: undefined }, '/', '403'],
  ])('refuses a handshake %s', async (_, protocols, options, path, status) => {
    const proxy = await start(ANSWER)
    const opened = StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}${path}`, options as object, protocols)
    await expect(opened).rejects.toThrow(status)
    await until(() => proxy.network.connections.size === 0)
    expect(proxy.stat('net:tcp_broken')).toBe(1)
  })

  it('takes clients without an origin, and another resource, when told so', async () => {
    const params = 'modparam("proto_ws", "require_origin", "no")\nmodparam("proto_ws", "ws_resource", "/sip")\n'
    const proxy = await start(ANSWER, { params })
    const options = { origin: undefined } as unknown as object
    const phone = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/sip?x=1`, options)
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    await phone.nextReply(200)
  })

  it.each([
    ['an ordinary HTTP request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 426 /],
    ['SIP without a handshake', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1.1 400 /],
    ['noise', '\x00\x01\x02\r\n\r\n', /^HTTP\/1.1 400 /],
  ])('answers %s with an HTTP error and closes', async (_, text, answer) => {
    const proxy = await start(ANSWER)
    const stream = await Stream.open(proxy.ws)
    stream.write(text)
    await until(() => stream.isClosed)
    expect(stream.text).toMatch(answer)
    await until(() => proxy.network.connections.size === 0)
    expect(proxy.stat('net:tcp_broken')).toBe(1)
    expect(proxy.stat('rcv_requests')).toBe(0)
  })

  it('gives up on a handshake that never finishes, and frees everything', async () => {
    const clock = new VirtualClock()
    const proxy = await start(ANSWER, { clock })
    const before = clock.pending
    const stream = await Stream.open(proxy.ws)
    stream.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n')
    await until(() => [...proxy.network.connections.all()].some(one => one.receivedBytes > 0))
    await clock.advance(5000)
    await until(() => stream.isClosed && proxy.network.connections.size === 0)
    expect(clock.pending).toBe(before)
  })

  it('closes on a frame that is too large before it is stored, and counts it', async () => {
    const proxy = await start(ANSWER)
    const phone = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    phone.send(Buffer.alloc(300_000, 'x'))
    await phone.closed()
    await until(() => proxy.network.connections.size === 0)
    expect(proxy.stat('net:tcp_broken')).toBe(1)
  })

  it('closes on a message in fragments that does not become complete in time', async () => {
    const clock = new VirtualClock()
    const proxy = await start(ANSWER, { clock })
    const phone = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    await phone.nextReply(200)
    const [connection] = proxy.network.connections.all()
    const before = connection!.receivedBytes
    phone.sendFragment('OPTIONS sip:')
    await until(() => connection!.receivedBytes > before)
    await clock.advance(4000)
    await phone.closed()
    await until(() => proxy.network.connections.size === 0)
    expect(proxy.stat('net:tcp_broken')).toBe(1)
  })

  it('passes over a frame that holds no SIP', async () => {
    const proxy = await start(ANSWER)
    const phone = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    for (const noise of ['hello', '', '\r\n', Buffer.from([0, 255, 254])]) phone.send(noise)
    phone.send(requestOver(phone, 'OPTIONS', 'sip:example.com'))
    await phone.nextReply(200)
  })

  it('drops the reply to a browser that has gone: it takes no connections', async () => {
    const proxy = await start('route { t_relay(); exit; }')
    const callee = await SipUa.open('bob')
    const browser = await StreamAgent.ws(`ws://127.0.0.1:${proxy.ws}/`)
    browser.send(requestOver(browser, 'OPTIONS', callee.uri))
    const request = await callee.nextRequest('OPTIONS')
    browser.close()
    await until(() => proxy.network.connections.size === 0)
    callee.reply(request, 200, 'OK')
    await until(() => proxy.stat('rcv_replies') === 1)
    expect(proxy.network.connections.size).toBe(0)
  })
})
