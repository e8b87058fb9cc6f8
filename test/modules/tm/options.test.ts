import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { type Route, tmRig, until } from './rig.ts'

interface Forking {
  readonly flags?: string
  readonly onreply?: Route
  readonly headers?: string
}

/** Alice calls two phones at once; both have the INVITE. `onreply` runs for the replies of the first. */
async function forked({ flags, onreply, headers = '' }: Forking) {
  const alice = await SipUa.open('alice')
  const phones = [await SipUa.open('bob1'), await SipUa.open('bob2')] as const
  const rig = await tmRig({
    main: (m, call) => {
      if (m.message.method === 'CANCEL') return call(m, 't_relay')
      m.target = target(phones[0].uri)
      m.branches = [target(phones[1].uri)]
      if (onreply !== undefined) call(m, 't_on_reply', 'r')
      return flags === undefined ? call(m, 't_relay') : call(m, 't_relay', flags)
    },
    ...(onreply && { routes: { 'onreply r': onreply } }),
  })
  const invite = alice.request('INVITE', rig.port, { headers })
  const invites = [await phones[0].nextRequest('INVITE'), await phones[1].nextRequest('INVITE')] as const
  return { alice, phones, rig, invite, invites }
}

describe('t_cancel_branch', () => {
  it.each([
    ['', [1, 0]],
    ['a', [1, 1]],
    ['o', [0, 1]],
  ] as const)('"%s" cancels %j of this branch and the other', async (flags, expected) => {
    const { alice, phones, invites, rig } = await forked({
      onreply: (m, call) =>
        m.message.status === 183 ? call(m, 't_cancel_branch', ...(flags === '' ? [] : [flags])) : 1,
    })
    phones[1].reply(invites[1], 180, 'Ringing')
    await alice.nextReply(180)
    phones[0].reply(invites[0], 183, 'Session Progress')
    await alice.nextReply(183)
    await until(() => phones.every((phone, i) => phone.count({ method: 'CANCEL' }) === expected[i]))
    for (const [i, phone] of phones.entries()) {
      if (expected[i] === 1) phone.reply(await phone.nextRequest('CANCEL'), 200, 'OK')
      phone.reply(invites[i]!, expected[i] === 1 ? 487 : 486, 'Over')
      await phone.nextRequest('ACK')
    }
    await until(() => alice.received.some(reply => reply.status >= 400))
    await rig.clock.advance(200_000)
    expect(rig.stat('tm:inuse_transactions')).toBe(0)
  })
})

describe('allow-no-cancel (RFC 3841 §9.1)', () => {
  it.each([
    ['allow-no-cancel', 'Request-Disposition: fork, no-cancel\r\n', 0],
    ['0x10', 'd: No-Cancel\r\n', 0],
    ['allow-no-cancel', '', 1],
    [undefined, 'Request-Disposition: no-cancel\r\n', 1],
  ])('with flags %s and the header %j the other phone gets %i CANCEL', async (flags, headers, cancels) => {
    const { alice, phones, invites, rig } = await forked({ ...(flags && { flags }), headers })
    phones[1].reply(invites[1], 180, 'Ringing')
    await alice.nextReply(180)
    phones[0].reply(invites[0], 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    // What goes to the same phone later comes behind a CANCEL, if there is one.
    alice.request('MESSAGE', rig.port)
    await phones[1].nextRequest('MESSAGE')
    expect(phones[1].count({ method: 'CANCEL' })).toBe(cancels)
  })

  it('does not hold back the CANCEL of the caller', async () => {
    const { alice, phones, invites, invite, rig } = await forked({
      flags: 'allow-no-cancel',
      headers: 'Request-Disposition: no-cancel\r\n',
    })
    phones[0].reply(invites[0], 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(invite, rig.port)
    await phones[0].nextRequest('CANCEL')
  })
})

describe('t_reply_with_body', () => {
  it('sends the body with its length, and again to a retransmission', async () => {
    const alice = await SipUa.open('alice')
    const rig = await tmRig({ main: (m, call) => call(m, 't_reply_with_body', 200, 'OK', 'v=0\r\n') })
    const text = alice.makeRequest('OPTIONS')
    for (let i = 0; i < 2; i++) {
      alice.send(text, rig.port)
      const reply = await alice.nextReply(200)
      expect([reply.body.toString(), reply.contentLength]).toEqual(['v=0\r\n', 5])
    }
  })
})

describe('t_flush_flags', () => {
  it('makes the failure_route see flags that were set when the transaction existed', async () => {
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const seen: number[] = []
    const rig = await tmRig({
      main: (m, call) => {
        m.target = target(bob.uri)
        call(m, 't_on_failure', 'f')
        call(m, 't_newtran')
        m.flags |= 4
        call(m, 't_flush_flags')
        return call(m, 't_relay')
      },
      routes: {
        'failure f': m => {
          seen.push(m.flags)
          return 1
        },
      },
    })
    alice.request('MESSAGE', rig.port)
    bob.reply(await bob.nextRequest('MESSAGE'), 480, 'Away')
    await alice.nextReply(480)
    expect(seen).toEqual([4])
  })
})

describe('timers as parameters', () => {
  it('T1_timer and T2_timer are when requests are repeated, fr_timeout when they end', async () => {
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const rig = await tmRig({
      params: { T1_timer: 100, T2_timer: 300, fr_timeout: 2 },
      main: (m, call) => {
        m.target = target(bob.uri)
        return call(m, 't_relay')
      },
    })
    alice.request('MESSAGE', rig.port)
    await until(() => bob.count({ method: 'MESSAGE' }) === 1)
    // 100, 200, then every 300 ms.
    for (const [afterMs, copies] of [
      [99, 1],
      [1, 2],
      [200, 3],
      [299, 3],
      [1, 4],
      [300, 5],
    ] as const) {
      await rig.clock.advance(afterMs)
      await until(() => bob.count({ method: 'MESSAGE' }) >= copies)
      expect(bob.count({ method: 'MESSAGE' })).toBe(copies)
    }
    await rig.clock.advance(1100)
    await alice.nextReply(408)
  })

  it('wt_timer is how long a transaction absorbs repetitions', async () => {
    const alice = await SipUa.open('alice')
    let runs = 0
    const rig = await tmRig({
      params: { wt_timer: 2 },
      main: (m, call) => {
        runs++
        return call(m, 't_reply', 200, 'OK')
      },
    })
    const text = alice.makeRequest('OPTIONS')
    const send = async () => {
      alice.send(text, rig.port)
      await alice.nextReply(200)
      return runs
    }
    expect(await send()).toBe(1)
    await rig.clock.advance(1900)
    expect(await send()).toBe(1)
    await rig.clock.advance(2100)
    expect(await send()).toBe(2)
  })
})

describe('auto_100trying', () => {
  it.each([
    [1, undefined, 'SIP/2.0 100 Giving it a try'],
    [0, undefined, 'SIP/2.0 180 Ringing'],
    [1, '0x01', 'SIP/2.0 180 Ringing'],
  ])('%i, with t_relay flags %s: the first reply is %s', async (auto_100trying, flags, first) => {
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const rig = await tmRig({
      params: { auto_100trying },
      main: (m, call) => {
        m.target = target(bob.uri)
        return flags === undefined ? call(m, 't_relay') : call(m, 't_relay', flags)
      },
    })
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    expect(alice.received[0]?.bytes.toString().split('\r\n')[0]).toBe(first)
    expect(headerOf(alice.received[0]!, 'To').includes('tag=')).toBe(!first.includes('100'))
  })
})

describe('pass_provisional_replies', () => {
  it.each([
    [0, []],
    [1, [180, 183]],
  ])('%i: who sends a request from here hears of %j before the final reply', async (value, expected) => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({ params: { pass_provisional_replies: value }, main: () => {} })
    const heard: number[] = []
    const outcome = rig.api.request({
      method: 'INVITE',
      uri: bob.uri,
      from: '<sip:proxy@127.0.0.1>',
      to: `<${bob.uri}>`,
      onProvisional: reply => void heard.push(reply.message.status),
    })
    const invite = await bob.nextRequest('INVITE')
    for (const status of [100, 180, 183, 486]) bob.reply(invite, status, 'Status')
    expect([(await outcome).status, heard]).toEqual([486, expected])
  })
})
