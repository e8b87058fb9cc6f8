import { describe, expect, it } from 'vitest'
import { target } from '../../src/script/context.ts'
import { firstLine, headerOf, SipUa } from '../support/sip-ua.ts'
import { type Route, tmRig, until } from './tm/rig.ts'

async function answering(main: Route) {
  const alice = await SipUa.open('alice')
  let runs = 0
  const rig = await tmRig({
    main: (m, run) => {
      runs++
      return main(m, run)
    },
  })
  return { alice, rig, runs: () => runs }
}

describe('sl_send_reply', () => {
  it('answers without a transaction, with a To tag that stays the same (RFC 3261 §8.2.7)', async () => {
    const { alice, rig, runs } = await answering((m, run) => run(m, 'sl_send_reply', 404, 'Not Found'))
    const text = alice.makeRequest('OPTIONS')
    alice.send(text, rig.port)
    const first = await alice.nextReply(404)
    alice.send(text, rig.port)
    expect((await alice.nextReply(404)).toTag).toBe(first.toTag)
    expect(first.toTag).not.toBe('')
    expect([runs(), rig.stat('tm:inuse_transactions'), rig.stat('sl:4xx_replies')]).toEqual([2, 0, 2])
  })

  it('absorbs the ACK of its answer before the script, and no other (scenario 30c)', async () => {
    const { alice, rig, runs } = await answering((m, run) => run(m, 'sl_send_reply', 404, 'Not Found'))
    const invite = alice.request('INVITE', rig.port)
    const reply = await alice.nextReply(404)
    alice.ack(invite, reply, rig.port)
    await until(() => rig.stat('sl:received_ACKs') === 1)
    expect(runs()).toBe(1)
    alice.request('ACK', rig.port, { toTag: 'other' })
    await until(() => runs() === 2)
  })

  it('no longer knows the ACK two seconds later', async () => {
    const { alice, rig, runs } = await answering((m, run) => run(m, 'sl_send_reply', 404, 'Not Found'))
    const invite = alice.request('INVITE', rig.port)
    const reply = await alice.nextReply(404)
    await rig.clock.advance(2001)
    alice.ack(invite, reply, rig.port)
    await until(() => runs() === 2)
  })

  it('names the destination set in a 3xx', async () => {
    const { alice, rig } = await answering((m, run) => {
      m.target = { ...target('sip:bob@192.0.2.1'), q: 500 }
      m.branches = [target('sip:bob@192.0.2.2')]
      return run(m, 'sl_send_reply', 302, 'Moved Temporarily')
    })
    alice.request('INVITE', rig.port)
    expect(headerOf(await alice.nextReply(302), 'Contact')).toBe('<sip:bob@192.0.2.1>;q=0.5, <sip:bob@192.0.2.2>')
  })

  it('says 1 for an ACK and sends nothing', async () => {
    const verdicts: unknown[] = []
    const { alice, rig } = await answering((m, run) => void verdicts.push(run(m, 'sl_send_reply', 200, 'OK')))
    alice.request('ACK', rig.port)
    await until(() => verdicts.length === 1)
    expect([verdicts, rig.stat('sl:sent_replies')]).toEqual([[1], 0])
  })
})

describe('sl_reply_error', () => {
  it('tells what the statement before failed with', async () => {
    const { alice, rig } = await answering((m, run) => {
      m.rc = -477
      return run(m, 'sl_reply_error')
    })
    alice.request('OPTIONS', rig.port)
    expect(firstLine(await alice.nextReply(477))).toBe('SIP/2.0 477 Send failed (477/SL)')
    expect(rig.stat('sl:sent_err_replies')).toBe(1)
  })

  it('sends nothing where the request has its final reply', async () => {
    const { alice, rig } = await answering((m, run) => {
      run(m, 'sl_send_reply', 503, 'Full')
      return run(m, 'sl_reply_error')
    })
    alice.request('OPTIONS', rig.port)
    alice.request('INFO', rig.port)
    await alice.nextReply(503, 'INFO')
    expect(alice.received.map(reply => reply.status)).toEqual([503, 503])
    expect(rig.stat('sl:sent_err_replies')).toBe(0)
  })
})
