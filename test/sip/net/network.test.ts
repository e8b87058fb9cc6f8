import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bracketed } from '../../../src/sip/net/address.ts'
import type { Hop, Origin } from '../../../src/sip/net/endpoint.ts'
import { type ClosedConnection, Network, type NetworkOptions } from '../../../src/sip/net/network.ts'
import type { SocketDefinition } from '../../../src/sip/net/socket-definition.ts'
import type { StreamFault } from '../../../src/sip/net/stream-framer.ts'
import { StatisticsRegistry } from '../../../src/stats/stats.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { recordingLog, TcpPeer, TcpServer, UdpPeer } from './peers.ts'

const OPTIONS = 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n'
const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

interface Arrival {
  readonly text: string
  readonly origin: Origin
}

/** A network with its sockets open, and what arrives at it. */
async function open(definitions: readonly SocketDefinition[], options: Partial<NetworkOptions> = {}) {
  const clock = new VirtualClock()
  const stats = new StatisticsRegistry()
  const network = new Network({ clock, log: recordingLog(), stats, options: { connectTimeoutMs: 60_000, ...options } })
  const arrivals: Arrival[] = []
  const broken: { head: string; fault: StreamFault; origin: Origin }[] = []
  const closed: ClosedConnection[] = []
  let changed: (() => void)[] = []
  const wake = () => {
    for (const resolve of changed.splice(0)) resolve()
  }
  const when = async (claim: () => boolean) => {
    while (!claim()) await new Promise<void>(resolve => changed.push(resolve))
  }
  network.attach({
    receive: (bytes, origin) => {
      arrivals.push({ text: bytes.toString('latin1'), origin })
      wake()
    },
    receiveBroken: (head, fault, origin) => {
      broken.push({ head: head.toString('latin1'), fault, origin })
      wake()
    },
  })
  network.onDisconnect(connection => {
    closed.push(connection)
    wake()
  })
  onTestFinished(async () => {
    await network.close()
    changed = []
  })
  await network.open(definitions)
  const [socket] = network.sockets
  if (socket === undefined) throw new Error('no socket')
  return { network, clock, stats, socket, arrivals, broken, closed, when }
}
const udp = { proto: 'udp', host: '127.0.0.1', port: 0 } as const
const tcp = { proto: 'tcp', host: '127.0.0.1', port: 0 } as const
const to = (proto: 'udp' | 'tcp', port: number, connectionId = 0): Hop => ({
  proto,
  address: '127.0.0.1',
  port,
  connectionId,
})

describe('sockets', () => {
  it('carry the address and the port they really have', async () => {
    const { socket } = await open([{ ...udp, advertisedHost: 'sip.example.com', tag: 'outside' }])
    expect(socket.port).toBeGreaterThan(0)
    expect(socket).toMatchObject({ advertisedHost: 'sip.example.com', advertisedPort: null, tag: 'outside' })
    expect(socket.text).toBe(`udp:127.0.0.1:${socket.port}`)
  })

  it('`*` opens one on every local address', async () => {
    const { network } = await open([{ ...udp, host: '*' }])
    expect(network.sockets.map(({ address }) => address)).toContain('127.0.0.1')
    expect(network.sockets.map(({ address }) => address)).not.toContain('0.0.0.0')
  })

  it('an interface can be named instead of an address', async () => {
    const [name, list] = Object.entries(networkInterfaces()).find(([, all]) =>
      all?.some(a => a.address === '127.0.0.1'),
    )!
    const { network } = await open([{ ...udp, host: name }])
    expect(network.sockets).toHaveLength(list!.filter(({ address }) => !address.startsWith('fe80:')).length)
  })

  it('an address that is taken is named in the error', async () => {
    const { network, socket } = await open([tcp])
    await expect(network.open([{ ...tcp, port: socket.port }])).rejects.toThrow(`tcp:127.0.0.1:${socket.port}`)
  })

  it('a protocol that is not there is named in the error', async () => {
    const { network } = await open([udp])
    await expect(network.open([{ ...udp, proto: 'wss' }])).rejects.toThrow('wss')
  })

  it('close can be called twice, and afterwards nothing is sent', async () => {
    const { network, socket } = await open([udp])
    await network.close()
    await network.close()
    expect(network.send(Buffer.from(OPTIONS), to('udp', 5060), socket)).toBe(false)
  })
})

describe('UDP', () => {
  it('receives a datagram with its source, and sends one back from the same socket', async () => {
    const { network, socket, arrivals, when } = await open([udp])
    const peer = await UdpPeer.open()
    await peer.send(OPTIONS, socket.port)
    await when(() => arrivals.length === 1)
    expect(arrivals[0]).toMatchObject({
      text: OPTIONS,
      origin: { proto: 'udp', address: '127.0.0.1', port: peer.port, connectionId: 0 },
    })
    expect(arrivals[0]?.origin.socket).toBe(socket)
    expect(network.send(Buffer.from('answer'), to('udp', peer.port), socket)).toBe(true)
    expect(await peer.next()).toBe('answer')
  })

  it.each(['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])(
    'receives every datagram of a burst whole, with its source, in the order of each peer, on %s',
    async address => {
      const { socket, arrivals, when } = await open([{ ...udp, host: bracketed(address) }], { receiveBufferBytes: 4e6 })
      const peers = [await UdpPeer.open(address), await UdpPeer.open(address)]
      const sent = peers.map((_, who) =>
        Array.from({ length: 60 }, (_, n) => `${who} ${n} `.padEnd(n === 7 ? 30_000 : 20 + n, `${n}`)),
      )
      await Promise.all(peers.flatMap((peer, who) => sent[who]!.map(text => peer.send(text, socket.port))))
      await when(() => arrivals.length === 120)
      for (const [who, peer] of peers.entries()) {
        const from = arrivals.filter(({ origin }) => origin.port === peer.port && origin.address === address)
        expect(from.map(({ text }) => text)).toEqual(sent[who])
      }
    },
  )

  it('sends what was written in one turn, each to its own address', async () => {
    const { network, socket } = await open([udp])
    const peers = [await UdpPeer.open(), await UdpPeer.open('127.0.0.2'), await UdpPeer.open('127.255.0.254')]
    const hops = peers.map(({ port, address }) => ({ ...to('udp', port), address }))
    for (let n = 0; n < 40; n++)
      for (const [who, hop] of hops.entries()) expect(network.send(Buffer.from(`${who} ${n}`), hop, socket)).toBe(true)
    for (const [who, peer] of peers.entries())
      for (let n = 0; n < 40; n++) expect(await peer.next()).toBe(`${who} ${n}`)
  })

  it.each(['::1', '127.0.0', '127.0.0.1.1', '1 2.0.0.1', 'host'])(
    'tells later that %s is no address to send to over IPv4',
    async address => {
      const { network, socket } = await open([udp])
      const reason = new Promise<string>(resolve => {
        network.send(Buffer.from(OPTIONS), { ...to('udp', 5060), address }, socket, resolve)
      })
      expect(await reason).toContain('EAFNOSUPPORT')
    },
  )

  it.each([{ ...udp }, ...(hasIpv6 ? [{ ...udp, host: '[::1]' }] : [])])(
    'says which address is taken: $host',
    async definition => {
      const { socket } = await open([definition])
      await expect(open([{ ...definition, port: socket.port }])).rejects.toThrow(/EADDRINUSE.*:/)
    },
  )

  it('ignores short datagrams, and those of NULs and line ends only', async () => {
    const { socket, arrivals, when } = await open([udp])
    const peer = await UdpPeer.open()
    for (const noise of ['', 'jak', '\0\0\0\0', '\r\n\r\n', '\0'.repeat(40), '\r\n'.repeat(40), 'x'.repeat(19)]) {
      await peer.send(noise, socket.port)
    }
    await peer.send(OPTIONS, socket.port)
    await when(() => arrivals.length > 0)
    expect(arrivals.map(({ text }) => text)).toEqual([OPTIONS])
  })

  it.each(['255.255.255.255', '224.0.0.1', '0.0.0.0'])('refuses to send to %s', async address => {
    const { network, socket } = await open([udp])
    expect(network.send(Buffer.from(OPTIONS), { ...to('udp', 5060), address }, socket)).toBe(false)
  })

  it('tells later that a datagram was too large', async () => {
    const { network, socket } = await open([udp])
    const reason = await new Promise<string>(resolve => {
      expect(network.send(Buffer.alloc(70_000), to('udp', 5060), socket, resolve)).toBe(true)
    })
    expect(reason).toContain('EMSGSIZE')
  })

  it('refuses a port that is none', async () => {
    const { network, socket } = await open([udp])
    expect(network.send(Buffer.from(OPTIONS), to('udp', 0), socket)).toBe(false)
    expect(network.send(Buffer.from(OPTIONS), to('udp', 70_000), socket)).toBe(false)
  })
})

describe('TCP', () => {
  it('receives messages cut and joined at will', async () => {
    const { socket, arrivals, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS + OPTIONS.slice(0, 10))
    await when(() => arrivals.length === 1)
    await peer.send(OPTIONS.slice(10))
    await when(() => arrivals.length === 2)
    expect(arrivals.map(({ text }) => text)).toEqual([OPTIONS, OPTIONS])
    expect(arrivals[0]?.origin.connectionId).toBeGreaterThan(0)
  })

  it('answers CRLFCRLF with CRLF', async () => {
    const { socket } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send('\r\n\r\n')
    expect(await peer.until('\r\n')).toBe('\r\n')
  })

  it('answers over the connection a message came on', async () => {
    const { network, socket, arrivals, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    expect(network.send(Buffer.from('answer'), to('tcp', 1, arrivals[0]?.origin.connectionId), socket)).toBe(true)
    expect(await peer.until('answer')).toBe('answer')
  })

  it('opens one connection to a peer and uses it again', async () => {
    const { network, socket, stats } = await open([tcp])
    const server = await TcpServer.open()
    expect(network.send(Buffer.from('one '), to('tcp', server.port), socket)).toBe(true)
    expect(network.send(Buffer.from('two '), to('tcp', server.port), socket)).toBe(true)
    const peer = await server.accepted()
    await peer.until('two ')
    network.send(Buffer.from('three'), to('tcp', server.port), socket)
    expect(await peer.until('three')).toBe('one two three')
    expect(stats.find('net:tcp_connections')?.read()).toBe(1)
  })

  it('uses an incoming connection for its peer, by address and by alias (RFC 5923)', async () => {
    const { network, socket, arrivals, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const { port, connectionId } = arrivals[0]!.origin
    network.send(Buffer.from('by address '), to('tcp', port), socket)
    expect(network.connections.addAlias(connectionId, 5099)).toBe(true)
    network.send(Buffer.from('by alias'), to('tcp', 5099), socket)
    expect(await peer.until('by alias')).toBe('by address by alias')
  })

  it('forgets a connection with all its aliases when it closes', async () => {
    const { network, socket, arrivals, closed, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const { port, connectionId } = arrivals[0]!.origin
    network.connections.addAlias(connectionId, 5099)
    peer.socket.destroy()
    await when(() => closed.length === 1)
    expect(network.connections.get(connectionId)).toBeUndefined()
    expect(network.connections.find('tcp', '127.0.0.1', port)).toBeUndefined()
    expect(network.connections.find('tcp', '127.0.0.1', 5099)).toBeUndefined()
    expect(network.connections.size).toBe(0)
  })

  it('takes no more than a few aliases from one peer', async () => {
    const { network, socket, arrivals, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const taken = Array.from({ length: 100 }, (_, i) =>
      network.connections.addAlias(arrivals[0]!.origin.connectionId, 2000 + i),
    )
    expect(taken.filter(Boolean)).toHaveLength(8)
  })

  it('tells which connection ended, remote end first', async () => {
    const { socket, closed, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    const { localPort } = peer.socket
    await peer.send('\r\n\r\n')
    await peer.until('\r\n')
    peer.socket.end()
    await when(() => closed.length === 1)
    expect(closed).toEqual([
      {
        sourceAddress: '127.0.0.1',
        sourcePort: localPort,
        localAddress: '127.0.0.1',
        localPort: socket.port,
        proto: 'tcp',
        cause: 'peer closed',
      },
    ])
  })

  it('survives a listener for closed connections that throws', async () => {
    const { network, socket, closed, when } = await open([tcp])
    network.onDisconnect(() => {
      throw new Error('of the listener')
    })
    const peer = await TcpPeer.connect(socket.port)
    peer.socket.destroy()
    await when(() => closed.length === 1)
    expect(network.connections.size).toBe(0)
  })

  it('tells later that a connection was refused', async () => {
    const { network, socket, closed, when } = await open([tcp])
    const server = await TcpServer.open()
    const { port } = server
    await server.close()
    const reason = new Promise<string>(resolve => {
      expect(network.send(Buffer.from(OPTIONS), to('tcp', port), socket, resolve)).toBe(true)
    })
    expect(await reason).not.toBe('')
    await when(() => closed.length === 1)
    expect(closed[0]?.cause).toBe('error')
  })

  it('gives up connecting after tcp_connect_timeout, and tells every sender', async () => {
    const { network, clock, socket } = await open([tcp], { connectTimeoutMs: 100 })
    const reasons: string[] = []
    const told = (n: number) =>
      new Promise<void>(resolve => {
        // Time is over before the event loop turns and the kernel's answer is seen.
        network.send(Buffer.from(`${n}`), to('tcp', 1), socket, reason => {
          reasons.push(reason)
          resolve()
        })
      })
    const all = Promise.all([told(1), told(2)])
    clock.advanceSync(100)
    await all
    expect(reasons).toEqual(['connect timeout', 'connect timeout'])
  })

  it('closes a connection that is idle for tcp_connection_lifetime; each message and ping prolongs it', async () => {
    const { clock, socket, arrivals, closed, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    await clock.advance(119_000)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 2)
    await clock.advance(119_000)
    await peer.send('\r\n\r\n')
    await peer.until('\r\n')
    await clock.advance(119_000)
    expect(closed).toEqual([])
    await clock.advance(1000)
    await when(() => closed.length === 1)
    expect(closed[0]?.cause).toBe('idle')
    await peer.closed
  })

  it('closes on a peer that sends one byte a second, four seconds after the first', async () => {
    const { clock, socket, arrivals, closed, network, stats, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const connection = network.connections.get(arrivals[0]!.origin.connectionId)!
    for (const byte of OPTIONS.slice(0, 4)) {
      const before = connection.receivedBytes
      await peer.send(byte)
      while (connection.receivedBytes === before) await new Promise(resolve => setImmediate(resolve))
      await clock.advance(1000)
    }
    await when(() => closed.length === 1)
    expect(closed[0]?.cause).toBe('message incomplete too long')
    expect(stats.find('net:tcp_broken')?.read()).toBe(1)
    expect(arrivals).toHaveLength(1)
  })

  it('gives each message its own four seconds', async () => {
    const { clock, socket, arrivals, closed, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send(OPTIONS + OPTIONS.slice(0, 5))
    await when(() => arrivals.length === 1)
    await clock.advance(3000)
    await peer.send(OPTIONS.slice(5) + OPTIONS.slice(0, 5))
    await when(() => arrivals.length === 2)
    await clock.advance(3000)
    expect(closed).toEqual([])
    await peer.send(OPTIONS.slice(5))
    await when(() => arrivals.length === 3)
    await clock.advance(60_000)
    expect(closed).toEqual([])
  })

  it('closes on a peer that never reads before its bytes fill the memory', async () => {
    const { network, socket, arrivals, closed, stats, when } = await open([tcp], { writeBufferBytes: 100_000 })
    const peer = await TcpPeer.connect(socket.port)
    peer.socket.pause()
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const hop = to('tcp', 1, arrivals[0]!.origin.connectionId)
    const failed: string[] = []
    let sent = 0
    for (let most = 0; closed.length === 0 && most < 10_000; most++) {
      if (network.send(Buffer.alloc(50_000), { ...hop, port: arrivals[0]!.origin.port }, socket, r => failed.push(r)))
        sent++
      else break
      expect(stats.find('net:waiting_tcp')?.read()).toBeLessThanOrEqual(100_000)
    }
    await when(() => closed.length === 1)
    expect(closed[0]?.cause).toBe('peer does not read')
    expect(stats.find('net:tcp_unread')?.read()).toBe(1)
    expect(sent).toBeGreaterThan(0)
    await new Promise(resolve => setImmediate(resolve))
    expect(new Set(failed)).toEqual(new Set(['peer does not read']))
  })

  it('accepts no more than tcp_max_connections', async () => {
    const { network, socket, stats, arrivals, when } = await open([tcp], { maxConnections: 2 })
    const peers = [await TcpPeer.connect(socket.port), await TcpPeer.connect(socket.port)]
    for (const peer of peers) await peer.send(OPTIONS)
    await when(() => arrivals.length === 2)
    const third = await TcpPeer.connect(socket.port)
    await third.closed
    expect(stats.find('net:tcp_refused')?.read()).toBe(1)
    expect(network.send(Buffer.from(OPTIONS), to('tcp', 9), socket)).toBe(false)
    expect(network.connections.size).toBe(2)
  })

  it.each([
    ['OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n', 400],
    ['OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n', 400],
    ['OPTIONS sip:a SIP/2.0\r\nContent-Length: 999999999\r\n\r\n', 513],
  ])('tells of a head that cannot be framed, lets a reply out, and closes: %j', async (text, status) => {
    const { network, socket, broken, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    network.attach({
      receive: () => {},
      receiveBroken: (head, fault, origin) => {
        broken.push({ head: head.toString(), fault, origin })
        network.send(Buffer.from('reply'), to('tcp', 1, origin.connectionId), socket)
      },
    })
    await peer.send(text)
    await peer.closed
    await when(() => network.connections.size === 0)
    expect(await peer.until('reply')).toBe('reply')
    expect(broken).toMatchObject([{ head: text, fault: { status } }])
  })

  it('closes without a word on what is not SIP', async () => {
    const { socket, broken, closed, when } = await open([tcp])
    const peer = await TcpPeer.connect(socket.port)
    await peer.send('GET / HTTP/1.1\r\n\r\n')
    await peer.closed
    await when(() => closed.length === 1)
    expect(closed[0]?.cause).toBe('not SIP')
    expect(broken).toEqual([])
  })

  it('leaves no timer behind', async () => {
    const { clock, socket, closed, when } = await open([tcp])
    for (let i = 0; i < 20; i++) {
      const peer = await TcpPeer.connect(socket.port)
      await peer.send(OPTIONS + OPTIONS.slice(0, i))
      peer.socket.destroy()
    }
    await when(() => closed.length === 20)
    expect(clock.pending).toBe(0)
  })
})

describe.skipIf(!hasIpv6)('IPv6 (needs ::1)', () => {
  it('receives and sends over UDP', async () => {
    const { network, socket, arrivals, when } = await open([{ ...udp, host: '[::1]' }])
    expect(socket.text).toBe(`udp:[::1]:${socket.port}`)
    const peer = await UdpPeer.open('::1')
    await peer.send(OPTIONS, socket.port)
    await when(() => arrivals.length === 1)
    expect(arrivals[0]?.origin.address).toBe('::1')
    network.send(Buffer.from('answer'), { ...to('udp', peer.port), address: '::1' }, socket)
    expect(await peer.next()).toBe('answer')
  })

  it('receives over TCP and uses the connection again, however the address is written', async () => {
    const { network, socket, arrivals, when } = await open([{ ...tcp, host: '::1' }])
    const peer = await TcpPeer.connect(socket.port, '::1')
    await peer.send(OPTIONS)
    await when(() => arrivals.length === 1)
    const { port } = arrivals[0]!.origin
    network.send(Buffer.from('answer'), { ...to('tcp', port), address: '0:0:0:0:0:0:0:1' }, socket)
    expect(await peer.until('answer')).toBe('answer')
    expect(network.connections.size).toBe(1)
  })
})
