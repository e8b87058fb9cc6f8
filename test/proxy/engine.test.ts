import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { chooseSocket } from '../../src/proxy/out-socket.ts'
import { asRequestUri } from '../../src/proxy/request-uri.ts'
import { ViaWriter } from '../../src/proxy/via.ts'
import type { ListenSocket, Proto } from '../../src/sip/net/endpoint.ts'
import { UdpPeer } from '../sip/net/peers.ts'
import { engineRig, parsed, request } from './rig.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const socket = (proto: Proto, address: string, port = 5060): ListenSocket => ({
  proto,
  address,
  port,
  advertisedHost: null,
  advertisedPort: null,
  tag: null,
  text: `${proto}:${address}:${port}`,
})
const hop = (proto: Proto, address: string) => ({ proto, address, port: 5060, connectionId: 0 })

describe('is_myself', () => {
  it('knows sockets, advertised addresses and aliases, with and without a port', async () => {
    const { engine, socket } = await engineRig({
      sockets: [{ proto: 'udp', host: '127.0.0.1', port: 0, advertisedHost: 'Sip.Example.com', advertisedPort: 5070 }],
      engine: { advertisedHost: 'all.example.com' },
    })
    engine.addAlias('[2001:DB8::1]', 5060)
    engine.addAlias('any.example.com', 0)
    engine.addAlias('Example.NET', 5060, true)
    const { port } = socket('udp')
    const claims: [string, number, boolean][] = [
      ['127.0.0.1', 0, true],
      ['127.0.0.1', port, true],
      ['127.0.0.1', port + 1, false],
      ['127.0.0.2', 0, false],
      ['sip.example.COM', 0, true],
      ['sip.example.com', 5070, true],
      ['sip.example.com', port, false],
      ['all.example.com', 5099, true],
      ['2001:db8:0::1', 5060, true],
      ['[2001:db8::1]', 0, true],
      ['2001:db8::1', 5061, false],
      ['any.example.com', 1234, true],
      ['sub.any.example.com', 0, false],
      ['example.net', 5060, true],
      ['a.b.example.net', 5060, true],
      ['a.b.example.net', 5061, false],
      ['badexample.net', 0, false],
      ['.example.net', 0, false],
      ['', 0, false],
    ]
    for (const [host, at, mine] of claims) expect(engine.isMyself(host, at), `${host}:${at}`).toBe(mine)
  })

  it('knows a socket that was opened later', async () => {
    const { engine, network } = await engineRig()
    expect(engine.isMyself('127.0.0.9')).toBe(false)
    await network.open([{ proto: 'udp', host: '127.0.0.9', port: 0 }])
    expect(engine.isMyself('127.0.0.9')).toBe(true)
  })
})

describe('findSocket', () => {
  it('finds a socket by its text, without protocol or port, by advertised host and by tag', async () => {
    const { engine, socket } = await engineRig({
      sockets: [{ proto: 'udp', host: '127.0.0.1', port: 0, advertisedHost: 'sip.example.com', tag: 'outside' }],
    })
    const found = socket('udp')
    for (const text of [found.text, `127.0.0.1:${found.port}`, `UDP:sip.example.com:${found.port}`, 'outside']) {
      expect(engine.findSocket(text), text).toBe(found)
    }
    for (const text of [`tcp:127.0.0.1:${found.port}`, '127.0.0.1', 'inside', '']) {
      expect(engine.findSocket(text), text).toBeUndefined()
    }
  })
})

describe('choice of the sending socket', () => {
  const first = socket('udp', '192.0.2.1')
  const second = socket('udp', '127.0.0.1')
  const stream = socket('tcp', '127.0.0.1')
  const six = socket('udp', '::1')
  const all = [first, second, socket('tcp', '192.0.2.1'), stream, six]

  it('falls on the preferred one where protocol and family fit', () => {
    expect(chooseSocket(all, hop('udp', '198.51.100.1'), second, false)).toBe(second)
  })

  it('falls on one with the same address for another protocol', () => {
    expect(chooseSocket(all, hop('tcp', '198.51.100.1'), second, false)).toBe(stream)
  })

  it('falls on the first that fits, or on none', () => {
    expect(chooseSocket(all, hop('udp', '198.51.100.1'), six, false)).toBe(first)
    expect(chooseSocket(all, hop('udp', '2001:db8::5'), first, false)).toBe(six)
    expect(chooseSocket(all, hop('tls', '198.51.100.1'), first, false)).toBeNull()
  })

  it('falls with mhomed on the one in the network of the next hop', () => {
    expect(chooseSocket(all, hop('udp', '127.5.5.5'), first, true)).toBe(second)
    expect(chooseSocket(all, hop('udp', '198.51.100.1'), first, true)).toBe(first)
  })
})

describe('Request-URI', () => {
  it.each([
    ['sip:bob@example.com', 'sip:bob@example.com'],
    ['sip:bob@example.com?Subject=hi', 'sip:bob@example.com'],
    ['sip:bob@example.com;method=INVITE', 'sip:bob@example.com'],
    ['sip:bob@example.com;a=1;METHOD=x;b?h=1', 'sip:bob@example.com;a=1;b'],
    ['sip:bob@example.com;methods=x', 'sip:bob@example.com;methods=x'],
    ['sip:b;method=x@example.com', 'sip:b;method=x@example.com'],
    ['urn:service:sos?method', 'urn:service:sos?method'],
  ])('%s is written as %s', (uri, written) => {
    expect(asRequestUri(uri)).toBe(written)
  })
})

describe('our Via', () => {
  it('shows protocol, address and port of the socket, IPv6 in brackets', () => {
    const via = new ViaWriter(null, null)
    expect(via.value(socket('tcp', '2001:db8::1'), 'z9hG4bKx')).toBe('SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKx')
  })
})

describe.skipIf(!hasIpv6)('IPv6 (needs ::1)', () => {
  it('forwards a request and brings its reply back', async () => {
    const { engine, socket } = await engineRig({ sockets: [{ proto: 'udp', host: '::1', port: 0 }] })
    const uac = await UdpPeer.open('::1')
    const uas = await UdpPeer.open('::1')
    engine.routes = { ...engine.routes, main: m => engine.forward(m, `[::1]:${uas.port}`) }
    await uac.send(request({ via: 'SIP/2.0/UDP [2001:db8::9]:5060;rport;branch=z9hG4bKa' }), socket('udp').port)
    const got = await uas.next()
    const { vias } = parsed(got)
    expect(vias[0]).toMatchObject({ host: '[::1]', port: socket('udp').port })
    expect(vias[1]).toMatchObject({ received: '::1', rport: uac.port })
    await uas.send(got.replace(/^OPTIONS.*\r\n/, 'SIP/2.0 200 OK\r\n'), socket('udp').port)
    expect(parsed(await uac.next()).status).toBe(200)
  })
})
