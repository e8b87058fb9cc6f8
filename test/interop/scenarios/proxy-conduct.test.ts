import { createSocket } from 'node:dgram'
import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'
import { branchOf, roundTrip, Stream, until } from './rig.ts'

/** A proxy with these statements in its main route, between two phones; `@BOB@` is bob's port. */
async function proxyWith(route: string, params = '') {
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const clock = new VirtualClock()
  const started = await startProxy(
    `
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
${params}
route { ${route.replaceAll('@BOB@', String(bob.port))} }`,
    { clock },
  )
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const stat = (name: string) => started.proxy.host.stats.find(name)?.read()
  return { alice, bob, clock, port: started.port, stat }
}
const TO_BOB = '$du = "sip:127.0.0.1:@BOB@"; t_relay();'

describe('what RFC 3261 asks of a proxy', () => {
  it('an INVITE gets a 100 before it is sent on', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.request('INVITE', port)
    await alice.nextReply(100)
    await bob.nextRequest('INVITE')
  })

  it('a request other than INVITE that nobody answers ends with 408', async () => {
    const { alice, bob, clock, port } = await proxyWith(TO_BOB)
    alice.request('MESSAGE', port)
    await bob.nextRequest('MESSAGE')
    await clock.advance(30_500)
    await alice.nextReply(408)
  })

  it('with non_invite_408=0 it ends without a word, and so does one whose branch says 408', async () => {
    const params = 'modparam("tm", "non_invite_408", 0)'
    const { alice, bob, clock, port, stat } = await proxyWith(TO_BOB, params)
    alice.request('MESSAGE', port)
    await bob.nextRequest('MESSAGE')
    alice.request('MESSAGE', port)
    bob.reply(await bob.nextRequest('MESSAGE'), 408, 'Request Timeout')
    await roundTrip(bob, port)
    await clock.advance(40_000)
    await roundTrip(alice, port)
    expect(alice.count({ status: 408 })).toBe(0)
    expect(stat('inuse_transactions')).toBe(0)
  })

  it('the same request with another branch is another transaction', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    const options = { callId: 'merged', fromTag: 'a', cseq: 4 }
    alice.request('MESSAGE', port, { ...options, branch: 'z9hG4bKone' })
    const first = await bob.nextRequest('MESSAGE')
    alice.request('MESSAGE', port, { ...options, branch: 'z9hG4bKtwo' })
    const second = await bob.nextRequest('MESSAGE')
    expect(branchOf(second)).not.toBe(branchOf(first))
    expect(alice.count({ status: 482 })).toBe(0)
  })

  it('a Request-URI of an unknown scheme is answered with 416 when it is relayed', async () => {
    const { alice, port } = await proxyWith('t_relay();')
    alice.request('MESSAGE', port, { uri: 'nobody:knows' })
    await alice.nextReply(416)
  })

  it('a script refuses an unknown Proxy-Require with 420 and Unsupported', async () => {
    const { alice, port } = await proxyWith(`
if ($hdr(Proxy-Require) != NULL) {
  append_to_reply("Unsupported: $hdr(Proxy-Require)\\r\\n");
  send_reply(420, "Bad Extension");
}`)
    alice.request('MESSAGE', port, { headers: 'Proxy-Require: nothingSupportsThis\r\n' })
    expect(headerOf(await alice.nextReply(420), 'Unsupported')).toBe('nothingSupportsThis')
  })

  it('the To tag of a relayed reply stays as it is, also when there is none', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.request('MESSAGE', port)
    const first = await bob.nextRequest('MESSAGE')
    bob.reply(first, 200, 'OK', { toTag: 'his-own' })
    expect((await alice.nextReply(200)).toTag).toBe('his-own')
    alice.request('MESSAGE', port)
    const second = await bob.nextRequest('MESSAGE')
    bob.send(bob.makeReply(second, 202, 'Accepted').replace(/;tag=bob-tag/, ''), port)
    expect((await alice.nextReply(202)).toTag).toBe('')
  })

  it('of two 200s to a forked MESSAGE the caller gets one', async () => {
    const { alice, bob, port } = await proxyWith(
      '$ru = "sip:one@127.0.0.1:@BOB@"; append_branch("sip:two@127.0.0.1:@BOB@"); t_relay();',
    )
    alice.request('MESSAGE', port)
    const branches = [await bob.nextRequest('MESSAGE'), await bob.nextRequest('MESSAGE')]
    for (const branch of branches) bob.reply(branch, 200, 'OK')
    await alice.nextReply(200, 'MESSAGE')
    await roundTrip(bob, port)
    await roundTrip(alice, port)
    expect(alice.count({ status: 200, method: 'MESSAGE' })).toBe(1)
  })

  it('the CANCEL it sends has what the INVITE it sent has, and a single Via', async () => {
    const { alice, bob, port } = await proxyWith(`if (is_method("CANCEL")) { t_relay(); exit; } ${TO_BOB}`)
    const invite = alice.request('INVITE', port, { headers: 'Route: <sip:127.0.0.1;lr;next>\r\n' })
    const arrived = await bob.nextRequest('INVITE')
    bob.reply(arrived, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, port)
    const cancel = await bob.nextRequest('CANCEL')
    expect(cancel.requestUri).toBe(arrived.requestUri)
    for (const name of ['From', 'To', 'Call-ID', 'Route']) expect(headerOf(cancel, name)).toBe(headerOf(arrived, name))
    expect([cancel.cseq, cancel.cseqMethod]).toEqual([arrived.cseq, 'CANCEL'])
    expect(cancel.vias.map(via => via.branch)).toEqual([branchOf(arrived)])
  })

  it('the ACK it sends for a refusal has what the INVITE it sent has, and the To of the refusal', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.request('INVITE', port)
    const arrived = await bob.nextRequest('INVITE')
    bob.reply(arrived, 486, 'Busy Here', { toTag: 'busy' })
    const ack = await bob.nextRequest('ACK')
    expect(ack.requestUri).toBe(arrived.requestUri)
    for (const name of ['From', 'Call-ID']) expect(headerOf(ack, name)).toBe(headerOf(arrived, name))
    expect([ack.cseq, ack.cseqMethod, ack.toTag]).toEqual([arrived.cseq, 'ACK', 'busy'])
    expect(ack.vias.map(via => via.branch)).toEqual([branchOf(arrived)])
  })

  it('a stream whose headers do not end is closed at the limit', async () => {
    const { port } = await proxyWith(TO_BOB)
    const stream = await Stream.open(port)
    stream.write('MESSAGE sip:bob@127.0.0.1 SIP/2.0\r\n')
    for (let i = 0; i < 200 && !stream.isClosed; i++) {
      stream.write(`X-Long: ${'x'.repeat(4_000)}\r\n`)
      await new Promise(resolve => setImmediate(resolve))
    }
    await until(() => stream.isClosed)
  })

  it('a STUN request to the SIP port gets no answer', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.send(Buffer.from('000100002112a442000102030405060708090a0b', 'hex'), port)
    await roundTrip(bob, port)
    await roundTrip(alice, port)
    expect(alice.received).toHaveLength(1)
  })

  it('a 302 is not followed but passed on', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.request('MESSAGE', port)
    bob.reply(await bob.nextRequest('MESSAGE'), 302, 'Moved')
    expect((await alice.nextReply(302)).reason).toBe('Moved')
    expect(bob.count({ method: 'MESSAGE' })).toBe(1)
  })

  it('an ACK that belongs to nothing is relayed as the script says', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    alice.request('ACK', port, { toTag: 'unknown' })
    expect((await bob.nextRequest('ACK')).vias).toHaveLength(2)
    expect(alice.received).toEqual([])
  })

  it('Record-Route has lr, and comes back to the caller in the 180 and the 200', async () => {
    const { alice, bob, port } = await proxyWith(`record_route(); ${TO_BOB}`)
    alice.request('INVITE', port)
    const invite = await bob.nextRequest('INVITE')
    const recorded = headersOf(invite, 'Record-Route')
    expect(recorded).toEqual([expect.stringMatching(new RegExp(`^<sip:127\\.0\\.0\\.1:${port};lr`))])
    bob.reply(invite, 180, 'Ringing')
    bob.reply(invite, 200, 'OK')
    for (const status of [180, 200]) expect(headersOf(await alice.nextReply(status), 'Record-Route')).toEqual(recorded)
  })

  it('a reply is never answered, whatever is wrong with it', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    const stray = `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKx\r\n`
    alice.send(`${stray}Content-Length: 0\r\n\r\n`, port)
    alice.send(`${stray}From: nonsense\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 99999999999 INVITE\r\n\r\n`, port)
    await roundTrip(bob, port)
    expect(alice.received).toEqual([])
  })

  it('a request of several thousand bytes goes on over UDP as it came', async () => {
    const { alice, bob, port } = await proxyWith(TO_BOB)
    const body = 'long '.repeat(4_000)
    alice.request('MESSAGE', port, { body })
    expect((await bob.nextRequest('MESSAGE')).body.toString()).toBe(body)
  })

  it('a reply leaves from the socket its request arrived on', async () => {
    const { alice, port } = await proxyWith('send_reply(200, "OK");')
    const sources: number[] = []
    const socket = createSocket('udp4')
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    await new Promise<void>(resolve => void socket.bind(0, '127.0.0.1', resolve))
    const answered = new Promise<void>(resolve => {
      socket.on('message', (_, from) => {
        sources.push(from.port)
        resolve()
      })
    })
    const text = alice.makeRequest('MESSAGE').replace(`127.0.0.1:${alice.port};`, `127.0.0.1:${socket.address().port};`)
    socket.send(text, port, '127.0.0.1')
    await answered
    expect(sources).toEqual([port])
  })
})
