import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { FakeRtpProxy, sdpOf } from '../../support/rtp-proxy.ts'
import { callsDatabase } from '../acc/database-rig.ts'
import { answerByes, Call, type CallRig, callRig } from '../dialog/call-rig.ts'

const ENGAGE = 'if (!rtpproxy_engage()) { send_reply(503, "No media"); exit; }'
const SDP_TYPE = 'Content-Type: application/sdp\r\n'

async function engaged(proxy: FakeRtpProxy, options: { params?: string; invite?: string; clock?: VirtualClock } = {}) {
  const rig = await callRig({
    head: `loadmodule "rtpproxy.so"\nmodparam("rtpproxy", "rtpproxy_sock", "${proxy.url}")\n${options.params ?? ''}`,
    invite: options.invite ?? ENGAGE,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  const events: string[] = []
  rig.proxy.proxy.host.bus.tail(event => {
    if (event.name.startsWith('E_RTPPROXY')) events.push(jsonRpc.encode(event).toString())
  })
  return { rig, events }
}
const statusEvent = (socket: string, status: string) =>
  `{"jsonrpc":"2.0","method":"E_RTPPROXY_STATUS","params":{"socket":"${socket}","status":"${status}"}}`
const active = (rig: CallRig, proxy: FakeRtpProxy) => rig.until('the probe', () => proxy.arrivals >= 4)

describe('rtpproxy_engage', () => {
  it('puts the RTP proxy into offer and answer, and releases it with the BYE', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy)
    const call = new Call(rig, 'e1', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await call.begin()
    expect(call.arrived.body.toString()).toBe(
      `${sdpOf('10.0.0.1', 5000).replace('c=IN IP4 10.0.0.1', 'c=IN IP4 192.0.2.7').replace('audio 5000', 'audio 40000')}a=nortpproxy:yes\r\n`,
    )
    await call.ring()
    await call.accept(sdpOf('10.0.0.2', 6000))
    expect(call.answer.body.toString()).toContain('c=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 40002 RTP/AVP 0 8\r\n')
    await call.acknowledge()
    await call.hangUp()
    await rig.until('the release', () => proxy.sent('D').length > 0)
    expect(proxy.commands).toEqual([
      'Uc0,8 e1 127.0.0.1 5000 e1-a;1',
      'Lc0,8 e1 127.0.0.1 6000 e1-a;1 e1-b;1',
      'D e1 e1-a e1-b',
    ])
  })

  it('with rtpproxy_autobridge says where each description goes on to, unless a flag names the sides', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy, {
      params: 'modparam("rtpproxy", "rtpproxy_autobridge", 1)',
      invite: `$du = "sip:127.0.0.2:5099"; if ($ci == "named") rtpproxy_offer("ie"); else rtpproxy_engage();`,
    })
    const body = sdpOf('10.0.0.1', 5000)
    const call = await new Call(rig, 'bridged', { headers: SDP_TYPE, body }).begin()
    await call.ring()
    await call.accept(sdpOf('10.0.0.2', 6000))
    await new Call(rig, 'named', { headers: SDP_TYPE, body }).begin()
    expect(proxy.commands).toEqual([
      'UR127.0.0.2c0,8 bridged 127.0.0.1 5000 bridged-a;1',
      'LR127.0.0.1c0,8 bridged 127.0.0.1 6000 bridged-a;1 bridged-b;1',
      'UIEc0,8 named 127.0.0.1 5000 named-a;1',
    ])
  })

  it('takes a 2xx that offers for an offer, and the ACK for the answer', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy)
    const call = await new Call(rig, 'late').begin()
    await call.ring()
    await call.accept(sdpOf('10.0.0.2', 6000))
    expect(call.answer.body.toString()).toContain('m=audio 40000 ')
    const ack = rig.alice.makeRequest('ACK', {
      uri: rig.bob.uri,
      callId: 'late',
      fromTag: 'late-a',
      toTag: 'late-b',
      headers: `Route: <sip:127.0.0.1:${rig.proxy.port};lr>\r\n${SDP_TYPE}`,
      body: sdpOf('10.0.0.1', 5000),
    })
    rig.alice.send(ack, rig.proxy.port)
    expect((await rig.bob.nextRequest('ACK')).body.toString()).toContain('m=audio 40002 ')
    expect(proxy.commands).toEqual([
      'Uc0,8 late 127.0.0.1 6000 late-b;1 late-a;1',
      'Lc0,8 late 127.0.0.1 5000 late-b;1 late-a;1',
    ])
  })

  it('follows a re-INVITE of the callee', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy)
    const call = new Call(rig, 're', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await call.begin()
    await call.accept(sdpOf('10.0.0.2', 6000))
    await call.acknowledge()
    const route = `Route: <sip:127.0.0.1:${rig.proxy.port};lr>\r\n`
    rig.bob.request('INVITE', rig.proxy.port, {
      uri: rig.alice.uri,
      callId: 're',
      fromTag: 're-b',
      toTag: 're-a',
      headers: route + SDP_TYPE,
      body: sdpOf('10.0.0.2', 6002),
    })
    const again = await rig.alice.nextRequest('INVITE')
    expect(again.body.toString()).toContain('m=audio 40004 ')
    rig.alice.reply(again, 200, 'OK', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5002) })
    expect((await rig.bob.nextReply(200, 'INVITE')).body.toString()).toContain('m=audio 40006 ')
    expect(proxy.commands.slice(2)).toEqual([
      'Uc0,8 re 127.0.0.1 6002 re-b;1 re-a;1',
      'Lc0,8 re 127.0.0.1 5002 re-b;1 re-a;1',
    ])
  })

  it('releases the RTP proxy of a call that is refused', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy)
    const call = new Call(rig, 'busy', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await call.begin()
    rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: 'busy-b' })
    await rig.alice.nextReply(486)
    await rig.until('the release', () => proxy.sent('D').length > 0)
    expect(proxy.sent('D')).toEqual(['D busy busy-a busy-b'])
  })

  it('releases the RTP proxy also when the proxy was started anew during the call', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { url, rows } = await callsDatabase('dialog')
    const params = `
loadmodule "db_sqlite.so"
modparam("dialog", "db_url", "${url}")
modparam("dialog", "db_mode", 1)`
    const { rig } = await engaged(rtp, { params })
    const call = new Call(rig, 'anew', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await call.begin()
    await call.accept(sdpOf('10.0.0.2', 6000))
    await call.acknowledge()
    await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
    await rig.restart()
    await call.hangUp()
    await rig.until('the release', () => rtp.sent('D').length > 0)
    expect(rtp.sent('D')).toEqual(['D anew anew-a anew-b'])
  })

  it('names the RTP proxy and its place', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig } = await engaged(proxy, {
      invite: 'rtpproxy_engage(,,,$var(s),$var(p)); xlog("on $var(s) at $var(p)\\n");',
    })
    await new Call(rig, 'vars', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) }).begin()
    expect(rig.proxy.log.join('')).toContain(`on ${proxy.url} at 192.0.2.7:40000`)
  })
})

describe('E_RTPPROXY_STATUS', () => {
  it('tells that a proxy answers, stops answering and answers again, while other requests go on', async () => {
    const clock = new VirtualClock()
    const proxy = await FakeRtpProxy.udp()
    const { rig, events } = await engaged(proxy, {
      clock,
      params: `
modparam("rtpproxy", "rtpproxy_timeout", "0.2")
modparam("rtpproxy", "rtpproxy_retr", 2)
modparam("rtpproxy", "rtpproxy_disable_tout", 10)`,
    })
    await rig.until('the first status', () => events.length === 1)
    proxy.isSilent = true
    const before = proxy.arrivals
    rig.alice.request('INVITE', rig.proxy.port, { callId: 's1', headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await rig.until('the command', () => proxy.arrivals === before + 1)
    rig.alice.request('MESSAGE', rig.proxy.port)
    await rig.alice.nextReply(405)
    for (let tries = 2; tries <= 3; tries++) {
      await clock.advance(200)
      await rig.until(`try ${tries}`, () => proxy.arrivals === before + tries)
    }
    await clock.advance(200)
    await rig.alice.nextReply(503)
    proxy.isSilent = false
    const asked = proxy.arrivals
    await clock.advance(9_900)
    expect(proxy.arrivals).toBe(asked)
    await clock.advance(100)
    await rig.until('the recovery', () => events.length === 3)
    expect(events).toEqual(['active', 'inactive', 'active'].map(status => statusEvent(proxy.url, status)))
    await new Call(rig, 's2', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) }).begin()
  })

  it('tells once that a proxy is not there at the start', async () => {
    const clock = new VirtualClock()
    const proxy = await FakeRtpProxy.udp()
    proxy.isSilent = true
    const { rig, events } = await engaged(proxy, { clock })
    await rig.until('the probe', () => proxy.arrivals === 1)
    await clock.advance(6_000)
    expect(events).toEqual([statusEvent(proxy.url, 'inactive')])
    await clock.advance(66_000)
    expect(events).toHaveLength(1)
  })

  it('does not use a proxy with another protocol version', async () => {
    const proxy = await FakeRtpProxy.udp()
    proxy.answer = command => (command === 'V' ? '19990101' : null)
    const { rig, events } = await engaged(proxy)
    await rig.until('the status', () => events.length === 1)
    expect(events).toEqual([statusEvent(proxy.url, 'inactive')])
    rig.alice.request('INVITE', rig.proxy.port, { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await rig.alice.nextReply(503)
  })
})

describe('rtpproxy:enable and rtpproxy:show', () => {
  it('take a proxy out of use and into it again', async () => {
    const proxy = await FakeRtpProxy.udp()
    const { rig, events } = await engaged(proxy, {
      params: 'modparam("rtpproxy", "rtpproxy_sock", "2 == udp:127.0.0.1:9=3")',
    })
    await active(rig, proxy)
    await rig.until('the status', () => events.length === 1)
    const shown = (disabled: number, ticks: number) => ({
      url: proxy.url,
      index: 0,
      disabled,
      weight: 1,
      recheck_ticks: ticks,
    })
    expect(await rig.mi('rtpproxy:enable', [proxy.url, 0])).toBe('OK')
    expect(await rig.mi('rtpproxy:show')).toMatchObject({
      Sets: [
        { Set: 0, Nodes: [shown(1, -1)] },
        { Set: 2, Nodes: [{ url: 'udp:127.0.0.1:9', index: 1, weight: 3 }] },
      ],
    })
    rig.alice.request('INVITE', rig.proxy.port, { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await rig.alice.nextReply(503)
    expect(await rig.mi('rtpproxy:enable', [proxy.url, 1, 0])).toBe('OK')
    expect(await rig.mi('rtpproxy:show')).toMatchObject({ Sets: [{ Nodes: [shown(0, 0)] }, { Set: 2 }] })
    await expect(rig.mi('rtpproxy:enable', ['udp:127.0.0.1:1', 1])).rejects.toMatchObject({ code: 404 })
    await expect(rig.mi('rtpproxy:reload')).rejects.toMatchObject({ code: 500 })
    expect(events.slice(1)).toEqual([statusEvent(proxy.url, 'inactive'), statusEvent(proxy.url, 'active')])
  })
})

describe('the notification socket', () => {
  it('ends the call whose media have stopped, and says so in $DLG_end_reason', async () => {
    const proxy = await FakeRtpProxy.udp()
    const port = await freePort()
    const rig = await callRig({
      head: `loadmodule "rtpproxy.so"\nmodparam("rtpproxy", "rtpproxy_sock", "${proxy.url}")
        modparam("rtpproxy", "rtpp_notify_socket", "tcp:127.0.0.1:${port}")`,
      invite: 'create_dialog(); rtpproxy_offer("n"); dlg_on_hangup("over");',
      routes: 'route[over] { xlog("reason: $DLG_end_reason\n"); }',
    })
    await new Call(rig, 'silent', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) }).establish()
    const tag = / (d:\S+)$/.exec(proxy.commands[0] ?? '')?.[1]
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.write(`${tag}\n`)
    await answerByes(rig)
    await rig.until('the hangup route', () => rig.proxy.log.join('').includes('reason: RTPProxy Timeout'))
  })
})
