import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type DatagramPeer, udpPeer } from '../../conformance/datagram-peers.ts'
import { golden } from '../../mi/golden.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { type RawHttpPeer, rawHttpPeer } from './raw-http-peer.ts'
import { recordedScript } from './recorded-script.ts'

/*
 * The script `modes` of the recordings: struct parameters of XML-RPC, a flat file that rotates every three lines under a name
 * made of the time, and a subscription of three seconds. Time is the clock's, so that the recorded seconds come back.
 */

/** One second before the recorded rotation: 15:34:07 UTC. */
const START_MS = 1_795_188_847_000
const ROTATED = golden('modes/E_FLATSTORE_ROTATION.out').toString('utf8').split('\n')
/** The escape text of the script takes the place of the delimiter; the recorded proxy wrote a blank whatever was asked for. */
const LINE = '7;a|b,c\n'

let clock: VirtualClock
let proxy: ProxyUnderTest
let rotations: DatagramPeer
let expiring: DatagramPeer
let http: RawHttpPeer
const zone = process.env['TZ']

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  clock = new VirtualClock(START_MS)
  ;[rotations, expiring, http] = await Promise.all([udpPeer(), udpPeer(), rawHttpPeer()])
  const [miPort, httpPort] = [await freePort(), await freePort()]
  const script = recordedScript('modes/modes.cfg', [
    ['xmlrpc:127.0.0.1:9003', `xmlrpc:127.0.0.1:${http.port}`],
    ['udp:127.0.0.1:9001', rotations.socket],
    ['udp:127.0.0.1:9002', expiring.socket],
    ['udp:127.0.0.1:8077', `udp:127.0.0.1:${miPort}`],
    ['"port",8888', `"port",${httpPort}`],
  ])
  proxy = await startProxy(script, { clock })
})
afterEach(async () => {
  await proxy?.stop()
  await Promise.all([rotations.close(), expiring.close(), http.close()])
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

const bus = () => proxy.proxy.host.bus
const call = (method: string, params: unknown): Promise<unknown> => proxy.proxy.host.mi.call(method, params)
const listed = async (): Promise<{ socket: string; expire: unknown; ttl?: unknown }[]> => {
  const { Event } = (await call('subscribers_list', ['E_M'])) as {
    Event: { Subscribers: { socket: string; expire: unknown }[] }
  }
  return Event.Subscribers.map(({ socket, expire, ttl }: { socket: string; expire: unknown; ttl?: unknown }) =>
    ttl === undefined ? { socket, expire } : { socket, expire, ttl },
  )
}

/** Has the script raise E_M, and waits until every subscriber has it. */
async function raise(user = 'named'): Promise<void> {
  const ua = await SipUa.open('golden')
  ua.request('OPTIONS', proxy.port, { uri: `sip:${user}@127.0.0.1` })
  await ua.nextReply(200)
  await Promise.all(
    bus()
      .subscriptions()
      .map(subscription => subscription.whenIdle()),
  )
}

/** What was recorded under a folder of the recording machine. */
const here = (text: string): string => text.replaceAll('/var/spool/opensips/rn/', `${proxy.folder}/`)

describe('the flat file of the recorded modes', () => {
  it('rotates after three lines, under the names recorded, and tells so in the recorded bytes', async () => {
    await raise()
    await raise()
    await clock.advance(1_000)
    for (let i = 0; i < 4; i++) await raise()
    await rotations.arrived(2)
    expect(rotations.payloads.map(String)).toEqual(ROTATED.map(here))
    expect(readFileSync(join(proxy.folder, 'modes.log.153407'), 'utf8')).toBe(LINE.repeat(3))
    expect(readFileSync(join(proxy.folder, 'modes.log.153408'), 'utf8')).toBe(LINE.repeat(3))
  })
})

describe('the XML-RPC call of the recorded modes', () => {
  it.each([
    ['named', 'modes/xmlrpc_struct.out'],
    ['pos', 'modes/xmlrpc_struct_positional.out'],
  ])('of %s parameters is %s', async (user, file) => {
    await raise(user)
    await http.arrived(1)
    // The recorded value had lost its semicolon to the flat file's delimiter before it came here; the lengths are the same.
    const recorded = golden(file).toString('utf8').replace('a b,c', 'a;b,c')
    expect(http.requests).toEqual([recorded.replace(':9003', `:${http.port}`)])
  })
})

describe('a subscription of three seconds', () => {
  it('is listed first, with what is left of it, gets every event until it ends, and nothing afterwards', async () => {
    const flat = `flatstore:${proxy.folder}/modes.log`
    const forGood = [
      { socket: flat, expire: 'never' },
      { socket: `xmlrpc:127.0.0.1:${http.port}:on_event`, expire: 'never' },
    ]
    await clock.advance(500)
    expect(await listed()).toEqual([{ socket: expiring.socket, expire: 3, ttl: 3 }, ...forGood])
    for (let i = 0; i < 6; i++) await raise()
    await expiring.arrived(6)
    await clock.advance(2_500)
    expect(await listed()).toEqual(forGood)
    await raise()
    expect(expiring.payloads).toHaveLength(6)
  })

  it('is renewed by subscribing again, from that moment on', async () => {
    await clock.advance(3_000)
    await call('event_subscribe', ['E_M', expiring.socket, 2])
    await clock.advance(1_200)
    expect(await call('event_subscribe', ['E_M', expiring.socket, 2])).toBe('OK')
    await clock.advance(1_200)
    await raise()
    await expiring.arrived(1)
    expect((await listed()).filter(({ socket }) => socket === expiring.socket)).toHaveLength(1)
    await clock.advance(1_000)
    expect((await listed()).map(({ socket }) => socket)).not.toContain(expiring.socket)
  })

  it('ends at once when it is subscribed with expire 0: recorded, it lived on to the end of the second', async () => {
    expect(await call('event_subscribe', ['E_M', expiring.socket, 0])).toBe('OK')
    expect((await listed()).map(({ socket }) => socket)).not.toContain(expiring.socket)
    await raise()
    expect(expiring.payloads).toEqual([])
  })
})
