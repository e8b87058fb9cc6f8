import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { firstLine, headerOf, SipUa } from '../../support/sip-ua.ts'
import { type Route, tmRig } from './rig.ts'

async function call(options: { main?: Route; failure?: Route; params?: Record<string, number> } = {}) {
  const alice = await SipUa.open('alice')
  const bob = await SipUa.open('bob')
  const main: Route = (m, run) => {
    if (m.message.method === 'CANCEL') return run(m, 't_check_trans') === 1 ? run(m, 't_relay') : 1
    m.target = target(bob.uri)
    if (options.failure !== undefined) run(m, 't_on_failure', 'f')
    return options.main?.(m, run) ?? run(m, 't_relay')
  }
  const rig = await tmRig({
    main,
    params: options.params ?? {},
    routes: options.failure === undefined ? {} : { 'failure f': options.failure },
  })
  const invite = alice.request('INVITE', rig.port)
  return { alice, bob, rig, invite }
}

describe('CANCEL by the caller (RFC 3261 §9, §16.10)', () => {
  it('before any provisional reply is held back until the first one (§9.1)', async () => {
    const { alice, bob, rig, invite } = await call()
    const sent = await bob.nextRequest('INVITE')
    alice.cancel(invite, rig.port)
    expect(firstLine(await alice.nextReply(200, 'CANCEL'))).toBe('SIP/2.0 200 canceling')
    expect(bob.count({ method: 'CANCEL' })).toBe(0)
    bob.reply(sent, 100, 'Trying')
    const cancel = await bob.nextRequest('CANCEL')
    expect([cancel.requestUri, cancel.cseq, cancel.toTag]).toEqual([sent.requestUri, sent.cseq, ''])
    bob.reply(cancel, 200, 'OK')
    bob.reply(sent, 487, 'Request Terminated')
    const ack = await bob.nextRequest('ACK')
    expect([ack.topVia?.branch, ack.toTag]).toEqual([sent.topVia?.branch, 'bob-tag'])
    const refusal = await alice.nextReply(487)
    alice.ack(invite, refusal, rig.port)
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('that crosses a 200 is answered, and the 200 wins (§9.2)', async () => {
    const { alice, bob, rig, invite } = await call()
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    await alice.nextReply(200, 'CANCEL')
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 200, 'OK')
    expect((await alice.nextReply(200, 'INVITE')).toTag).toBe('bob-tag')
  })

  it('after the 200 is answered and goes no further (§9.2)', async () => {
    const { alice, bob, rig, invite } = await call()
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    alice.cancel(invite, rig.port)
    await alice.nextReply(200, 'CANCEL')
    expect(bob.count({ method: 'CANCEL' })).toBe(0)
  })

  it('that is repeated gets the same 200, and Bob one CANCEL (§17.2.2)', async () => {
    const { alice, bob, rig, invite } = await call()
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    const first = await alice.nextReply(200, 'CANCEL')
    alice.cancel(invite, rig.port)
    expect((await alice.nextReply(200, 'CANCEL')).bytes).toEqual(first.bytes)
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 487, 'Request Terminated')
    await alice.nextReply(487)
    expect(bob.count({ method: 'CANCEL' })).toBe(1)
  })

  it('of an INVITE that went nowhere yet is followed by 487 at once (§9.2)', async () => {
    const { alice, bob, rig, invite } = await call({
      main: (m, run) => {
        run(m, 't_newtran')
        return run(m, 't_wait_for_new_branches')
      },
    })
    await alice.nextReply(100)
    alice.cancel(invite, rig.port)
    const ok = await alice.nextReply(200, 'CANCEL')
    const refusal = await alice.nextReply(487, 'INVITE')
    // RFC 3261 §9.2: the To tags SHOULD be the same.
    expect(ok.toTag).toBe(refusal.toTag)
    expect(bob.received).toEqual([])
    alice.ack(invite, refusal, rig.port)
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('of an unknown transaction finds nothing', async () => {
    const { alice, rig } = await call()
    const verdicts: unknown[] = []
    const other = await tmRig({ main: (m, run) => void verdicts.push(run(m, 't_check_trans')) })
    const invite = alice.request('INVITE', rig.port)
    alice.cancel(invite, other.port)
    alice.request('OPTIONS', other.port)
    await expect.poll(() => verdicts).toEqual([-1, -1])
  })

  it('of an unknown transaction is forwarded like a request when relayed', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        return run(m, 't_relay')
      },
    })
    const invite = alice.request('OPTIONS', bob.port)
    alice.cancel(invite, rig.port)
    const cancel = await bob.nextRequest('CANCEL')
    expect(cancel.vias.length).toBe(2)
    bob.reply(cancel, 481, 'Call/Transaction Does Not Exist')
    await alice.nextReply(481)
  })

  it('ends a branch that never answered with 487 for the caller', async () => {
    const { alice, bob, rig, invite } = await call()
    await bob.nextRequest('INVITE')
    alice.cancel(invite, rig.port)
    await alice.nextReply(200, 'CANCEL')
    await rig.clock.advance(30_000)
    await alice.nextReply(487, 'INVITE')
  })

  it('lets the failure_route know, which can fork no more', async () => {
    const seen: unknown[] = []
    const { alice, bob, rig, invite } = await call({
      failure: (m, run) => void seen.push(run(m, 't_was_cancelled'), run(m, 't_relay')),
    })
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 487, 'Request Terminated')
    await alice.nextReply(487, 'INVITE')
    expect(seen).toEqual([1, -3])
  })

  it('passes its Reason on when asked for, and what t_add_cancel_reason adds (RFC 3326)', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    const rig = await tmRig({
      main: (m, run) => {
        if (m.message.method === 'CANCEL') run(m, 't_add_cancel_reason', 'Reason: X ;cause=1\r\n')
        else m.target = target(bob.uri)
        return run(m, 't_relay', 'pass-reason-hdr')
      },
    })
    const invite = alice.request('INVITE', rig.port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port, 'Reason: SIP;cause=600\r\n')
    const cancel = await bob.nextRequest('CANCEL')
    const at = cancel.findNamed('Reason')
    expect([headerOf(cancel, 'Reason'), cancel.headerValue(at + 1)]).toEqual(['X ;cause=1', 'SIP;cause=600'])
  })

  it('an unanswered CANCEL and INVITE leave nothing behind (§9.1)', async () => {
    const { alice, bob, rig, invite } = await call()
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    await bob.nextRequest('CANCEL')
    await rig.clock.advance(30_000)
    const refusal = await alice.nextReply(487, 'INVITE')
    alice.ack(invite, refusal, rig.port)
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })
})
