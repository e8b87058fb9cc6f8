import { describe, expect, it } from 'vitest'
import { BAD_ADDRESS, SEND_FAILED } from '../../src/proxy/forward.ts'
import { statelessBranch } from '../../src/proxy/via.ts'
import type { RouteContext, Step, Verdict } from '../../src/script/context.ts'
import { TcpPeer, TcpServer, UdpPeer } from '../sip/net/peers.ts'
import { engineRig, parsed, reply, replyTo, request } from './rig.ts'

type Rig = Awaited<ReturnType<typeof engineRig>>

/** A proxy whose main route prepares the message and forwards it to `uas`. */
async function forwarding(
  prepare: (m: RouteContext, rig: Rig) => void = () => {},
  options: Parameters<typeof engineRig>[0] = {},
) {
  const uac = await UdpPeer.open()
  const uas = await UdpPeer.open()
  const verdicts: Verdict[] = []
  const rig: Rig = await engineRig({ ...options })
  const main: Step = async m => {
    prepare(m, rig)
    const verdict = await rig.engine.forward(m, `127.0.0.1:${uas.port}`)
    verdicts.push(verdict)
    return verdict
  }
  rig.engine.routes = { ...rig.engine.routes, main }
  const send = (text: string) => uac.send(text, rig.socket('udp').port)
  return { ...rig, uac, uas, verdicts, send }
}

describe('stateless forwarding (RFC 3261 §16.11)', () => {
  it('puts our Via on top, adds Max-Forwards, and leaves the rest as it came', async () => {
    const { socket, uas, uac, send, count } = await forwarding()
    const via = `SIP/2.0/UDP 127.0.0.1:${uac.port};branch=z9hG4bKone`
    await send(request({ via, headers: 'X-Odd :  as it came\r\n', body: 'hello' }))
    const got = await uas.next()
    const branch = parsed(got).topVia?.branch ?? ''
    expect(branch).toMatch(/^z9hG4bK[0-9a-f]{26}$/)
    const ours = `Via: SIP/2.0/UDP 127.0.0.1:${socket('udp').port};branch=${branch}\r\n`
    const expected = request({ via, headers: 'X-Odd :  as it came\r\n', body: 'hello' })
      .replace('Via:', `${ours}Via:`)
      .replace('\r\n\r\nhello', '\r\nMax-Forwards: 70\r\n\r\nhello')
    expect(got).toBe(expected)
    expect(count('fwd_requests')).toBe(1)
    expect(count('rcv_requests')).toBe(1)
  })

  it('brings the reply back to where the request came from', async () => {
    const { socket, uas, uac, send, count } = await forwarding()
    await send(request({ via: 'SIP/2.0/UDP client.example.com:1;rport;branch=z9hG4bKone' }))
    await uas.send(replyTo(await uas.next()), socket('udp').port)
    const back = parsed(await uac.next())
    expect(back.status).toBe(200)
    expect(back.vias).toHaveLength(1)
    expect(back.topVia).toMatchObject({ host: 'client.example.com', received: '127.0.0.1', rport: uac.port })
    expect([count('rcv_replies'), count('fwd_replies')]).toEqual([1, 1])
  })

  it('brings the reply of a request over TCP back over its connection', async () => {
    const { socket, uas } = await forwarding()
    const uac = await TcpPeer.connect(socket('tcp').port)
    await uac.send(request({ via: 'SIP/2.0/TCP client.example.com;branch=z9hG4bKone' }))
    await uas.send(replyTo(await uas.next()), socket('udp').port)
    const back = parsed(await uac.until('\r\n\r\n'))
    expect(back.status).toBe(200)
    expect(back.topVia?.received).toBe('127.0.0.1')
  })

  it('does not send a reply over a connection that a peer names but that leads elsewhere', async () => {
    const { socket, engine, network } = await forwarding()
    const other = await TcpPeer.connect(socket('tcp').port)
    await other.send('\r\n\r\n')
    await other.until('\r\n')
    expect(network.connections.get(1)?.isOpen).toBe(true)
    const vias = ['SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKx;i=1', 'SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKy']
    expect(engine.strayReplies.hops(parsed(reply(vias)))).toEqual([
      { proto: 'tcp', address: '192.0.2.1', port: 5060, connectionId: 0 },
    ])
  })

  it('forwards over TCP, and uses the connection again', async () => {
    const { socket, engine, uac } = await forwarding()
    const server = await TcpServer.open()
    engine.routes = { ...engine.routes, main: m => engine.forward(m, `tcp:127.0.0.1:${server.port}`) }
    await uac.send(request({ branch: 'z9hG4bKfirst' }), socket('udp').port)
    const uas = await server.accepted()
    await uas.until('\r\n\r\n')
    await uac.send(request({ branch: 'z9hG4bKsecond' }), socket('udp').port)
    const both = await uas.until('z9hG4bKsecond')
    expect(both).toContain(`Via: SIP/2.0/TCP 127.0.0.1:${socket('tcp').port};branch=z9hG4bK`)
    expect(both).toContain('z9hG4bKfirst')
  })

  it('gives retransmissions, CANCEL and the ACK to a failure the same branch, and others another', async () => {
    const { uas, send } = await forwarding()
    const branchOf = async (text: string) => {
      await send(text)
      return parsed(await uas.next()).topVia?.branch
    }
    const invite = await branchOf(request({ method: 'INVITE' }))
    expect(await branchOf(request({ method: 'INVITE' }))).toBe(invite)
    expect(await branchOf(request({ method: 'CANCEL', cseq: '7 CANCEL' }))).toBe(invite)
    expect(await branchOf(request({ method: 'ACK', cseq: '7 ACK' }))).toBe(invite)
    expect(await branchOf(request({ method: 'INVITE', branch: 'z9hG4bKtwo' }))).not.toBe(invite)
  })

  it.each(['SIP/2.0/UDP 127.0.0.1', 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK', 'SIP/2.0/UDP 127.0.0.1;branch=old'])(
    'without a branch to go by it goes by what makes the transaction: %s',
    async via => {
      const { uas, send } = await forwarding()
      const branchOf = async (text: string) => {
        await send(text)
        return parsed(await uas.next()).topVia?.branch
      }
      const invite = request({ method: 'INVITE', via })
      const first = await branchOf(invite)
      const ack = request({ method: 'ACK', via, cseq: '7 ACK' }).replace('To: <sip:bob@example.com>', '$&;tag=b1')
      expect(await branchOf(ack)).toBe(first)
      expect(await branchOf(invite.replace('call-1', 'call-2'))).not.toBe(first)
      expect(await branchOf(invite.replace('CSeq: 7', 'CSeq: 8'))).not.toBe(first)
    },
  )

  it('gives requests made here, which have no Via yet, a branch for each transaction', () => {
    const made = (cseq: number) => parsed(request({ method: 'ACK', cseq: `${cseq} ACK` }).replace(/Via:.*\r\n/, ''))
    expect(statelessBranch(made(1))).toBe(statelessBranch(made(1)))
    expect(statelessBranch(made(1))).not.toBe(statelessBranch(made(2)))
  })

  it('goes to $du, else to the Request-URI', async () => {
    const { engine, uas, send } = await forwarding()
    const other = await UdpPeer.open()
    engine.routes = { ...engine.routes, main: m => engine.forward(m, null) }
    await send(request({ uri: `sip:bob@127.0.0.1:${uas.port}` }))
    expect(parsed(await uas.next()).requestUri).toBe(`sip:bob@127.0.0.1:${uas.port}`)
    engine.routes = {
      ...engine.routes,
      main: m => {
        m.target.dstUri = `sip:127.0.0.1:${other.port};lr`
        return engine.forward(m, null)
      },
    }
    await send(request({ uri: 'sip:bob@example.invalid' }))
    expect(parsed(await other.next()).requestUri).toBe('sip:bob@example.invalid')
  })

  it('looks up a name', async () => {
    const { engine, uas, send } = await forwarding(() => {}, { hosts: { 'next.example.com': '127.0.0.1' } })
    engine.routes = { ...engine.routes, main: m => engine.forward(m, `udp:next.example.com:${uas.port}`) }
    await send(request())
    expect(parsed(await uas.next()).method).toBe('OPTIONS')
  })

  it.each(['soap.beep://192.0.2.103:3002', 'nobodyKnowsThisScheme:totallyopaquecontent', 'tel:+15551234'])(
    'answers 416 to %s (RFC 3261 §16.3 step 2)',
    async uri => {
      const { engine, uac, send, count } = await forwarding()
      const verdicts: Verdict[] = []
      engine.routes = {
        ...engine.routes,
        main: m => {
          const verdict = engine.forward(m, null)
          verdicts.push(verdict as Verdict)
          return verdict
        },
      }
      await send(request({ uri, via: 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKone' }))
      const answer = parsed(await uac.next())
      expect(answer.status).toBe(416)
      expect(answer.toTag).not.toBe('')
      expect(verdicts).toEqual([BAD_ADDRESS])
      expect(count('fwd_requests')).toBe(0)
    },
  )

  it('gives −476 for a destination that leads nowhere, −477 when nothing could be sent', async () => {
    const { engine, network, uac, socket } = await forwarding()
    const verdicts: Verdict[] = []
    const seen = new Promise<void>(resolve => {
      engine.routes = {
        ...engine.routes,
        main: async m => {
          for (const destination of ['no.such.host:5060', 'a b', 'tls:127.0.0.1', '255.255.255.255', '[::1]:5060']) {
            verdicts.push(await engine.forward(m, destination))
          }
          const { port } = uac
          await network.close()
          verdicts.push(await engine.forward(m, `127.0.0.1:${port}`))
          resolve()
          return 1
        },
      }
    })
    await uac.send(request(), socket('udp').port)
    await seen
    expect(verdicts).toEqual([BAD_ADDRESS, BAD_ADDRESS, BAD_ADDRESS, BAD_ADDRESS, BAD_ADDRESS, SEND_FAILED])
  })

  it('never sends a sips request over UDP (RFC 3261 §26.2.2)', async () => {
    const { verdicts, send, log } = await forwarding()
    await send(request({ uri: 'sips:bob@example.com' }))
    await expect.poll(() => verdicts).toEqual([BAD_ADDRESS])
    expect(log.lines.filter(line => line.startsWith('error'))).toEqual([])
  })
})

describe('a request as it goes out', () => {
  it('gets rport into our Via with add_local_rport', async () => {
    const { uas, send } = await forwarding(m => {
      m.addLocalRport = true
    })
    await send(request())
    expect(parsed(await uas.next()).topVia?.rport).toBe(0)
  })

  it('shows the advertised address: of the message, else of the socket, else of the script', async () => {
    const sentBy = async (prepare: (m: RouteContext) => void, advertisedHost: string | null, script: string | null) => {
      const { uas, send } = await forwarding(prepare, {
        sockets: [{ proto: 'udp', host: '127.0.0.1', port: 0, advertisedHost, advertisedPort: 5070 }],
        engine: { advertisedHost: script, advertisedPort: 5080 },
      })
      await send(request())
      const via = parsed(await uas.next()).topVia
      return `${via?.host}:${via?.port}`
    }
    const own = (m: RouteContext) => {
      m.advertisedHost = 'message.example.com'
      m.advertisedPort = 5090
    }
    expect(await sentBy(own, 'socket.example.com', 'script.example.com')).toBe('message.example.com:5090')
    expect(await sentBy(() => {}, 'socket.example.com', 'script.example.com')).toBe('socket.example.com:5070')
    expect(await sentBy(() => {}, null, 'script.example.com')).toBe('script.example.com:5070')
  })

  it('carries the path as Route headers, before those it had (RFC 3327)', async () => {
    const { uas, send } = await forwarding(m => {
      m.target.path = '<sip:p1.example.com;lr>,<sip:p2.example.com;lr>'
    })
    await send(request({ headers: 'Route: <sip:old.example.com;lr>\r\n' }))
    const uris = parsed(await uas.next()).routes.map(route => route.uri)
    expect(uris).toEqual(['sip:p1.example.com;lr', 'sip:p2.example.com;lr', 'sip:old.example.com;lr'])
  })

  it('carries what modules add for the branch, in the order they were registered', async () => {
    const { uas, send } = await forwarding((m, { engine }) => {
      engine.hooks.atSend(m, ({ socket }) => `Record-Route: <sip:${socket.address}:${socket.port};lr>\r\n`)
      engine.hooks.atSend(m, ({ hop }) => `X-Hop: ${hop.proto}\r\n`)
    })
    await send(request())
    const got = parsed(await uas.next())
    expect(got.headerName(1)).toBe('Record-Route')
    expect(got.headerName(2)).toBe('X-Hop')
    expect(got.headerValue(2)).toBe('udp')
  })

  it('carries what modules add for one branch on that branch alone', async () => {
    const { engine, uas, send } = await forwarding()
    engine.routes = {
      ...engine.routes,
      main: async m => {
        engine.hooks.atSend(m, () => 'X-All: yes\r\n')
        const branch = engine.makeContext('branch', m.message, m.origin)
        for (const [index, value] of m.slots.entries()) branch.slots[index] = value
        engine.hooks.atSend(branch, () => 'X-Branch: yes\r\n')
        await engine.forward(branch, `127.0.0.1:${uas.port}`)
        return engine.forward(m, `127.0.0.1:${uas.port}`)
      },
    }
    await send(request())
    const names = (text: string) => {
      const message = parsed(text)
      return [message.findNamed('X-All') > 0, message.findNamed('X-Branch') > 0]
    }
    expect(names(await uas.next())).toEqual([true, true])
    expect(names(await uas.next())).toEqual([true, false])
  })

  it('has neither headers nor method in its Request-URI (RFC 3261 §19.1.5)', async () => {
    const { uas, send } = await forwarding(m => {
      m.target.uri = 'sip:bob@example.com;Method=INVITE;methodical=yes;transport=udp?Route=%3Csip:a%3E'
    })
    await send(request())
    expect(parsed(await uas.next()).requestUri).toBe('sip:bob@example.com;methodical=yes;transport=udp')
  })

  it('keeps its Max-Forwards', async () => {
    const { uas, send } = await forwarding()
    await send(request({ headers: 'Max-Forwards: 12\r\n' }))
    expect(parsed(await uas.next()).maxForwards).toBe(12)
  })

  it('is stamped with the source when its Via says otherwise, also where the sender wrote a `received` itself', async () => {
    const { uas, uac, send } = await forwarding()
    const stamped = async (via: string) => {
      await send(request({ via }))
      const below = parsed(await uas.next()).vias[1]
      return [below?.received, below?.rport]
    }
    expect(await stamped('SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1')).toEqual(['', null])
    expect(await stamped('SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2')).toEqual(['127.0.0.1', null])
    expect(await stamped('SIP/2.0/UDP pc.example.com;branch=z9hG4bK3')).toEqual(['127.0.0.1', null])
    expect(await stamped('SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK4')).toEqual(['127.0.0.1', uac.port])
    expect(await stamped('SIP/2.0/UDP 127.0.0.1;received=192.0.2.66;branch=z9hG4bK5')).toEqual(['127.0.0.1', null])
  })

  it('is stamped with the port as well after force_rport', async () => {
    const { uas, uac, send } = await forwarding(m => {
      m.forceRport = true
    })
    await send(request())
    expect(parsed(await uas.next()).vias[1]).toMatchObject({ received: '127.0.0.1', rport: uac.port })
  })
})

describe('send()', () => {
  it('sends the message as it came, byte for byte', async () => {
    const { engine, uas, send } = await forwarding()
    engine.routes = { ...engine.routes, main: m => engine.sendUnchanged(m, `127.0.0.1:${uas.port}`, '') }
    await send(request({ body: 'hello' }))
    expect(await uas.next()).toBe(request({ body: 'hello' }))
  })

  it('adds headers behind those there are', async () => {
    const { engine, uas, send } = await forwarding()
    engine.routes = { ...engine.routes, main: m => engine.sendUnchanged(m, `udp:127.0.0.1:${uas.port}`, 'X-Copy: yes') }
    await send(request({ body: 'hello' }))
    expect(await uas.next()).toBe(request({ body: 'hello' }).replace('\r\n\r\nhello', '\r\nX-Copy: yes\r\n\r\nhello'))
  })
})
