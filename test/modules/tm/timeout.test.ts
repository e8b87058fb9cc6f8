import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { tmRig, until } from './rig.ts'

async function call(params: Record<string, number> = {}, method = 'INVITE', before?: (rig: () => Rig) => BeforeRelay) {
  const alice = await SipUa.open('alice')
  const bob = await SipUa.open('bob')
  let made: Rig | undefined
  const prepare = before?.(() => made!)
  const rig = await tmRig({
    params,
    main: (m, run) => {
      m.target = target(bob.uri)
      prepare?.(m)
      return run(m, 't_relay')
    },
  })
  made = rig
  const request = alice.request(method, rig.port)
  const sent = await bob.nextRequest(method)
  return { alice, bob, rig, request, sent }
}
type Rig = Awaited<ReturnType<typeof tmRig>>
type BeforeRelay = (m: Parameters<Rig['pvar']>[0]) => void

describe('fr_timeout', () => {
  it('ends an INVITE without any reply with 408, without a CANCEL', async () => {
    const { alice, bob, rig } = await call()
    await rig.clock.advance(29_999)
    expect(alice.count({ status: 408 })).toBe(0)
    await rig.clock.advance(1)
    await alice.nextReply(408)
    expect(bob.count({ method: 'CANCEL' })).toBe(0)
    expect(rig.stat('tm:timeout_finalresponse')).toBe(1)
  })

  it('ends other requests whatever provisional replies came (RFC 3261 §17.1.2.2)', async () => {
    const { alice, bob, rig, sent } = await call({ fr_timeout: 5 }, 'OPTIONS')
    bob.reply(sent, 100, 'Trying')
    await until(() => rig.stat('tm:received_replies') === 1)
    await rig.clock.advance(5000)
    await alice.nextReply(408)
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('can be set for one transaction before it exists', async () => {
    const { alice, rig } = await call({}, 'INVITE', rig => m => void rig().setPvar(m, 'T_fr_timeout', 3))
    await rig.clock.advance(3000)
    await alice.nextReply(408)
  })
})

describe('fr_inv_timeout, timer C of RFC 3261 §16.8', () => {
  it('cancels a ringing branch, with the reason, and ends it with 408', async () => {
    const { alice, bob, rig, sent } = await call({ fr_inv_timeout: 20 })
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(20_000)
    const cancel = await bob.nextRequest('CANCEL')
    expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=480;text="NO_ANSWER"')
    await alice.nextReply(408)
    expect(rig.stat('tm:timeout_finalresponse_inv')).toBe(1)
  })

  it('starts anew with each provisional reply', async () => {
    const { alice, bob, rig, sent } = await call({ fr_inv_timeout: 20 })
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(15_000)
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(15_000)
    expect(alice.count({ status: 408 })).toBe(0)
    await rig.clock.advance(5000)
    await alice.nextReply(408)
  })

  it('does not with restart_fr_on_each_reply = 0, unless the code is higher than before', async () => {
    const { alice, bob, rig, sent } = await call({ fr_inv_timeout: 20, restart_fr_on_each_reply: 0 })
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(15_000)
    bob.reply(sent, 183, 'Progress')
    await alice.nextReply(183)
    await rig.clock.advance(15_000)
    bob.reply(sent, 183, 'Progress')
    await alice.nextReply(183)
    await rig.clock.advance(5000)
    await alice.nextReply(408)
  })

  it('can be set for one transaction before it exists', async () => {
    const { alice, bob, rig, sent } = await call({}, 'INVITE', rig => m => void rig().setPvar(m, 'T_fr_inv_timeout', 7))
    bob.reply(sent, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(7000)
    await alice.nextReply(408)
  })
})

describe('a target with several addresses (RFC 3263 §4.3, tm reference 6)', () => {
  it('is tried at the next one after a timeout, before the failure_route', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    let failures = 0
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(`sip:bob@127.0.0.1:${bob.port}`)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: { 'failure f': () => void failures++ },
    })
    const { engine } = rig
    const resolve = engine.resolve.bind(engine)
    engine.resolve = uri => {
      const hops = resolve(uri)
      // Nobody listens on the discard port of another loopback address.
      return hops instanceof Promise ? hops : [{ ...hops[0]!, address: '127.0.0.2', port: 9 }, ...hops]
    }
    alice.request('INVITE', rig.port)
    await alice.nextReply(100)
    await rig.clock.advance(30_000)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 503, 'Busy')
    await alice.nextReply(500)
    expect(failures).toBe(1)
  })

  it('over TCP is tried at the next one when the connection fails', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob', 'tcp')
    const closed = await SipUa.open('closed')
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        return run(m, 't_relay')
      },
    })
    const { engine } = rig
    const resolve = engine.resolve.bind(engine)
    engine.resolve = uri => {
      const hops = resolve(uri)
      return hops instanceof Promise ? hops : [{ ...hops[0]!, port: closed.port }, ...hops]
    }
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    await alice.nextReply(200)
  })
})
