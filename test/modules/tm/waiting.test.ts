import { describe, expect, it } from 'vitest'
import type { RouteContext } from '../../../src/script/context.ts'
import { target } from '../../../src/script/context.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { type Call, makeEventContext, tmRig } from './rig.ts'

/** A call that waits for branches; `relayTo` is where it goes meanwhile. */
async function waitingCall(options: { limit?: number; relay?: boolean } = {}) {
  const alice = await SipUa.open('alice')
  const bob = await SipUa.open('bob')
  const carol = await SipUa.open('carol')
  let run: Call = () => 0
  let request: RouteContext | undefined
  const rig = await tmRig({
    params: { fr_inv_timeout: 20 },
    main: (m, call) => {
      if (m.message.method === 'CANCEL') return call(m, 't_relay')
      run = call
      request = m
      call(m, 't_newtran')
      call(m, 't_wait_for_new_branches', ...(options.limit === undefined ? [] : [options.limit]))
      if (options.relay !== true) return 1
      m.target = target(bob.uri)
      return call(m, 't_relay')
    },
  })
  const invite = alice.request('INVITE', rig.port)
  await alice.nextReply(100)
  await expect.poll(() => request).toBeDefined()
  /** What event_routing does when a contact registers. */
  const register = (contact: SipUa, ...flags: string[]) => {
    const m = makeEventContext()
    const values = { uri: contact.uri, received: '', path: '', qval: -1, socket: '', bflags: 0 }
    for (const [name, value] of Object.entries(values)) m.avps.push(name, value)
    rig.api.attach(m, rig.api.current(request!)!)
    return run(m, 't_inject_branches', 'event', ...flags)
  }
  return { alice, bob, carol, rig, invite, register, run: (name: string) => run(request!, name) }
}

describe('t_wait_for_new_branches and t_inject_branches', () => {
  it('a branch injected later carries the call (scenario 10a)', async () => {
    const { alice, bob, rig, invite, register } = await waitingCall()
    await rig.clock.advance(3000)
    expect(register(bob)).toBe(1)
    const sent = await bob.nextRequest('INVITE')
    expect([sent.callId, sent.requestUri]).toEqual([invite.callId, bob.uri])
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    bob.reply(sent, 200, 'OK')
    await alice.nextReply(200)
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('nobody coming gives 408 after fr_inv_timeout (scenario 10b)', async () => {
    const { alice, rig } = await waitingCall()
    await rig.clock.advance(19_999)
    expect(alice.count({ status: 408 })).toBe(0)
    await rig.clock.advance(1)
    await alice.nextReply(408)
  })

  it('a refusal is held until then, and goes before the 408 (scenario 10b)', async () => {
    const { alice, bob, rig } = await waitingCall({ relay: true })
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await bob.nextRequest('ACK')
    await rig.clock.advance(19_999)
    expect(alice.count({ status: 486 })).toBe(0)
    await rig.clock.advance(1)
    await alice.nextReply(486)
  })

  it('an injected branch that answers has the others cancelled (scenario 10c)', async () => {
    const { alice, bob, carol, register } = await waitingCall({ relay: true })
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    register(carol)
    carol.reply(await carol.nextRequest('INVITE'), 200, 'OK')
    await alice.nextReply(200)
    const cancel = await bob.nextRequest('CANCEL')
    expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
  })

  it('"cancel" cancels what is pending (scenario 11)', async () => {
    const { alice, bob, carol, register } = await waitingCall({ relay: true })
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    register(carol, 'cancel')
    await bob.nextRequest('CANCEL')
    await carol.nextRequest('INVITE')
  })

  it('after the CANCEL of the caller nothing is injected (scenario 10e)', async () => {
    const { alice, bob, rig, invite, register } = await waitingCall()
    alice.cancel(invite, rig.port)
    await alice.nextReply(487, 'INVITE')
    expect(register(bob)).toBe(-2)
    expect(bob.received).toEqual([])
  })

  it('the CANCEL of the caller ends the wait with the ringing branch', async () => {
    const { alice, bob, rig, invite } = await waitingCall({ relay: true })
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 487, 'Request Terminated')
    await alice.nextReply(487, 'INVITE')
  })

  it('with a count the wait is over when so many have come', async () => {
    const { alice, bob, register } = await waitingCall({ limit: 1 })
    register(bob)
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await alice.nextReply(486)
  })

  it('t_wait_no_more_branches ends the wait', async () => {
    const { alice, bob, run } = await waitingCall({ relay: true })
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await bob.nextRequest('ACK')
    expect(run('t_wait_no_more_branches')).toBe(1)
    await alice.nextReply(486)
  })

  it('a gone transaction takes nothing', async () => {
    const { alice, rig, invite, register, bob } = await waitingCall()
    await rig.clock.advance(20_000)
    alice.ack(invite, await alice.nextReply(408), rig.port)
    await expect.poll(() => rig.clock.pending).toBe(1)
    await rig.clock.advance(5000)
    expect(register(bob)).toBe(-1)
  })

  it('waiting is for INVITE transactions only', async () => {
    const verdicts: unknown[] = []
    const alice = await SipUa.open('alice')
    const rig = await tmRig({
      main: (m, run) => {
        verdicts.push(run(m, 't_wait_for_new_branches'))
        run(m, 't_newtran')
        verdicts.push(run(m, 't_wait_for_new_branches'))
        return run(m, 't_reply', 200, 'OK')
      },
    })
    alice.request('OPTIONS', rig.port)
    await alice.nextReply(200)
    expect(verdicts).toEqual([-1, -1])
  })
})
