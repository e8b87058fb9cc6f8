import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { firstLine, SipUa } from '../../support/sip-ua.ts'
import { type Route, tmRig, until } from './rig.ts'

async function setUp(main: (bobUri: string) => Route, proto: 'udp' | 'tcp' = 'udp') {
  const alice = await SipUa.open('alice', proto)
  const bob = await SipUa.open('bob')
  let runs = 0
  const route = main(bob.uri)
  const rig = await tmRig({
    main: (m, run) => {
      runs++
      return route(m, run)
    },
  })
  return { alice, bob, rig, port: rig.socket(proto).port, runs: () => runs }
}

const relayTo =
  (uri: string): Route =>
  (m, run) => {
    m.target = target(uri)
    return run(m, 't_relay')
  }
const refuse = (): Route => (m, run) => run(m, 't_reply', 486, 'Busy Here')

describe('retransmissions of requests', () => {
  it('get the 486 again without a run of the script, and a new transaction once all is over', async () => {
    const { alice, rig, port, runs } = await setUp(refuse)
    const invite = alice.request('INVITE', port)
    const text = invite.bytes
    const first = await alice.nextReply(486)
    alice.send(text, port)
    expect((await alice.nextReply(486)).bytes).toEqual(first.bytes)
    expect(runs()).toBe(1)
    alice.ack(invite, first, port)
    await until(() => rig.clock.pending === 1)
    await rig.clock.advance(5000)
    expect(rig.stat('tm:inuse_transactions')).toBe(0)
    alice.send(text, port)
    await alice.nextReply(486)
    expect(runs()).toBe(2)
  })

  it('get the reply again also when the transaction has shed its request, and repeated replies go no further', async () => {
    const { alice, bob, rig, port, runs } = await setUp(relayTo)
    const text = alice.makeRequest('BYE')
    alice.send(text, port)
    const bye = await bob.nextRequest('BYE')
    bob.reply(bye, 200, 'OK')
    const first = await alice.nextReply(200)
    alice.send(text, port)
    expect((await alice.nextReply(200)).bytes).toEqual(first.bytes)
    bob.reply(bye, 200, 'OK')
    await until(() => rig.stat('tm:received_replies') === 2)
    expect([runs(), bob.count({ method: 'BYE' }), alice.count({ status: 200 })]).toEqual([1, 1, 2])
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('of an RFC 2543 peer within a dialog are known also when the transaction has its reply', async () => {
    const { alice, bob, port, runs } = await setUp(relayTo)
    const text = alice.makeRequest('BYE', { toTag: 'bob-tag', branch: '1' })
    alice.send(text, port)
    bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
    const first = await alice.nextReply(200)
    alice.send(text, port)
    expect((await alice.nextReply(200)).bytes).toEqual(first.bytes)
    expect([runs(), bob.count({ method: 'BYE' })]).toEqual([1, 1])
  })

  it('get the last provisional reply again', async () => {
    const { alice, bob, port, runs } = await setUp(relayTo)
    const text = alice.makeRequest('INVITE')
    alice.send(text, port)
    bob.reply(await bob.nextRequest('INVITE'), 183, 'Progress')
    await alice.nextReply(183)
    alice.send(text, port)
    await alice.nextReply(183)
    expect([runs(), bob.count({ method: 'INVITE' })]).toEqual([1, 1])
  })

  it('are repeated towards the next hop by our own timers only', async () => {
    const { alice, bob, rig, port } = await setUp(relayTo)
    alice.request('INVITE', port)
    await bob.nextRequest('INVITE')
    await rig.clock.advance(1500)
    await bob.nextRequest('INVITE')
    await bob.nextRequest('INVITE')
    expect(rig.stat('tm:retransmission_req_T1_1')).toBe(1)
    expect(rig.stat('tm:retransmission_req_T1_2')).toBe(1)
  })

  it('of a request in a transaction are seen by t_newtran as 0', async () => {
    const verdicts: unknown[] = []
    const { alice, port } = await setUp(() => (m, run) => {
      verdicts.push(run(m, 't_newtran'), run(m, 't_newtran'))
      return run(m, 't_reply', 200, 'OK')
    })
    alice.request('OPTIONS', port)
    await alice.nextReply(200)
    expect(verdicts).toEqual([1, -10])
  })
})

describe('ACK', () => {
  it('of a negative reply is absorbed, and ends its repetition (RFC 3261 §17.2.1)', async () => {
    const { alice, rig, port, runs } = await setUp(refuse)
    const invite = alice.request('INVITE', port)
    const reply = await alice.nextReply(486)
    await rig.clock.advance(1500)
    await alice.nextReply(486)
    await alice.nextReply(486)
    alice.ack(invite, reply, port)
    await until(() => rig.clock.pending === 1)
    await rig.clock.advance(10_000)
    expect([alice.count({ status: 486 }), runs(), rig.clock.pending]).toEqual([3, 1, 0])
  })

  it('of a negative reply that never comes ends the transaction after fr_timeout (RFC 3261 §17.2.1)', async () => {
    const { alice, rig, port } = await setUp(refuse)
    alice.request('INVITE', port)
    await alice.nextReply(486)
    await rig.clock.advance(30_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('of a 200 made here is absorbed by its To tag', async () => {
    const { alice, port, runs } = await setUp(() => (m, run) => run(m, 't_reply', 200, 'OK'))
    const invite = alice.request('INVITE', port)
    const ok = await alice.nextReply(200)
    const ids = { callId: invite.callId, fromTag: invite.fromTag, cseq: invite.cseq }
    alice.request('ACK', port, { ...ids, toTag: ok.toTag })
    alice.request('OPTIONS', port)
    await alice.nextReply(200, 'OPTIONS')
    expect(runs()).toBe(2)
  })

  it('of a relayed 200 runs the script, is known as such, and goes on without a transaction', async () => {
    const verdicts: unknown[] = []
    const { alice, bob, rig, port } = await setUp(uri => (m, run) => {
      if (m.message.method === 'ACK') verdicts.push(run(m, 't_check_trans'), run(m, 't_newtran'))
      m.target = target(uri)
      return run(m, 't_relay')
    })
    const invite = alice.request('INVITE', port)
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    const ok = await alice.nextReply(200)
    const ids = { callId: invite.callId, fromTag: invite.fromTag, cseq: invite.cseq }
    const ack = alice.request('ACK', port, { ...ids, toTag: ok.toTag })
    const passed = await bob.nextRequest('ACK')
    expect(verdicts).toEqual([-2, 1])
    expect([passed.vias.length, passed.vias[1]?.branch]).toEqual([2, ack.topVia?.branch])
    expect(rig.stat('tm:inuse_transactions')).toBe(1)
  })

  it('gets no reply', async () => {
    const { alice, port } = await setUp(refuse)
    alice.request('ACK', port)
    alice.request('OPTIONS', port)
    await alice.nextReply(486, 'OPTIONS')
    expect(alice.received.length).toBe(1)
  })
})

describe('over TCP', () => {
  it('nothing is repeated and the ACK ends the transaction (RFC 3261 §17.2.1)', async () => {
    const { alice, rig, port } = await setUp(refuse, 'tcp')
    const invite = alice.request('INVITE', port)
    const reply = await alice.nextReply(486)
    await rig.clock.advance(10_000)
    expect(alice.count({ status: 486 })).toBe(1)
    alice.ack(invite, reply, port)
    await until(() => rig.stat('tm:inuse_transactions') === 0)
  })

  it('a call goes through to UDP and back', async () => {
    const { alice, bob, port } = await setUp(relayTo, 'tcp')
    alice.request('INVITE', port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    bob.reply(sent, 200, 'OK')
    await alice.nextReply(180)
    expect(firstLine(await alice.nextReply(200))).toBe('SIP/2.0 200 OK')
  })
})

describe('a transaction the script did nothing with', () => {
  it('is logged, and released after wt_timer', async () => {
    const { alice, rig, port } = await setUp(() => (m, run) => run(m, 't_newtran'))
    alice.request('INVITE', port)
    await alice.nextReply(100)
    await until(() => rig.log.lines.some(line => line.startsWith('error the script neither')))
    expect(rig.stat('tm:inuse_transactions')).toBe(1)
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('but send a provisional reply ends with 408 after fr_inv_timeout', async () => {
    const { alice, rig, port } = await setUp(() => (m, run) => run(m, 't_reply', 183, 'Wait'))
    const invite = alice.request('INVITE', port)
    await alice.nextReply(183)
    await until(() => rig.clock.pending === 1)
    await rig.clock.advance(120_000)
    alice.ack(invite, await alice.nextReply(408), port)
    await until(() => rig.clock.pending === 1)
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })
})

describe('RFC 2543 callers', () => {
  it('have their retransmissions and ACKs matched without a branch', async () => {
    const { alice, rig, port, runs } = await setUp(refuse)
    const text = alice.makeRequest('INVITE').replace(/;branch=[^\r]*/, '')
    alice.send(text, port)
    const reply = await alice.nextReply(486)
    alice.send(text, port)
    await alice.nextReply(486)
    const ack = text
      .replace(/^INVITE/, 'ACK')
      .replace(/INVITE\r/, 'ACK\r')
      .replace(/(To: [^\r]*)/, `$1;tag=${reply.toTag}`)
    alice.send(ack, port)
    await until(() => rig.clock.pending === 1)
    expect(runs()).toBe(1)
  })
})
