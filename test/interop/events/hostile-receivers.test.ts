import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type EventRig, eventRig } from './event-rig.ts'

/*
 * Peers that harm whoever connects to them, and every transport that connects, all at once in one proxy: each request is
 * answered, and of each event is known where it is.
 */

const SOCKETS = [
  'rabbitmq:127.0.0.1:@PORT@/q',
  'kafka:127.0.0.1:@PORT@/topic',
  'nats:127.0.0.1:@PORT@/subject',
  'nats:127.0.0.1:@PORT@/stored?jetstream',
  'bullmq:127.0.0.1:@PORT@/q',
  'http://127.0.0.1:@PORT@/hook',
  'xmlrpc:127.0.0.1:@PORT@:m',
  'tcp:127.0.0.1:@PORT@',
  'jsonrpc:127.0.0.1:@PORT@',
] as const

const HEAD = `
log_level=1
loadmodule "sl.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_kafka.so"
loadmodule "event_nats.so"
loadmodule "event_bullmq.so"
loadmodule "event_http.so"
loadmodule "event_xmlrpc.so"
loadmodule "event_stream.so"
loadmodule "event_jsonrpc.so"
modparam("event_stream", "reliable_mode", 1)
`
const BOUND = 'event_max_queued=20\nevent_max_age=60'
const EVENTS = 40
const FLOOD_BYTES = 4 * 2 ** 20

async function proxyOn(port: number): Promise<EventRig> {
  const subscribed = SOCKETS.map(socket => `subscribe_event("E_V", "${socket.replace('@PORT@', String(port))}");`)
  const route = 'route { $avp(v) = $rU; raise_event("E_V", , $avp(v)); sl_send_reply(200, "OK"); }'
  return eventRig(`startup_route { ${subscribed.join('\n')} }\n${route}`, { head: HEAD, settings: BOUND })
}

/** Every subscription has had so many events, and knows what became of each. */
function expectBalance(rig: EventRig, raised: number): void {
  const subscriptions = rig.proxy.proxy.host.bus.subscriptions('E_V')
  expect(subscriptions).toHaveLength(SOCKETS.length)
  for (const { socket, counters } of subscriptions) {
    const { delivered, failed, queued, inFlight, dropped } = counters
    const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0)
    expect([socket, delivered + failed + queued + inFlight + gone]).toEqual([socket, raised])
    expect(queued).toBeLessThanOrEqual(20)
  }
}

async function raiseAll(rig: EventRig): Promise<void> {
  for (let n = 1; n <= EVENTS; n++) {
    expect(await rig.request(String(n))).toBe(200)
    expectBalance(rig, n)
  }
}

/** Does the same to every connection; gives its port, and a promise that so many have come. */
async function peerThat(
  harm: (socket: Socket) => void,
): Promise<{ port: number; connections(count: number): Promise<void> }> {
  let seen = 0
  const server = createServer({ pauseOnConnect: true }, socket => {
    seen++
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    harm(socket)
    server.emit('seen')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const connections = async (count: number): Promise<void> => {
    while (seen < count) await once(server, 'seen')
  }
  return { port: (server.address() as AddressInfo).port, connections }
}

/** Writes as fast as it is read, up to a bound that no client should need. */
function flood(socket: Socket, chunk: Buffer): void {
  let left = FLOOD_BYTES
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on('drain', more)
  more()
}

describe('beside receivers that', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['accept and never read', () => {}],
    ['read and never answer', socket => void socket.resume()],
    ['reset every connection', socket => void socket.resetAndDestroy()],
    ['reset at the first byte', socket => void socket.on('data', () => socket.resetAndDestroy()).resume()],
    ['close every connection', socket => void socket.resume().end()],
    ['talk nonsense', socket => void socket.resume().end('\0\x01\x02\xff{"}]<a>\r\n\r\n')],
    ['answer in another protocol', socket => void socket.on('data', () => socket.write('220 mail ESMTP\r\n')).resume()],
    ['answer zeros without end', socket => flood(socket.resume(), Buffer.alloc(65_536))],
    ['answer lines without end', socket => flood(socket.resume(), Buffer.from('{"a":"<b>"}\r\n'.repeat(5000)))],
    ['answer one line without end', socket => flood(socket.resume(), Buffer.alloc(65_536, '{"x'))],
  ])('%s, requests are answered and every event is accounted for', async (_, harm) => {
    const peer = await peerThat(harm)
    const rig = await proxyOn(peer.port)
    await peer.connections(SOCKETS.length - 1)
    await raiseAll(rig)
    for (const { socket, counters } of rig.proxy.proxy.host.bus.subscriptions('E_V'))
      if (!socket.startsWith('jsonrpc:') && !socket.startsWith('tcp:')) expect(counters.delivered).toBe(0)
  })

  it('are a black hole, requests are answered and every event is accounted for', async () => {
    const rig = await proxyOn(await blackHole())
    await raiseAll(rig)
    for (const { counters } of rig.proxy.proxy.host.bus.subscriptions('E_V')) expect(counters.delivered).toBe(0)
  })
})

/** A port whose queue of connections is full and never emptied: what is sent to it is lost without a word. */
async function blackHole(): Promise<number> {
  const program = `require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const port = Number(String(line))
  for (let n = 0; n < 4; n++) {
    const filler = connect(port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void filler.destroy())
    // Beyond the first two nobody is let in: those wait as long as the test.
    if (n < 2) await once(filler, 'connect')
  }
  return port
}
