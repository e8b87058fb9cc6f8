import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { RouteContext } from '../../src/script/context.ts'
import { ScriptError } from '../../src/script/diagnostic.ts'
import { NOWHERE } from '../../src/script/source.ts'
import { TcpPeer, UdpPeer } from '../sip/net/peers.ts'
import { captured, engineRig, parsed, reply, request } from './rig.ts'

const RPORT = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKone'
const torture = (name: string) => readFileSync(new URL(`../fixtures/rfc4475/${name}.dat`, import.meta.url), 'latin1')

describe('a request that is not well-formed', () => {
  it.each([
    ['400 for a CSeq of another method', request({ via: RPORT, cseq: '7 INVITE' }), 400],
    ['400 for two From headers', request({ via: RPORT, headers: 'From: <sip:eve@example.com>;tag=e\r\n' }), 400],
    [
      '400 for a body that is cut off',
      request({ via: RPORT, headers: 'Content-Length: 99\r\n' }).replace('Content-Length: 0\r\n', ''),
      400,
    ],
    ['505 for another version', request({ via: RPORT }).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), 505],
  ])('is answered: %s, and the script does not see it', async (_, text, status) => {
    let ran = 0
    const { socket, count } = await engineRig({ main: () => ++ran })
    const uac = await UdpPeer.open()
    await uac.send(text, socket('udp').port)
    const answer = parsed(await uac.next())
    expect(answer.status).toBe(status)
    expect(answer.reason).not.toBe('')
    expect(answer.toTag).not.toBe('')
    expect(ran).toBe(0)
    expect([count('err_requests'), count('rcv_requests')]).toEqual([1, 0])
  })

  it('gives retransmissions the same To tag (RFC 3261 §8.2.7)', async () => {
    const { socket } = await engineRig()
    const uac = await UdpPeer.open()
    const tags: string[] = []
    for (let i = 0; i < 2; i++) {
      await uac.send(request({ via: RPORT, cseq: '7 INVITE' }), socket('udp').port)
      tags.push(parsed(await uac.next()).toTag)
    }
    expect(tags[0]).toBe(tags[1])
  })

  it.each([
    ['an ACK', request({ via: RPORT, method: 'ACK', cseq: '7 INVITE' })],
    ['one without Via', request().replace(/Via:.*\r\n/, '')],
    ['one without Call-ID', request({ via: RPORT }).replace(/Call-ID:.*\r\n/, '')],
  ])('is dropped when it cannot be answered: %s', async (_, text) => {
    const { socket, count } = await engineRig()
    const uac = await UdpPeer.open()
    await uac.send(text, socket('udp').port)
    await uac.send(request({ via: RPORT, cseq: '8 INVITE' }), socket('udp').port)
    expect(parsed(await uac.next()).cseq).toBe(8)
    expect(count('err_requests')).toBe(2)
  })

  it('is counted by what is wrong: its URI or its headers', async () => {
    const { socket, count } = await engineRig()
    const uac = await UdpPeer.open()
    await uac.send(request({ via: RPORT, uri: 'sip:' }), socket('udp').port)
    await uac.next()
    await uac.send(request({ via: RPORT, cseq: '7 INVITE' }), socket('udp').port)
    await uac.next()
    expect([count('bad_URIs_rcvd'), count('bad_msg_hdr'), count('err_requests')]).toEqual([1, 1, 2])
  })

  it('goes to the error route instead when there is one, with what is wrong and what to answer', async () => {
    const { step, first } = captured()
    const { engine, socket } = await engineRig({ error: step })
    const uac = await UdpPeer.open()
    await uac.send(request({ via: RPORT, cseq: '7 INVITE' }), socket('udp').port)
    const m = await first
    expect(m.kind).toBe('error')
    expect(m.fault).toMatchObject({ class: 1, status: 400 })
    engine.reply(m, { status: 418, reason: 'Mine', toTag: 'x' })
    expect(parsed(await uac.next()).status).toBe(418)
  })

  it('is answered over its connection, which then ends, when the stream cannot be framed', async () => {
    const { socket, network, count } = await engineRig()
    for (const [length, status] of [
      ['', 400],
      ['Content-Length: -5\r\n', 400],
      ['Content-Length: 9999999\r\n', 513],
    ] as const) {
      const uac = await TcpPeer.connect(socket('tcp').port)
      await uac.send(request({ via: 'SIP/2.0/TCP a;branch=z9hG4bKa' }).replace('Content-Length: 0\r\n', length))
      await uac.closed
      expect(parsed(await uac.until('\r\n\r\n')).status).toBe(status)
    }
    await expect.poll(() => network.connections.size).toBe(0)
    expect(count('err_requests')).toBe(3)
  })
})

describe('a request', () => {
  it('meets the hooks before and after the main route', async () => {
    const order: string[] = []
    const { engine, socket } = await engineRig({
      main: async m => {
        await Promise.resolve()
        order.push(`route ${m.kind}`)
        return 1
      },
    })
    engine.hooks.beforeRequest(() => {
      order.push('before')
      return false
    })
    const done = new Promise<void>(resolve =>
      engine.hooks.afterRequest(() => {
        order.push('after')
        resolve()
      }),
    )
    await (await UdpPeer.open()).send(request(), socket('udp').port)
    await done
    expect(order).toEqual(['before', 'route request', 'after'])
  })

  it('does not reach the script when a module takes it', async () => {
    let ran = 0
    const { engine, socket, count } = await engineRig({ main: () => ++ran })
    const { first, step } = captured()
    engine.hooks.beforeRequest(m => {
      if (m.message.method === 'CANCEL') void step(m)
      return true
    })
    const uac = await UdpPeer.open()
    await uac.send(request(), socket('udp').port)
    await uac.send(request({ method: 'CANCEL' }), socket('udp').port)
    await first
    expect([ran, count('rcv_requests'), count('drop_requests')]).toEqual([0, 2, 0])
  })

  it.each([
    [
      'throws',
      () => {
        throw new ScriptError('E_SYNTAX', NOWHERE, 'of the route')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the route'))],
  ])('costs only itself when its route %s', async (_, failing: (m: RouteContext) => never | Promise<number>) => {
    const { engine, socket, log } = await engineRig({ main: failing })
    const finished: string[] = []
    engine.hooks.afterRequest(() => {
      throw new Error('of a module')
    })
    const done = new Promise<void>(resolve =>
      engine.hooks.afterRequest(m => {
        finished.push(m.message.callId)
        resolve()
      }),
    )
    const uac = await UdpPeer.open()
    await uac.send(request({ via: RPORT }), socket('udp').port)
    await done
    const { first, step } = captured()
    engine.routes = { ...engine.routes, main: step }
    await uac.send(request({ via: RPORT }), socket('udp').port)
    expect((await first).message.method).toBe('OPTIONS')
    expect(finished[0]).toBe('call-1@example.com')
    expect(log.lines.some(line => line.includes('route failed') && line.includes('of the route'))).toBe(true)
    expect(log.lines.some(line => line.includes('of a module'))).toBe(true)
  })

  it('is dropped when too many wait inside their routes', async () => {
    let release: (verdict: number) => void = () => {}
    const gate = new Promise<number>(resolve => {
      release = resolve
    })
    const { engine, socket, count } = await engineRig({ main: () => gate, engine: { maxWaiting: 5 } })
    const uac = await UdpPeer.open()
    for (let i = 0; i < 8; i++) await uac.send(request(), socket('udp').port)
    await expect.poll(() => count('drop_requests')).toBe(3)
    expect(engine.waiting).toBe(5)
    release(1)
    await expect.poll(() => engine.waiting).toBe(0)
  })

  it('is answered where RFC 3261 §18.2.2 and RFC 3581 say', async () => {
    const { engine, socket } = await engineRig()
    const { step, first } = captured()
    engine.routes = { ...engine.routes, main: step }
    await (await UdpPeer.open()).send(request(), socket('udp').port)
    const sample = await first
    const hopFor = (via: string, change: Partial<RouteContext> = {}) => {
      const m = engine.makeContext('request', parsed(request({ via })), {
        ...sample.origin,
        address: '192.0.2.7',
        port: 4444,
      })
      Object.assign(m, change)
      const hop = engine.replyHop(m)
      return `${hop.address}:${hop.port}`
    }
    expect(hopFor('SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1')).toBe('192.0.2.7:5070')
    expect(hopFor('SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1')).toBe('192.0.2.7:5060')
    expect(hopFor('SIP/2.0/UDP host.example.com:5070;branch=z9hG4bK1')).toBe('192.0.2.7:5070')
    expect(hopFor('SIP/2.0/UDP host.example.com:5070;rport;branch=z9hG4bK1')).toBe('192.0.2.7:4444')
    expect(hopFor('SIP/2.0/UDP host.example.com:5070;branch=z9hG4bK1', { forceRport: true })).toBe('192.0.2.7:4444')
    expect(hopFor('SIP/2.0/UDP 192.0.2.7:5070;rport;maddr=192.0.2.8;branch=z9hG4bK1')).toBe('192.0.2.8:5070')
    expect(hopFor('SIP/2.0/UDP 192.0.2.7:5070;maddr=224.0.0.1;branch=z9hG4bK1')).toBe('192.0.2.7:5070')
  })

  it('gets replies with what the script collected, our Server line and a Warning', async () => {
    const { engine, socket } = await engineRig({ engine: { serverHeader: 'Server: Fanfare (1.0)', sipWarning: true } })
    engine.routes = {
      ...engine.routes,
      main: m => {
        m.replyHeaders = 'X-Collected: yes\r\n'
        return engine.reply(m, { status: 480, reason: 'Gone', toTag: 't', headers: 'X-Given: yes\r\n' }) ? 1 : -1
      },
    }
    const uac = await UdpPeer.open()
    await uac.send(request({ via: RPORT }), socket('udp').port)
    const answer = parsed(await uac.next())
    const value = (name: string) => answer.headerValue(answer.findNamed(name))
    expect([value('X-Collected'), value('X-Given'), value('Server')]).toEqual(['yes', 'yes', 'Fanfare (1.0)'])
    expect(value('Warning')).toContain(
      `392 127.0.0.1:${socket('udp').port} "req_src_ip=127.0.0.1 req_src_port=${uac.port}`,
    )
  })

  it('of method ACK is never answered', async () => {
    const { engine, socket } = await engineRig()
    const { step, first } = captured()
    engine.routes = { ...engine.routes, main: step }
    await (await UdpPeer.open()).send(request({ method: 'ACK' }), socket('udp').port)
    expect(engine.reply(await first, { status: 500, reason: 'x', toTag: 't' })).toBe(false)
  })

  it('makes its connection known under the port of its Via with tcp_accept_aliases', async () => {
    const { step, first } = captured()
    const { network, socket } = await engineRig({ main: step, engine: { acceptAliases: 1 } })
    const uac = await TcpPeer.connect(socket('tcp').port)
    await uac.send(request({ via: 'SIP/2.0/TCP 127.0.0.1:5077;alias;branch=z9hG4bK1' }))
    const { origin } = await first
    expect(network.connections.find('tcp', '127.0.0.1', 5077)?.id).toBe(origin.connectionId)
  })
})

describe('a reply', () => {
  const strayVias = (port: number) => [
    'SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKp',
    `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKq`,
  ]

  it('that matches nothing goes on by its second Via', async () => {
    const { socket, count } = await engineRig()
    const uas = await UdpPeer.open()
    const uac = await UdpPeer.open()
    await uas.send(reply(strayVias(uac.port)), socket('udp').port)
    expect(parsed(await uac.next()).vias).toHaveLength(1)
    expect([count('rcv_replies'), count('fwd_replies')]).toEqual([1, 1])
  })

  it('is stopped by disable_stateless_fwd, by check_via, and by having no other Via', async () => {
    const quiet = await engineRig({ engine: { forwardStrayReplies: false } })
    const strict = await engineRig({ engine: { checkVia: true } })
    const uas = await UdpPeer.open()
    const uac = await UdpPeer.open()
    await uas.send(reply(strayVias(uac.port)), quiet.socket('udp').port)
    await uas.send(reply(strayVias(uac.port)), strict.socket('udp').port)
    const ours = `SIP/2.0/UDP 127.0.0.1:${strict.socket('udp').port};branch=z9hG4bKp`
    await uas.send(reply([ours]), strict.socket('udp').port)
    await uas.send(reply([ours, strayVias(uac.port)[1]!], '299 Marker'), strict.socket('udp').port)
    expect(parsed(await uac.next()).status).toBe(299)
    expect([strict.count('err_replies'), strict.count('fwd_replies')]).toEqual([1, 1])
    await expect.poll(() => quiet.count('rcv_replies')).toBe(1)
    expect(quiet.count('fwd_replies')).toBe(0)
  })

  it('runs onreply_route first, where drop stops a provisional one only', async () => {
    const { socket, count } = await engineRig({
      onreply: async m => {
        await Promise.resolve()
        m.dropped = true
        return 0
      },
    })
    const uas = await UdpPeer.open()
    const uac = await UdpPeer.open()
    await uas.send(reply(strayVias(uac.port), '180 Ringing'), socket('udp').port)
    await uas.send(reply(strayVias(uac.port), '200 OK'), socket('udp').port)
    expect(parsed(await uac.next()).status).toBe(200)
    expect(count('drop_replies')).toBe(1)
  })

  it('goes on also when onreply_route fails', async () => {
    const { socket, log } = await engineRig({ onreply: () => Promise.reject(new Error('of the route')) })
    const uas = await UdpPeer.open()
    const uac = await UdpPeer.open()
    await uas.send(reply(strayVias(uac.port)), socket('udp').port)
    expect(parsed(await uac.next()).status).toBe(200)
    expect(log.lines.some(line => line.includes('of the route'))).toBe(true)
  })

  it('is offered to the modules with a context of its own, and not forwarded when one takes it', async () => {
    const { engine, socket, count } = await engineRig()
    const { step, first } = captured()
    engine.hooks.matchReply(m => {
      void step(m)
      return true
    })
    const uas = await UdpPeer.open()
    await uas.send(reply(strayVias(9)), socket('udp').port)
    const m = await first
    expect([m.kind, m.message.status, m.target.uri]).toEqual(['onreply', 200, ''])
    await expect.poll(() => count('rcv_replies')).toBe(1)
    expect(count('fwd_replies')).toBe(0)
  })

  it.each(['bigcode', 'scalarlg'])('that is malformed is dropped: RFC 4475 %s', async name => {
    const { socket, count } = await engineRig()
    await (await UdpPeer.open()).send(torture(name), socket('udp').port)
    await expect.poll(() => count('err_replies')).toBe(1)
    expect(count('rcv_replies')).toBe(0)
  })

  it('is never sent to a broadcast address: RFC 4475 bcast', async () => {
    const { socket, count } = await engineRig()
    await (await UdpPeer.open()).send(torture('bcast'), socket('udp').port)
    await expect.poll(() => count('rcv_replies')).toBe(1)
    expect(count('fwd_replies')).toBe(0)
  })

  it('of which ten thousand come astray leaves nothing behind', async () => {
    const { engine, network, clock, socket, count } = await engineRig()
    const origin = { proto: 'udp', address: '127.0.0.1', port: 9, socket: socket('udp'), connectionId: 0 } as const
    const timers = clock.pending
    for (let i = 0; i < 10_000; i++) {
      const vias = [`SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${i}`, `SIP/2.0/TCP host${i}.example.invalid;branch=z9hG4bKx`]
      engine.receive(Buffer.from(reply(vias)), origin)
    }
    expect(count('rcv_replies')).toBe(10_000)
    await new Promise(resolve => setImmediate(resolve))
    expect([engine.waiting, network.connections.size, clock.pending - timers]).toEqual([0, 0, 0])
    expect(count('fwd_replies')).toBe(0)
  })
})

describe('whatever comes', () => {
  it('noise is neither counted nor answered, and nothing throws', async () => {
    const { engine, socket, log, stats } = await engineRig()
    const origin = { proto: 'udp', address: '127.0.0.1', port: 9, socket: socket('udp'), connectionId: 0 } as const
    for (let i = 0; i < 2000; i++) {
      const noise = Buffer.from(request({ method: 'INVITE' }))
      for (let k = 0; k < 8; k++) noise[(i * 31 + k * k * 17) % noise.length] = (i * 7 + k * 13) % 256
      engine.receive(noise, origin)
    }
    engine.receive(Buffer.from('jak\r\n\r\n'), origin)
    expect(log.lines.filter(line => line.startsWith('error'))).toEqual([])
    expect(stats.find('core:rcv_replies')?.read()).toBe(0)
  })
})
