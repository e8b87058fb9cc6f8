import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { headerOf, SipUa } from '../support/sip-ua.ts'
import { FanfareProcess, fanfare } from './fanfare-process.ts'
import { PLAIN, scriptFile, WITH_HTTP } from './scripts.ts'

function run(argv: readonly string[]): FanfareProcess {
  const running = new FanfareProcess(argv)
  onTestFinished(() => running.end())
  return running
}

it('serves the sockets of the file and ends with status 0 on SIGTERM', async () => {
  const proxy = run(['run', scriptFile(PLAIN)])
  const port = await proxy.serves()
  const ua = await SipUa.open('alice')
  ua.send(ua.makeRequest('OPTIONS'), port)
  expect((await ua.nextReply(404)).reason).toBe('Not Here')
  proxy.signal('SIGTERM')
  expect(await proxy.ended).toEqual({ status: 0, signal: null })
})

it('-l listens there instead of on the sockets of the file, and may be given several times', async () => {
  const file = scriptFile(PLAIN.replace('127.0.0.1:0', '192.0.2.1:5060'))
  const proxy = run(['run', file, '-l', 'udp:127.0.0.1:0', '-l', 'tcp:127.0.0.1:0'])
  await proxy.serves()
  expect(proxy.err).toMatch(/sockets="udp:127\.0\.0\.1:\d+, tcp:127\.0\.0\.1:\d+"/)
  proxy.signal('SIGINT')
  expect(await proxy.ended).toEqual({ status: 0, signal: null })
})

it('a management command ends it as SIGTERM does', async () => {
  const proxy = run(['run', scriptFile(PLAIN + WITH_HTTP)])
  const url = await proxy.managementUrl()
  await proxy.serves()
  expect(await fanfare(['mi', 'kill', '--url', url])).toMatchObject({ status: 0 })
  expect(await proxy.ended).toEqual({ status: 0, signal: null })
})

it('a management address off loopback without a password is warned of once, in the log', async () => {
  const proxy = run(['run', scriptFile(`${PLAIN}${WITH_HTTP}modparam("httpd", "ip", "0.0.0.0")\n`)])
  await proxy.serves()
  expect(proxy.err.match(/without asking for a password/g)).toHaveLength(1)
  expect(proxy.err).toMatch(/WARNING:httpd: httpd offers every management command on 0\.0\.0\.0/)
})

/** A script whose subscriber is an HTTP server that takes requests and never answers. */
async function stuckSubscriber(): Promise<string> {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `${PLAIN.slice(0, PLAIN.indexOf('route'))}
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "event_xmlrpc.so"
startup_route {
  subscribe_event("E_STUCK", "xmlrpc:127.0.0.1:${port}:take");
  raise_event("E_STUCK");
}
route {
  if (has_totag()) {
    loose_route();
    t_relay();
    exit;
  }
  record_route();
  $du = "sip:127.0.0.1:" + $hdr(X-Port);
  t_relay();
}
`
}

it('a second signal ends at once a stop that waits for a receiver that hangs', async () => {
  const proxy = run(['run', scriptFile(await stuckSubscriber())])
  await proxy.serves()
  proxy.signal('SIGTERM')
  // The first is being worked on as soon as new requests are refused.
  const ua = await SipUa.open('alice')
  await untilRefused(ua, Number(/udp:127\.0\.0\.1:(\d+)/.exec(proxy.err)?.[1]))
  expect(proxy.hasEnded).toBe(false)
  proxy.signal('SIGTERM')
  expect(await proxy.ended).toEqual({ status: 1, signal: null })
})

/** Sends requests until one is answered with 503. */
async function untilRefused(ua: SipUa, port: number): Promise<void> {
  while (ua.count({ status: 503 }) === 0) {
    const before = ua.received.length
    ua.send(ua.makeRequest('OPTIONS', { headers: `X-Port: ${ua.port}\r\n` }), port)
    for (let ms = 0; ua.received.length === before && ms < 1000; ms += 20)
      await new Promise(resolve => setTimeout(resolve, 20))
  }
}

it('while draining, new calls get 503 and what belongs to running ones passes', async () => {
  const proxy = run(['run', scriptFile(await stuckSubscriber())])
  const port = await proxy.serves()
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const call = { callId: 'running', fromTag: 'a' }
  alice.send(alice.makeRequest('INVITE', { ...call, headers: `X-Port: ${bob.port}\r\n` }), port)
  bob.reply(await bob.nextRequest('INVITE'), 200, 'OK', { toTag: 'b' })
  const answer = await alice.nextReply(200)

  proxy.signal('SIGTERM')
  const other = await SipUa.open('carol')
  await untilRefused(other, port)
  other.send(other.makeRequest('INVITE', { branch: 'z9hG4bKnew', callId: 'new' }), port)
  const refusal = await other.nextReply(503, 'INVITE')
  expect(refusal.reason).toBe('Shutting Down')

  const route = `Route: ${headerOf(answer, 'Record-Route')}\r\n`
  alice.send(alice.makeRequest('BYE', { ...call, toTag: 'b', cseq: 2, uri: bob.uri, headers: route }), port)
  bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
  expect((await alice.nextReply(200, 'BYE')).status).toBe(200)
  expect(proxy.hasEnded).toBe(false)
})

it('a call that is being set up when SIGTERM comes gets its answer', async () => {
  const script = (await stuckSubscriber()).replace(/startup_route \{[^}]*\}/, '')
  const proxy = run(['run', scriptFile(script)])
  const port = await proxy.serves()
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  alice.send(alice.makeRequest('INVITE', { headers: `X-Port: ${bob.port}\r\n` }), port)
  const invite = await bob.nextRequest('INVITE')
  bob.reply(invite, 180, 'Ringing', { toTag: 'b' })
  await alice.nextReply(180)
  proxy.signal('SIGTERM')
  await untilRefused(await SipUa.open('carol'), port)
  bob.reply(invite, 200, 'OK', { toTag: 'b' })
  await alice.nextReply(200)
  expect(await proxy.ended).toEqual({ status: 0, signal: null })
})

it('a proxy goes on when nobody reads its log any more', async () => {
  const proxy = run(['run', scriptFile(PLAIN.replace('route {', 'route { xlog("still here\\n");'))])
  const port = await proxy.serves()
  proxy.stopListening()
  const ua = await SipUa.open('alice')
  for (let i = 0; i < 3; i++) {
    ua.send(ua.makeRequest('OPTIONS'), port)
    await ua.nextReply(404)
  }
  proxy.signal('SIGTERM')
  expect(await proxy.exited).toEqual({ status: 0, signal: null })
})

it('a port in use is said, and nothing is left running', async () => {
  const taken = createSocket('udp4').bind(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address()
  const { status, err } = await fanfare(['run', scriptFile(PLAIN), '-l', `udp:127.0.0.1:${port}`])
  expect(status).toBe(1)
  expect(err).toMatch(new RegExp(`udp:127\\.0\\.0\\.1:${port}.*(in use|EADDRINUSE)`))
  expect(err).not.toMatch(/^\s+at /m)
})

it('a file that is not there is said', async () => {
  const { status, err } = await fanfare(['run', '/nowhere/x.cfg'])
  expect(status).toBe(1)
  expect(err).toMatch(/\/nowhere\/x\.cfg/)
})

it('a configuration with errors is not run: all of them are printed', async () => {
  const { status, err } = await fanfare(['run', scriptFile('route { frob(); nix(); }\n')])
  expect(status).toBe(1)
  expect(err.match(/: error: /g)).toHaveLength(2)
})

it('a malformed -l is said', async () => {
  const { status, err } = await fanfare(['run', scriptFile(PLAIN), '-l', 'udp:127.0.0.1:x'])
  expect(status).toBe(1)
  expect(err).toMatch(/^-l udp:127\.0\.0\.1:x: .*expected proto:address:port/m)
})

it('a module that cannot start is said, and what had been opened before it is closed', async () => {
  const taken = createTcpServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  const file = scriptFile(`${PLAIN}loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@DIR@/fifo")
loadmodule "httpd.so"
modparam("httpd", "port", ${port})
`)
  const { status, err } = await fanfare(['run', file])
  expect(status).toBe(1)
  expect(err).toMatch(new RegExp(`module httpd cannot start: httpd cannot listen on 127\\.0\\.0\\.1 port ${port}`))
  expect(existsSync(join(dirname(file), 'fifo'))).toBe(false)
})

it('a FIFO that is a directory keeps mi_fifo from starting', async () => {
  const file = scriptFile(`${PLAIN}loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", "@DIR@/fifo")\n`)
  mkdirSync(join(dirname(file), 'fifo'))
  expect(await fanfare(['run', file])).toMatchObject({
    status: 1,
    err: expect.stringMatching(/module mi_fifo cannot start: .*fifo/),
  })
})

it('a startup_route that fails keeps the proxy from starting', async () => {
  const file = scriptFile(`${PLAIN}startup_route { return(-1); }\n`)
  expect(await fanfare(['run', file])).toMatchObject({
    status: 1,
    err: expect.stringContaining('startup_route failed'),
  })
})
