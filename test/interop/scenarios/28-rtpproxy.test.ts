import { describe, expect, it } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { FakeRtpProxy, sdpOf } from '../../support/rtp-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { callerRoute, Datagrams, startScenario, until } from './rig.ts'

const SCRIPT = `
listen = udp:127.0.0.1:@PORT@
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "event_datagram.so"
loadmodule "rtpproxy.so"
modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:@RTP@")
modparam("rtpproxy", "rtpproxy_disable_tout", 20)
modparam("rtpproxy", "rtpproxy_timeout", "1")
modparam("rtpproxy", "rtpproxy_retr", 2)
startup_route { subscribe_event("E_RTPPROXY_STATUS", "udp:127.0.0.1:@SINK@"); }
route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("INVITE")) {
    record_route();
    if (!rtpproxy_engage()) { send_reply(503, "Service Unavailable"); exit; }
    $du = "sip:127.0.0.1:@BOB@";
    t_relay();
  }
}`

describe('scenario 28a: an RTP proxy that fails', () => {
  it('is in the media of a call, is told of once when it dies, and again when it is back', async () => {
    const [alice, bob, sink] = [await SipUa.open('alice'), await SipUa.open('bob'), await Datagrams.open()]
    const rtpPort = await freePort()
    const rtp = await FakeRtpProxy.udp(rtpPort)
    const { clock, port, stat } = await startScenario(SCRIPT, { RTP: rtpPort, SINK: sink.port, BOB: bob.port })
    const payload = (status: string) =>
      `{"jsonrpc":"2.0","method":"E_RTPPROXY_STATUS","params":{"socket":"${rtp.url}","status":"${status}"}}`
    expect(await sink.next()).toBe(payload('active'))

    const options = { callId: 'one', fromTag: 'a', headers: 'Content-Type: application/sdp\r\n' }
    alice.request('INVITE', port, { ...options, body: sdpOf('10.0.0.1', 5000) })
    const invite = await bob.nextRequest('INVITE')
    expect(invite.body.toString()).toMatch(/c=IN IP4 192\.0\.2\.7\r\n[\s\S]*m=audio 40000 [\s\S]*a=nortpproxy:yes\r\n$/)
    bob.reply(invite, 200, 'OK', { headers: options.headers, body: sdpOf('10.0.0.2', 6000) })
    const answer = await alice.nextReply(200)
    expect(answer.body.toString()).toMatch(/c=IN IP4 192\.0\.2\.7\r\n[\s\S]*m=audio 40002 [\s\S]*a=nortpproxy:yes\r\n$/)
    const inCall = { callId: 'one', fromTag: 'a', ...callerRoute(answer) }
    alice.request('ACK', port, inCall)
    alice.request('BYE', port, { ...inCall, cseq: 2 })
    bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
    await until(() => rtp.sent('D').length === 1)

    await rtp.close()
    alice.request('INVITE', port, { ...options, callId: 'two', body: sdpOf('10.0.0.1', 5000) })
    const gaveUp = alice.nextReply(503)
    let isOver = false
    void gaveUp.then(() => {
      isOver = true
    })
    await until(() => stat('rcv_requests') === 4)
    await clock.advance(2_900)
    expect(isOver).toBe(false)
    await clock.advance(200)
    await gaveUp
    expect(await sink.next()).toBe(payload('inactive'))
    alice.request('INVITE', port, { ...options, callId: 'three', body: sdpOf('10.0.0.1', 5000) })
    await alice.nextReply(503)

    const again = await FakeRtpProxy.udp(rtpPort)
    await clock.advance(20_000)
    expect(await sink.next()).toBe(payload('active'))
    alice.request('INVITE', port, { ...options, callId: 'four', body: sdpOf('10.0.0.1', 5000) })
    expect((await bob.nextRequest('INVITE')).body.toString()).toContain('m=audio 40000 ')
    expect(again.sent('U')).toHaveLength(1)
    expect(sink.received).toHaveLength(3)
  })
})
