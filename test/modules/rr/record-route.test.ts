import { describe, expect, it } from 'vitest'
import rr from '../../../src/modules/rr/index.ts'
import type { Step } from '../../../src/script/context.ts'
import { engineRig } from '../../proxy/rig.ts'
import { TcpServer, UdpPeer } from '../../sip/net/peers.ts'
import { moduleRig } from '../usrloc/module-rig.ts'
import { headers, request, rrRig } from './rig.ts'

const INVITE = request({ method: 'INVITE', uri: 'sip:bob@192.0.2.2', toTag: '' })

function recorded(options = {}, hosts?: readonly string[], out = 0) {
  const rig = rrRig(hosts, options)
  const m = rig.context(INVITE)
  rig.call(m, 'record_route')
  return headers(rig.sent(m, rig.sockets[out]), 'Record-Route')
}

describe('record_route', () => {
  it.each([
    [['udp:127.0.0.1:5060'], '<sip:127.0.0.1;lr;ftag=f1>'],
    [['udp:127.0.0.1:5070'], '<sip:127.0.0.1:5070;lr;ftag=f1>'],
    [['tcp:127.0.0.1:5060'], '<sip:127.0.0.1;transport=tcp;lr;ftag=f1>'],
    [['tls:127.0.0.1:5061'], '<sip:127.0.0.1;transport=tls;lr;ftag=f1>'],
    [['ws:127.0.0.1:80'], '<sip:127.0.0.1:80;transport=ws;lr;ftag=f1>'],
    [['udp:[::1]:5060'], '<sip:[::1];lr;ftag=f1>'],
  ])('on %j writes %s', (hosts, line) => {
    expect(recorded({}, hosts)).toEqual([line])
  })

  it('writes two values, the way out on top, where the sockets differ', () => {
    expect(recorded({}, ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'], 1)).toEqual([
      '<sip:127.0.0.1;transport=tcp;r2=on;lr;ftag=f1>',
      '<sip:127.0.0.1;r2=on;lr;ftag=f1>',
    ])
  })

  it.each([
    [{ params: { rr: { append_fromtag: 0 } } }, ['<sip:127.0.0.1;lr>']],
    [{ params: { rr: { add_username: 1 } } }, ['<sip:callee@127.0.0.1;lr;ftag=f1>']],
    [{ params: { rr: { add_username: 1 } }, settings: { era: '2.4' } }, ['<sip:bob@127.0.0.1;lr;ftag=f1>']],
    [{ settings: { advertised_address: 'sip.example.org' } }, ['<sip:sip.example.org;lr;ftag=f1>']],
  ])('follows %j', (options, lines) => {
    expect(recorded(options)).toEqual(lines)
  })

  it('writes one value with enable_double_rr 0', () => {
    const options = { params: { rr: { enable_double_rr: 0 } } }
    expect(recorded(options, ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'], 1)).toEqual(['<sip:127.0.0.1;lr;ftag=f1>'])
  })

  it('leaves a From tag out that would end the URI', () => {
    const rig = rrRig()
    const m = rig.context(
      request({ method: 'INVITE', uri: 'sip:bob@x', toTag: '', fromTag: '"x>,<sip:evil.example.org;lr"' }),
    )
    rig.call(m, 'record_route')
    expect(headers(rig.sent(m), 'Record-Route')).toEqual(['<sip:127.0.0.1;lr>'])
  })

  it('is asked for once', () => {
    const rig = rrRig()
    const m = rig.context(INVITE)
    expect([rig.call(m, 'record_route'), rig.call(m, 'record_route')]).toEqual([1, -1])
    expect(headers(rig.sent(m), 'Record-Route').length).toBe(1)
  })

  it('carries its own parameters and those added before and after', () => {
    const rig = rrRig()
    const m = rig.context(INVITE)
    rig.call(m, 'add_rr_param', ';a=1')
    rig.call(m, 'record_route', ';b=2')
    rig.call(m, 'add_rr_param', 'c=3')
    expect(headers(rig.sent(m), 'Record-Route')).toEqual(['<sip:127.0.0.1;lr;ftag=f1;a=1;b=2;c=3>'])
  })

  it('stands above the Record-Route of others and is sips for a sips target', () => {
    const rig = rrRig()
    const text = request({
      method: 'INVITE',
      uri: 'sips:bob@x',
      headers: 'Record-Route: <sip:p0.example.org;lr>',
      fromTag: 'f1',
    })
    const m = rig.context(text)
    rig.call(m, 'record_route')
    expect(headers(rig.sent(m), 'Record-Route')).toEqual(['<sips:127.0.0.1;lr;ftag=f1>', '<sip:p0.example.org;lr>'])
  })
})

describe('record_route_preset', () => {
  it('writes the address given, or two with the way out on top', () => {
    const rig = rrRig()
    const one = rig.context(INVITE)
    expect(rig.call(one, 'record_route_preset', 'sip.example.org:5080;x=y')).toBe(1)
    expect(headers(rig.sent(one), 'Record-Route')).toEqual(['<sip:sip.example.org:5080;x=y;lr;ftag=f1>'])
    const two = rig.context(INVITE)
    rig.call(two, 'record_route_preset', 'in.example.org', 'out.example.org')
    expect(headers(rig.sent(two), 'Record-Route')).toEqual([
      '<sip:out.example.org;r2=on;lr;ftag=f1>',
      '<sip:in.example.org;r2=on;lr;ftag=f1>',
    ])
    expect(rig.call(two, 'record_route')).toBe(-1)
  })
})

/** A proxy with sockets whose main route records and follows Routes, then forwards statelessly. */
async function forwardingProxy() {
  const engine = await engineRig({ main: m => step(m) })
  const { build } = moduleRig([rr], { proxy: engine.engine })
  const [record, follow] = [build('record_route'), build('loose_route')]
  const step: Step = m => {
    if (m.message.toTag === '') record(m)
    else follow(m)
    return engine.engine.forward(m, null)
  }
  return engine
}

describe('a call between UDP and TCP (scenario 30a)', () => {
  it('records both sides on the way, and BYE crosses back with both Routes taken out', async () => {
    const { socket } = await forwardingProxy()
    const alice = await UdpPeer.open()
    const server = await TcpServer.open()
    const udp = `127.0.0.1:${socket('udp').port}`
    const tcp = `127.0.0.1:${socket('tcp').port}`
    const aliceUri = `sip:alice@127.0.0.1:${alice.port}`
    const bobUri = `sip:bob@127.0.0.1:${server.port};transport=tcp`
    const text = (start: string, via: string, more: string) =>
      `${start} SIP/2.0\r\nVia: ${via};branch=z9hG4bKd\r\nMax-Forwards: 70\r\n${more}Call-ID: d1\r\nContent-Length: 0\r\n\r\n`

    const initial = `From: <${aliceUri}>;tag=f1\r\nTo: <${bobUri}>\r\nCSeq: 1 INVITE\r\n`
    await alice.send(text(`INVITE ${bobUri}`, `SIP/2.0/UDP 127.0.0.1:${alice.port}`, initial), socket('udp').port)
    const bob = await server.accepted()
    const routes = headers(await bob.until('\r\n\r\n'), 'Record-Route')
    expect(routes).toEqual([`<sip:${tcp};transport=tcp;r2=on;lr;ftag=f1>`, `<sip:${udp};r2=on;lr;ftag=f1>`])

    const inDialog = `Route: ${routes.join(', ')}\r\nFrom: <${bobUri}>;tag=b1\r\nTo: <${aliceUri}>;tag=f1\r\nCSeq: 9 BYE\r\n`
    await bob.send(text(`BYE ${aliceUri}`, `SIP/2.0/TCP 127.0.0.1:${server.port}`, inDialog))
    const bye = await alice.next()
    expect(bye).toContain(`BYE ${aliceUri} SIP/2.0\r\nVia: SIP/2.0/UDP ${udp}`)
    expect(headers(bye, 'Route')).toEqual([])
  })
})
