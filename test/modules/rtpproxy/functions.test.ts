import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { FakeRtpProxy, sdpOf } from '../../support/rtp-proxy.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

const SDP_TYPE = 'Content-Type: application/sdp\r\n'

/** A proxy whose INVITE route runs these statements and relays to bob. */
async function relaying(invite: string, params: string, more: { routes?: string } = {}) {
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const proxy = await startProxy(`
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "db_text.so"
loadmodule "rtpproxy.so"
${params}
route {
  if (is_method("INVITE")) {
    ${invite}
    $du = "sip:127.0.0.1:${bob.port}";
    t_relay();
  }
  exit;
}
${more.routes ?? ''}`)
  onTestFinished(async () => {
    // Tests leave calls unanswered that would be waited for.
    await proxy.proxy.stop(AbortSignal.abort())
    await proxy.stop()
  })
  const mi = (command: string, args?: unknown) => proxy.proxy.host.mi.call(command, args ?? {})
  const offer = async (body = sdpOf('10.0.0.1', 5000), headers = SDP_TYPE, callId = 'c1') => {
    alice.request('INVITE', proxy.port, { callId, fromTag: 'a', headers, body })
    const arrived = await bob.nextRequest('INVITE')
    bob.reply(arrived, 486, 'Busy Here')
    return arrived.body.toString()
  }
  return { alice, bob, proxy, mi, offer }
}
const sock = (...proxies: readonly FakeRtpProxy[]) =>
  proxies.map(proxy => `modparam("rtpproxy", "rtpproxy_sock", "${proxy.url}")`).join('\n')

describe('rtpproxy_offer', () => {
  it('asks for each stream and leaves those without port alone', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { offer } = await relaying('rtpproxy_offer();', sock(rtp))
    const body =
      'v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\nc=IN IP4 10.0.0.1\r\na=rtcp:5001\r\n' +
      'm=video 0 RTP/AVP 31\r\nm=video 5002 RTP/AVP 31\r\nc=IN IP4 10.0.0.9\r\n'
    expect(await offer(body)).toBe(
      'v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\nc=IN IP4 192.0.2.7\r\na=rtcp:40001\r\n' +
        'm=video 0 RTP/AVP 31\r\nm=video 40002 RTP/AVP 31\r\nc=IN IP4 192.0.2.7\r\na=nortpproxy:yes\r\n',
    )
    expect(rtp.commands).toEqual(['Uc0 c1 127.0.0.1 5000 a;1', 'Uc31 c1 127.0.0.1 5002 a;2'])
  })

  it.each([
    ['r', 'Uc0,8 c1 10.0.0.1 5000 a;1'],
    ['al', 'LAc0,8 c1 127.0.0.1 5000 a;1'],
    ['ie', 'UIEc0,8 c1 127.0.0.1 5000 a;1'],
    ['sz20', 'USZ20c0,8 c1 127.0.0.1 5000 a;1'],
    ['t30w', 'Ut30Sc0,8 c1 127.0.0.1 5000 a;1'],
  ])('with the flags %s sends %s', async (flags, command) => {
    const rtp = await FakeRtpProxy.udp()
    const { offer } = await relaying(`rtpproxy_offer("${flags}");`, sock(rtp))
    await offer()
    expect(rtp.commands).toEqual([command])
  })

  it('changes o= with o, the session address with c, and nothing with k', async () => {
    const rtp = await FakeRtpProxy.udp()
    const body = `${sdpOf('10.0.0.1', 5000)}c=IN IP4 10.0.0.2\r\n`
    const first = await relaying('rtpproxy_offer("oc");', sock(rtp))
    const changed = await first.offer(body)
    expect(changed).toContain('o=- 1 1 IN IP4 192.0.2.7\r\n')
    expect(changed).not.toContain('10.0.0.')
    const second = await relaying('rtpproxy_offer("k");', sock(rtp))
    expect(await second.offer(body)).toBe(body)
  })

  it('leaves a description with the mark of another proxy alone, unless f is given', async () => {
    const rtp = await FakeRtpProxy.udp()
    const marked = `${sdpOf('10.0.0.1', 5000)}a=nortpproxy:yes\r\n`
    const first = await relaying('if (rtpproxy_offer()) { t_reply(500, "Wrong"); exit; }', sock(rtp))
    expect(await first.offer(marked)).toBe(marked)
    const second = await relaying('rtpproxy_offer("f");', sock(rtp))
    expect((await second.offer(marked)).match(/nortpproxy/g)).toHaveLength(1)
  })

  it('writes the address it is given, and keeps a stream on hold', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { offer } = await relaying('rtpproxy_offer(, "198.51.100.9");', sock(rtp))
    expect(await offer()).toContain('c=IN IP4 198.51.100.9\r\n')
    expect(await offer(sdpOf('0.0.0.0', 5000), SDP_TYPE, 'c2')).toMatch(
      /c=IN IP4 0\.0\.0\.0\r\nt=0 0\r\nm=audio 40002 /,
    )
  })

  it('speaks of IPv6', async () => {
    const rtp = await FakeRtpProxy.udp(0, '::1')
    rtp.answer = command => (command.startsWith('U') ? '40000 2001:db8::7 6' : null)
    const { offer } = await relaying('rtpproxy_offer("r");', sock(rtp))
    const body = sdpOf('10.0.0.1', 5000).replace('c=IN IP4 10.0.0.1', 'c=IN IP6 2001:db8::1')
    expect(await offer(body)).toContain('c=IN IP6 2001:db8::7\r\n')
    expect(rtp.commands).toEqual(['U6c0,8 c1 2001:db8::1 5000 a;1'])
  })

  it('finds the description in a multipart body and leaves the other parts as they are', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { offer } = await relaying('rtpproxy_offer();', sock(rtp))
    const other = '--x\r\nContent-Type: application/isup\r\n\r\n\x01\x02m=audio 7\r\n'
    const body = `${other}--x\r\n${SDP_TYPE}\r\n${sdpOf('10.0.0.1', 5000)}\r\n--x--\r\n`
    const arrived = await offer(body, 'Content-Type: multipart/mixed;boundary=x\r\n')
    expect(arrived).toContain(other)
    expect(arrived).toContain('m=audio 40000 RTP/AVP 0 8\r\n')
  })

  it('takes a description out of a variable and puts the changed one back', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { offer, proxy } = await relaying(
      '$var(b) = $rb; rtpproxy_offer(,,,$var(s),$var(p),$var(b),"10.9.9.9"); xlog("at $var(p) of $var(s): $(var(b){s.len})\\n");',
      sock(rtp),
    )
    expect(await offer()).toBe(sdpOf('10.0.0.1', 5000))
    expect(proxy.log.join('')).toContain(`at 192.0.2.7:40000 of ${rtp.url}: `)
    expect(rtp.commands).toEqual(['UL10.9.9.9c0,8 c1 127.0.0.1 5000 a;1'])
  })

  it('fails on an error of the RTP proxy, on a message without description, and with unknown flags', async () => {
    const rtp = await FakeRtpProxy.udp()
    rtp.answer = command => (command.startsWith('U') ? 'E8' : null)
    const { alice, proxy } = await relaying(
      '$var(f) = "q"; if (!rtpproxy_offer() && !rtpproxy_offer($var(f))) { t_reply(503, "No media"); exit; }',
      sock(rtp),
    )
    alice.request('INVITE', proxy.port, { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    await alice.nextReply(503)
    alice.request('INVITE', proxy.port)
    await alice.nextReply(503)
  })

  it('refuses to load with an unknown flag', async () => {
    await expect(relaying('rtpproxy_offer("x");', sock())).rejects.toThrow('unknown flag "x"')
  })

  it('sends no command that Call-ID or tags would add words to', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { alice, bob, proxy } = await relaying('rtpproxy_offer();', sock(rtp))
    const text = alice.makeRequest('INVITE', { headers: SDP_TYPE, body: sdpOf('10.0.0.1', 5000) })
    alice.send(text.replace(/^Call-ID: .*$/m, 'Call-ID: a b'), proxy.port)
    await Promise.race([bob.nextRequest('INVITE'), alice.nextReply(400)])
    expect(rtp.commands).toEqual([])
  })
})

describe('rtpproxy_answer', () => {
  it('puts the proxy into the answer of an onreply_route', async () => {
    const rtp = await FakeRtpProxy.udp()
    const { alice, bob, proxy } = await relaying('rtpproxy_offer(); t_on_reply("media");', sock(rtp), {
      routes: 'onreply_route[media] { if (has_body("application/sdp")) rtpproxy_answer(); }',
    })
    alice.request('INVITE', proxy.port, {
      callId: 'c1',
      fromTag: 'a',
      headers: SDP_TYPE,
      body: sdpOf('10.0.0.1', 5000),
    })
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK', {
      toTag: 'b',
      headers: SDP_TYPE,
      body: sdpOf('10.0.0.2', 6000),
    })
    expect((await alice.nextReply(200)).body.toString()).toContain('m=audio 40002 RTP/AVP')
    expect(rtp.commands[1]).toBe('Lc0,8 c1 127.0.0.1 6000 a;1 b;1')
  })
})

describe('functions about a call', () => {
  it.each([
    ['rtpproxy_unforce();', 'D c1 a'],
    ['rtpproxy_start_recording();', 'R c1 a'],
    ['rtpproxy_stream2uac("hello", 3);', 'P3 c1 hello session a'],
    ['rtpproxy_stop_stream2uac();', 'S c1 a'],
  ])('%s sends %s', async (statement, command) => {
    const rtp = await FakeRtpProxy.udp()
    const { offer } = await relaying(`if (!${statement.slice(0, -1)}) exit;`, sock(rtp))
    await offer()
    expect(rtp.commands).toEqual([command])
  })

  it.each([
    ['rtpproxy_stream2uas("hello", -1);', 'P-1 c1 hello session b a'],
    ['rtpproxy_stop_stream2uas();', 'S c1 b a'],
  ])('%s sends %s inside a call', async (statement, command) => {
    const rtp = await FakeRtpProxy.udp()
    const { alice, bob, proxy } = await relaying(statement, sock(rtp))
    alice.request('INVITE', proxy.port, { callId: 'c1', fromTag: 'a', toTag: 'b' })
    await bob.nextRequest('INVITE')
    expect(rtp.commands).toEqual([command])
  })

  it('reads the counters of a call', async () => {
    const rtp = await FakeRtpProxy.udp()
    rtp.answer = command => {
      if (command.startsWith('Qv')) return 'ttl=50 npkts_ina=10'
      return command.startsWith('Q') ? '50 10 11 20 1' : null
    }
    const { offer, proxy } = await relaying(
      `rtpproxy_stats($var(u), $var(d), $var(s), $var(f)); rtpproxy_all_stats($avp(all));
       xlog("up $var(u) down $var(d) sent $var(s) fail $var(f) all $(avp(all)[1]) $(avp(all)[0])\\n");`,
      sock(rtp),
    )
    await offer()
    expect(proxy.log.join('')).toContain('up 10 down 11 sent 20 fail 1 all ttl=50 npkts_ina=10')
  })
})

describe('sets of RTP proxies', () => {
  it('choose by Call-ID in proportion to the weights, and pass over those that do not answer', async () => {
    const [light, heavy] = [await FakeRtpProxy.udp(), await FakeRtpProxy.udp()]
    const { offer, mi } = await relaying(
      'rtpproxy_offer(,,1);',
      `modparam("rtpproxy", "rtpproxy_sock", "1 == ${light.url} ${heavy.url}=3")`,
    )
    for (let i = 0; i < 40; i++) await offer(undefined, undefined, `call-${i}`)
    expect(light.commands.length + heavy.commands.length).toBe(40)
    expect(light.commands.length).toBeGreaterThan(3)
    expect(heavy.commands.length).toBeGreaterThan(light.commands.length)
    const before = heavy.commands.length
    await mi('rtpproxy:enable', [light.url, 0])
    for (let i = 0; i < 10; i++) await offer(undefined, undefined, `call-${i}-x`)
    expect(heavy.commands.length).toBe(before + 10)
  })

  it('go on to the next proxy when the chosen one is silent', async () => {
    const [dead, alive] = [await FakeRtpProxy.udp(), await FakeRtpProxy.udp()]
    dead.isSilent = true
    const { offer } = await relaying(
      'rtpproxy_offer();',
      `modparam("rtpproxy", "rtpproxy_sock", "${dead.url}=1000 ${alive.url}")
modparam("rtpproxy", "rtpproxy_timeout", "0.05")
modparam("rtpproxy", "rtpproxy_retr", 0)`,
    )
    expect(await offer()).toContain('m=audio 40000 ')
    expect(alive.commands).toHaveLength(1)
  })

  it('come from a table too, and are loaded anew on command', async () => {
    const [first, second] = [await FakeRtpProxy.udp(), await FakeRtpProxy.udp()]
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-rtpproxy-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const write = (...rows: readonly string[]) =>
      writeFileSync(
        join(folder, 'rtpproxy_sockets'),
        `id(int,auto) rtpproxy_sock(string) set_id(int)\n${rows.map(row => `${row}\n`).join('')}`,
      )
    const row = (id: number, url: string, set: number) => `${id}:${url.replaceAll(':', '\\:')}:${set}`
    write(row(1, first.url, 0))
    const { offer, mi } = await relaying('rtpproxy_offer();', `modparam("rtpproxy", "db_url", "text://${folder}")`)
    await offer()
    expect(first.commands).toHaveLength(1)
    write(row(1, second.url, 0))
    await mi('dbt_reload')
    expect(await mi('rtpproxy_reload')).toBe('OK')
    await offer(undefined, undefined, 'c2')
    expect(second.commands).toHaveLength(1)
    write(row(1, 'nonsense', 0))
    await mi('dbt_reload')
    await expect(mi('rtpproxy_reload')).rejects.toMatchObject({ code: 500 })
    await offer(undefined, undefined, 'c3')
    expect(second.commands).toHaveLength(2)
  })
})

describe('control sockets', () => {
  it('may be TCP', async () => {
    const rtp = await FakeRtpProxy.tcp()
    const { offer } = await relaying('rtpproxy_offer();', sock(rtp))
    expect(await offer()).toContain('m=audio 40000 ')
  })

  it('may be unix sockets, where commands have no cookie', async () => {
    const rtp = await FakeRtpProxy.unix(join(tmpdir(), `fanfare-rtpproxy-${process.pid}.sock`))
    const { offer } = await relaying('rtpproxy_offer();', sock(rtp))
    expect(await offer()).toContain('m=audio 40000 ')
    expect(rtp.commands).toEqual(['Uc0,8 c1 127.0.0.1 5000 a;1'])
  })

  it('that make no sense stop the start with a reason', async () => {
    await expect(relaying('', 'modparam("rtpproxy", "rtpproxy_sock", "sctp:x:1")')).rejects.toThrow(
      'expected udp:host:port, tcp:host:port or unix:/path',
    )
  })
})

describe('the notification socket', () => {
  it('turns keys into E_RTPPROXY_DTMF', async () => {
    const rtp = await FakeRtpProxy.udp()
    const port = await freePort()
    const { offer, proxy } = await relaying(
      'rtpproxy_offer("d");',
      `${sock(rtp)}\nmodparam("rtpproxy", "rtpp_notify_socket", "tcp:127.0.0.1:${port}")`,
    )
    const events: string[] = []
    proxy.proxy.host.bus.tail(event => {
      if (event.name === 'E_RTPPROXY_DTMF') events.push(JSON.stringify([event.names, event.values]))
    })
    await offer()
    expect(rtp.commands).toEqual([`UD101c0,8 c1 127.0.0.1 5000 a;1 tcp:127.0.0.1:${port} c:c1`])
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.write('c:c1 5 10 160')
    socket.write(' 0\nrubbish\nc:c1 X 1 1 0\nc:gone\nc:c1 # 7 80 1\n')
    const deadlineMs = performance.now() + 10_000
    while (events.length < 2 && performance.now() < deadlineMs) await new Promise(resolve => setImmediate(resolve))
    const names = '["digit","duration","volume","id","is_callid","stream"]'
    expect(events).toEqual([`[${names},["5",160,10,"c1",1,0]]`, `[${names},["#",80,7,"c1",1,1]]`])
  })
})
