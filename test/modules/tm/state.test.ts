import { describe, expect, it } from 'vitest'
import { messageSlot, target } from '../../../src/script/context.ts'
import { dummyContext } from '../../../src/script/dummy.ts'
import type { AsyncCall } from '../../../src/script/environment.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tmRig, until } from './rig.ts'

const call = (parts: Partial<AsyncCall>): AsyncCall => ({
  start: () => 1,
  resume: () => 1,
  text: 'test',
  ...parts,
})

const agents = async () => ({ alice: await SipUa.open('alice'), bob: await SipUa.open('bob') })

describe('what a transaction keeps', () => {
  it('flags and module data go from the request to the failure_route and on to the next', async () => {
    const { alice, bob } = await agents()
    const slot = messageSlot<string>()
    const seen: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.flags = 5
        slot.set(m, 'from request')
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: {
        'failure f': (m, run) => {
          seen.push(m.flags, slot.get(m))
          m.flags = 7
          slot.set(m, 'from failure')
          if (seen.length === 2) {
            run(m, 't_on_failure', 'f')
            run(m, 't_relay')
          }
        },
      },
    })
    alice.request('OPTIONS', rig.port)
    bob.reply(await bob.nextRequest('OPTIONS'), 404, 'Not Found')
    bob.reply(await bob.nextRequest('OPTIONS'), 404, 'Not Found')
    await alice.nextReply(404)
    expect(seen).toEqual([5, 'from request', 7, 'from failure'])
  })

  it('a header added for every branch is written once into each', async () => {
    const { alice, bob } = await agents()
    const carol = await SipUa.open('carol')
    const rig = await tmRig({
      main: (m, run) => {
        rig.engine.hooks.atSend(m, () => 'X-All: 1\r\n')
        m.target = target(bob.uri)
        m.branches = [target(carol.uri)]
        run(m, 't_on_branch', 'b')
        return run(m, 't_relay')
      },
      routes: { 'branch b': m => rig.engine.hooks.atSend(m, () => `X-One: ${rig.pvar(m, 'T_branch_idx')}\r\n`) },
    })
    alice.request('OPTIONS', rig.port)
    const heads = await Promise.all(
      [bob, carol].map(async ua => (await ua.nextRequest('OPTIONS')).bytes.toString().match(/X-\w+: \d/g)),
    )
    expect(heads).toEqual([
      ['X-All: 1', 'X-One: 0'],
      ['X-All: 1', 'X-One: 1'],
    ])
  })

  it('a second t_relay of a request goes on as one transaction', async () => {
    const { alice, bob } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_relay')
        return run(m, 't_relay')
      },
    })
    alice.request('OPTIONS', rig.port)
    bob.reply(await bob.nextRequest('OPTIONS'), 404, 'Not Found')
    expect(alice.received).toEqual([])
    bob.reply(await bob.nextRequest('OPTIONS'), 404, 'Not Found')
    await alice.nextReply(404)
  })
})

describe('variables of tm', () => {
  it('tell of the branches', async () => {
    const { alice, bob } = await agents()
    const seen: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.target = { ...target(bob.uri), q: 500, flags: 1 }
        run(m, 't_on_branch', 'b')
        run(m, 't_on_reply', 'r')
        return run(m, 't_relay')
      },
      routes: {
        'branch b': m => void rig.setPvar(m, 'bavp', 'kept', 'v'),
        'onreply r': m => {
          for (const name of ['uri', 'duri', 'q', 'last_received', 'type']) seen.push(rig.pvar(m, `tm.branch.${name}`))
          seen.push(rig.pvar(m, 'tm.branch.flag', 'minor'), rig.pvar(m, 'tm.branch.socket'), rig.pvar(m, 'bavp', 'v'))
          seen.push(rig.pvar(m, 'T_reply_code'), rig.pvar(m, 'T_branch_last_reply_code', undefined, 0))
          seen.push(rig.pvar(m, 'T_branch_last_reply_code', undefined, 1), rig.pvar(m, 'T_ruri'))
        },
      },
    })
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    const socket = rig.socket('udp').text
    expect(seen).toEqual([bob.uri, null, 500, 180, 'sip', 1, socket, 'kept', 180, 180, null, bob.uri])
  })

  it('$T_fr_timeout takes seconds, and NULL goes back to the parameter', async () => {
    const { alice } = await agents()
    const seen: unknown[] = []
    const rig = await tmRig({
      params: { fr_timeout: 9 },
      main: (m, run) => {
        run(m, 't_newtran')
        seen.push(rig.pvar(m, 'T_fr_timeout'))
        rig.setPvar(m, 'T_fr_timeout', 4)
        seen.push(rig.pvar(m, 'T_fr_timeout'), rig.setPvar(m, 'T_fr_timeout', 'soon'))
        rig.setPvar(m, 'T_fr_timeout', null)
        seen.push(rig.pvar(m, 'T_fr_timeout'))
        return run(m, 't_reply', 200, 'OK')
      },
    })
    alice.request('OPTIONS', rig.port)
    await alice.nextReply(200)
    expect(seen).toEqual([9, 4, false, 9])
  })
})

describe('branches nobody waits for (minor_branch_flag)', () => {
  it('do not hold the final reply back, and are cancelled with it', async () => {
    const { alice, bob } = await agents()
    const carol = await SipUa.open('carol')
    const rig = await tmRig({
      params: { minor_branch_flag: 'minor' },
      main: (m, run) => {
        m.target = target(bob.uri)
        m.branches = [{ ...target(carol.uri), flags: 1 }]
        return run(m, 't_relay')
      },
    })
    alice.request('INVITE', rig.port)
    carol.reply(await carol.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await alice.nextReply(486)
    await carol.nextRequest('CANCEL')
  })
})

describe('async() on a request', () => {
  it('opens the transaction first, so retransmissions and CANCEL find it, and resumes in it', async () => {
    const { alice } = await agents()
    let goOn: (rc: number) => void = () => {}
    let runs = 0
    const rig = await tmRig({
      main: (m, run) => {
        if (m.message.method === 'CANCEL') return run(m, 't_relay')
        runs++
        return rig.api.startAsync(
          m,
          call({
            start: () =>
              new Promise<number>(resolve => {
                goOn = resolve
              }),
            resume: (message, rc) => run(message, 't_reply', 480, `rc ${rc}`),
          }),
        )
      },
    })
    const invite = alice.request('INVITE', rig.port)
    await alice.nextReply(100)
    alice.send(invite.bytes, rig.port)
    await alice.nextReply(100)
    goOn(2)
    await alice.nextReply(480)
    expect([runs, alice.received.at(-1)?.reason]).toEqual([1, 'rc 2'])
  })

  it('on an ACK runs the function and resumes, without a transaction', async () => {
    const codes: number[] = []
    const { alice } = await agents()
    const rig = await tmRig({
      main: m => rig.api.startAsync(m, call({ start: () => 5, resume: (_m, rc) => codes.push(rc) })),
    })
    alice.request('ACK', rig.port)
    await until(() => codes.length === 1)
    expect(codes).toEqual([5])
  })
})

describe('a route that no message started', () => {
  it('opens no transaction, and async() runs there without one', async () => {
    const rig = await tmRig({ main: () => {} })
    const m = dummyContext('request', 0)
    expect(rig.api.newTransaction(m)).toBe(-9)
    expect(rig.api.startAsync(m, call({ start: () => 3, resume: (_m, rc) => rc }))).toBe(3)
    expect(rig.stat('tm:inuse_transactions')).toBe(0)
  })
})

describe('stopping', () => {
  it('leaves no timer, whatever is under way', async () => {
    const { alice, bob } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_newtran')
        run(m, 't_wait_for_new_branches')
        return run(m, 't_relay')
      },
    })
    const invite = alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    alice.request('OPTIONS', rig.port)
    await bob.nextRequest('OPTIONS')
    alice.cancel(invite, rig.port)
    await until(() => rig.clock.pending > 2)
    await rig.stop()
    expect([rig.clock.pending, rig.stat('tm:inuse_transactions')]).toEqual([0, 0])
  })
})
