import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { branchOf, callerRoute, roundTrip, until } from '../scenarios/rig.ts'
import { startAbused } from './abuse-rig.ts'
import { expectAsBefore } from './census.ts'

describe('messages that do harm', () => {
  it('10 000 stray replies: counted, none sent anywhere, nothing kept', async () => {
    const proxy = await startAbused()
    const target = await SipUa.open('target')
    const reply = (i: number) =>
      `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:${proxy.sip};branch=z9hG4bK${i}\r\nFrom: <sip:a@b>;tag=1\r\n` +
      `To: <sip:c@d>;tag=2\r\nCall-ID: ${i}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`
    for (let i = 0; i < 10_000; i++) {
      proxy.caller.send(reply(i), proxy.sip)
      if (i % 100 === 99) await roundTrip(proxy.caller, proxy.sip)
    }
    expect(proxy.stat('rcv_replies')).toBe(10_000)
    expect(proxy.stat('fwd_replies')).toBe(0)
    expect(target.received).toEqual([])
    await expectAsBefore(proxy, proxy.before)
  })

  it('a storm of retransmissions: one run of the script, one branch, each copy answered with the last reply', async () => {
    const proxy = await startAbused()
    const callee = await SipUa.open('bob')
    const invite = proxy.caller.makeRequest('INVITE', { uri: callee.uri })
    const copies = 2000
    for (let i = 0; i < copies; i++) {
      proxy.caller.send(invite, proxy.sip)
      if (i % 50 === 49) await roundTrip(proxy.caller, proxy.sip)
    }
    expect(proxy.logged('run INVITE')).toBe(1)
    expect(proxy.stat('inuse_transactions')).toBe(1)
    expect(callee.count({ method: 'INVITE' })).toBe(1)
    await until(() => proxy.caller.count({ status: 100 }) === copies)
    const request = await callee.nextRequest('INVITE')
    callee.reply(request, 486, 'Busy')
    await proxy.caller.nextReply(486)
    await expectAsBefore(proxy, proxy.before)
  })

  it('a spiral is served: the same request may come back with another Request-URI', async () => {
    const callee = await SipUa.open('bob')
    const proxy = await startAbused(
      `if ($rU == "one") { $ru = "sip:two@127.0.0.1:@SIP@"; } else if ($rU == "two") { $ru = "${callee.uri}"; }`.replace(
        '@SIP@',
        '$Rp',
      ),
    )
    const invite = proxy.caller.request('INVITE', proxy.sip, { uri: `sip:one@127.0.0.1:${proxy.sip}` })
    const request = await callee.nextRequest('INVITE')
    expect(request.vias).toHaveLength(3)
    expect(new Set(request.vias.map(via => via.branch)).size).toBe(3)
    callee.reply(request, 486, 'Busy')
    const busy = await proxy.caller.nextReply(486)
    proxy.caller.ack(invite, busy, proxy.sip)
    await expectAsBefore(proxy, proxy.before)
  })

  it('a loop ends with 483 when Max-Forwards is used up, with one transaction for each round', async () => {
    const proxy = await startAbused()
    const text = proxy.caller
      .makeRequest('MESSAGE', { uri: `sip:loop@127.0.0.1:${proxy.sip}` })
      .replace('Max-Forwards: 70', 'Max-Forwards: 20')
    proxy.caller.send(text, proxy.sip)
    await proxy.caller.nextReply(483)
    expect(proxy.logged('run MESSAGE')).toBe(20)
    await expectAsBefore(proxy, proxy.before)
  })

  it('with loop_guard a loop ends with 482 when it comes back for the first time, and a spiral is still served', async () => {
    const callee = await SipUa.open('bob')
    const proxy = await startAbused(
      `if ($rU == "one") { $ru = "sip:two@127.0.0.1:$Rp"; } else if ($rU == "two") { $ru = "${callee.uri}"; }`,
      'loop_guard=1',
    )
    proxy.caller.request('MESSAGE', proxy.sip, { uri: `sip:loop@127.0.0.1:${proxy.sip}` })
    await proxy.caller.nextReply(482)
    expect(proxy.logged('run MESSAGE')).toBe(1)
    proxy.caller.request('INFO', proxy.sip, { uri: `sip:one@127.0.0.1:${proxy.sip}` })
    const request = await callee.nextRequest('INFO')
    expect(request.vias).toHaveLength(3)
    callee.reply(request, 200, 'OK')
    await proxy.caller.nextReply(200)
    await expectAsBefore(proxy, proxy.before)
  })

  it('a callee that vanishes in mid-call: the BYE is answered 408, nothing is kept', async () => {
    const proxy = await startAbused()
    const callee = await SipUa.open('bob')
    const invite = proxy.caller.request('INVITE', proxy.sip, { uri: callee.uri })
    callee.reply(await callee.nextRequest('INVITE'), 200, 'OK')
    const ok = await proxy.caller.nextReply(200)
    const route = { ...callerRoute(ok), callId: invite.callId, fromTag: invite.fromTag }
    proxy.caller.request('ACK', proxy.sip, route)
    await callee.nextRequest('ACK')
    // From now on it is silent.
    proxy.caller.request('BYE', proxy.sip, { ...route, cseq: 2 })
    await callee.nextRequest('BYE')
    await proxy.clock.advance(30_000)
    await proxy.caller.nextReply(408, 'BYE')
    await expectAsBefore(proxy, proxy.before)
  })

  it('a TCP callee that vanishes in mid-call counts as unreachable', async () => {
    const proxy = await startAbused()
    const callee = await SipUa.open('bob', 'tcp')
    const invite = proxy.caller.request('INVITE', proxy.sip, { uri: callee.uri })
    callee.reply(await callee.nextRequest('INVITE'), 200, 'OK')
    const ok = await proxy.caller.nextReply(200)
    await callee.close()
    await until(() => proxy.proxy.host.network.connections.size === 0)
    const route = { ...callerRoute(ok), callId: invite.callId, fromTag: invite.fromTag }
    proxy.caller.request('BYE', proxy.sip, { ...route, cseq: 2 })
    await until(() => proxy.caller.received.some(message => message.cseqMethod === 'BYE' && message.status >= 400))
    await expectAsBefore(proxy, proxy.before)
  })

  it.each(['INVITE', 'MESSAGE'])(
    'a 200 to %s that has lost the Via of the caller: he gets a 500, nothing is kept',
    async method => {
      const proxy = await startAbused()
      const callee = await SipUa.open('bob')
      proxy.caller.request(method, proxy.sip, { uri: callee.uri })
      const reply = callee.makeReply(await callee.nextRequest(method), 200, 'OK')
      const [own, others] = [reply.indexOf('Via:'), reply.lastIndexOf('Via:')]
      expect(others).toBeGreaterThan(own)
      callee.send(reply.slice(0, others) + reply.slice(reply.indexOf('\r\n', others) + 2), proxy.sip)
      await proxy.caller.nextReply(500)
      await expectAsBefore(proxy, proxy.before)
    },
  )

  it('an ACK to nowhere is sent on once, never answered, and opens no transaction', async () => {
    const proxy = await startAbused()
    const callee = await SipUa.open('bob')
    proxy.caller.request('ACK', proxy.sip, { uri: callee.uri, toTag: 'nobody' })
    await callee.nextRequest('ACK')
    expect(proxy.stat('inuse_transactions')).toBe(0)
    await proxy.clock.advance(60_000)
    await roundTrip(proxy.caller, proxy.sip)
    expect(callee.count({ method: 'ACK' })).toBe(1)
    expect(proxy.caller.received.filter(message => message.cseqMethod === 'ACK')).toEqual([])
    await expectAsBefore(proxy, proxy.before)
  })

  it('a CANCEL that races a 200: it is answered, the 200 wins, no CANCEL reaches the callee', async () => {
    const proxy = await startAbused()
    const callee = await SipUa.open('bob')
    const invite = proxy.caller.request('INVITE', proxy.sip, { uri: callee.uri })
    callee.reply(await callee.nextRequest('INVITE'), 200, 'OK')
    proxy.caller.cancel(invite, proxy.sip)
    await proxy.caller.nextReply(200, 'INVITE')
    await proxy.caller.nextReply(200, 'CANCEL')
    await roundTrip(proxy.caller, proxy.sip)
    expect(proxy.caller.count({ status: 487 })).toBe(0)
    await expectAsBefore(proxy, proxy.before)
  })

  it('two 2xx from a fork both reach the caller, and the transaction still ends', async () => {
    const [one, two] = [await SipUa.open('one'), await SipUa.open('two')]
    const proxy = await startAbused(`$ru = "${one.uri}"; append_branch(); $(branch(uri)[0]) = "${two.uri}";`)
    proxy.caller.request('INVITE', proxy.sip, { uri: 'sip:bob@example.com' })
    const requests = [await one.nextRequest('INVITE'), await two.nextRequest('INVITE')] as const
    expect(branchOf(requests[0])).not.toBe(branchOf(requests[1]))
    one.reply(requests[0], 200, 'OK')
    two.reply(requests[1], 200, 'OK')
    const tags = [(await proxy.caller.nextReply(200)).toTag, (await proxy.caller.nextReply(200)).toTag]
    expect(tags.toSorted()).toEqual(['one-tag', 'two-tag'])
    await expectAsBefore(proxy, proxy.before)
  })
})
