import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { firstLine, headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'
import { type Route, tmRig, until } from './rig.ts'

/** Alice, three phones of Bob, and a proxy that forks to them; all phones have the INVITE. */
async function forkedCall(failure?: Route, params: Record<string, number> = {}) {
  const alice = await SipUa.open('alice')
  const phones = await Promise.all([SipUa.open('bob1'), SipUa.open('bob2'), SipUa.open('bob3')])
  const rig = await tmRig({
    params,
    main: (m, call) => {
      m.target = target(phones[0]!.uri)
      m.branches = phones.slice(1).map(phone => target(phone.uri))
      if (failure !== undefined) call(m, 't_on_failure', 's')
      return call(m, 't_relay')
    },
    routes: failure === undefined ? {} : { 'failure s': failure },
  })
  const invite = alice.request('INVITE', rig.port)
  const invites = await Promise.all(phones.map(phone => phone.nextRequest('INVITE')))
  return { alice, phones, rig, invite, invites }
}

type Call = Awaited<ReturnType<typeof forkedCall>>

/** Phone `index` answers, and waits for the ACK of a negative answer. */
async function answer({ phones, invites }: Call, index: number, status: number, headers = ''): Promise<void> {
  phones[index]!.reply(invites[index]!, status, `Status ${status}`, { headers })
  if (status >= 300) await phones[index]!.nextRequest('ACK')
}

async function finish(call: Call, reply: SipMessage): Promise<void> {
  call.alice.ack(call.invite, reply, call.rig.port)
  await call.rig.clock.advance(200_000)
  expect(call.rig.stat('tm:inuse_transactions')).toBe(0)
  expect(call.rig.clock.pending).toBe(0)
}

const challenge = (kind: string, realm: string) => `${kind}-Authenticate: Digest realm="${realm}", nonce="n"\r\n`

describe('the best reply of parallel branches (RFC 3261 §16.7 step 6, tm reference 5)', () => {
  it.each([
    { replies: [486, 404, 302], chosen: 302 },
    { replies: [404, 486, 500], chosen: 404 },
    { replies: [486, 404, 480], chosen: 404 },
    { replies: [415, 404, 486], chosen: 415 },
    { replies: [484, 420, 404], chosen: 420 },
    { replies: [500, 404, 302], chosen: 302 },
    { replies: [503, 500, 480], chosen: 480 },
  ])('of $replies is $chosen', async ({ replies, chosen }) => {
    const call = await forkedCall()
    for (const [index, status] of replies.entries()) await answer(call, index, status)
    const reply = await call.alice.nextReply(chosen)
    expect(firstLine(reply)).toBe(`SIP/2.0 ${chosen} Status ${chosen}`)
    await finish(call, reply)
  })

  it('is the earliest branch on a tie', async () => {
    const call = await forkedCall()
    await answer(call, 2, 404)
    await answer(call, 1, 404)
    await answer(call, 0, 404)
    const reply = await call.alice.nextReply(404)
    expect(reply.toTag).toBe('bob1-tag')
    await finish(call, reply)
  })

  it('carries the challenges of all branches when it is a challenge (RFC 3261 §16.7 step 7)', async () => {
    const call = await forkedCall()
    await answer(call, 0, 401, challenge('WWW', 'one'))
    await answer(call, 1, 401, challenge('WWW', 'two'))
    await answer(call, 2, 407, challenge('Proxy', 'three'))
    const reply = await call.alice.nextReply(401)
    expect(headersOf(reply, 'WWW-Authenticate').map(v => /realm="(\w+)"/.exec(v)?.[1])).toEqual(['one', 'two'])
    expect(headersOf(reply, 'Proxy-Authenticate').map(v => /realm="(\w+)"/.exec(v)?.[1])).toEqual(['three'])
    await finish(call, reply)
  })

  it('prefers 401 to 404 and takes the Proxy-Authenticate of the 407 along', async () => {
    const call = await forkedCall()
    await answer(call, 0, 404)
    await answer(call, 1, 401, challenge('WWW', 'one'))
    await answer(call, 2, 407, challenge('Proxy', 'two'))
    const reply = await call.alice.nextReply(401)
    expect([headersOf(reply, 'WWW-Authenticate').length, headersOf(reply, 'Proxy-Authenticate').length]).toEqual([1, 1])
    await finish(call, reply)
  })

  it('is 500 rather than 503 and no answer', async () => {
    const call = await forkedCall()
    await answer(call, 0, 500)
    await answer(call, 1, 503)
    await call.rig.clock.advance(30_000)
    await finish(call, await call.alice.nextReply(500))
  })

  it('is 408 when one branch gave 503 and the others nothing', async () => {
    const call = await forkedCall()
    await answer(call, 0, 503)
    await call.rig.clock.advance(30_000)
    await finish(call, await call.alice.nextReply(408))
  })

  it('a lone kind of 503 becomes 500, with its phrase kept', async () => {
    const call = await forkedCall()
    for (const index of [0, 1, 2]) await answer(call, index, 503)
    const reply = await call.alice.nextReply(500)
    expect(firstLine(reply)).toBe('SIP/2.0 500 Status 503')
    await finish(call, reply)
  })

  it('waits for all branches', async () => {
    const call = await forkedCall()
    await answer(call, 0, 404)
    await answer(call, 1, 404)
    expect(call.alice.count({ status: 404 })).toBe(0)
    await answer(call, 2, 404)
    await finish(call, await call.alice.nextReply(404))
  })
})

describe('a 6xx (RFC 3261 §16.7 step 5)', () => {
  it('cancels the other branches and is passed on after their 487', async () => {
    const call = await forkedCall()
    await answer(call, 1, 180)
    await answer(call, 2, 180)
    await answer(call, 0, 603)
    for (const index of [1, 2]) {
      const cancel = await call.phones[index]!.nextRequest('CANCEL')
      call.phones[index]!.reply(cancel, 200, 'OK')
    }
    expect(call.alice.count({ status: 603 })).toBe(0)
    await answer(call, 1, 487)
    await answer(call, 2, 487)
    await finish(call, await call.alice.nextReply(603))
  })

  it('allows no new branch', async () => {
    const verdicts: unknown[] = []
    const call = await forkedCall((m, run) => {
      verdicts.push(run(m, 't_relay'))
    })
    for (const index of [1, 2]) await answer(call, index, 404)
    await answer(call, 0, 603)
    await finish(call, await call.alice.nextReply(603))
    expect(verdicts).toEqual([-3])
  })

  it('is an ordinary reply with disable_6xx_block', async () => {
    const call = await forkedCall(undefined, { disable_6xx_block: 1 })
    await answer(call, 0, 603)
    await answer(call, 1, 180)
    await answer(call, 1, 404)
    expect(call.phones[2]!.count({ method: 'CANCEL' })).toBe(0)
    await answer(call, 2, 200)
    await finish(call, await call.alice.nextReply(200))
  })
})

describe('a 2xx to INVITE (RFC 3261 §16.7 steps 5 and 10)', () => {
  it('is passed on at once and cancels the other branches, with the reason', async () => {
    const call = await forkedCall()
    for (const index of [1, 2]) await answer(call, index, 180)
    await answer(call, 0, 200)
    const reply = await call.alice.nextReply(200)
    for (const index of [1, 2]) {
      const cancel = await call.phones[index]!.nextRequest('CANCEL')
      expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
      expect(cancel.topVia?.branch).toBe(call.invites[index]!.topVia?.branch)
      expect(cancel.vias.length).toBe(1)
      call.phones[index]!.reply(cancel, 200, 'OK')
      await answer(call, index, 487)
    }
    expect(reply.toTag).toBe('bob1-tag')
    await call.rig.clock.advance(60_000)
    expect([call.rig.stat('tm:inuse_transactions'), call.rig.clock.pending]).toEqual([0, 0])
  })

  it('of a second branch is passed on too, and so are repetitions', async () => {
    const call = await forkedCall()
    await answer(call, 0, 200)
    await answer(call, 1, 200)
    expect((await call.alice.nextReply(200)).toTag).toBe('bob1-tag')
    expect((await call.alice.nextReply(200)).toTag).toBe('bob2-tag')
    await answer(call, 0, 200)
    expect((await call.alice.nextReply(200)).toTag).toBe('bob1-tag')
  })

  it('of a phone that a later proxy forked the call to comes after the transaction has shed its request, and is acknowledged', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    const known: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        if (m.message.method === 'ACK') known.push(run(m, 't_check_trans'))
        m.target = target(bob.uri)
        return run(m, 't_relay')
      },
    })
    const { port } = rig.socket('udp')
    const invite = alice.request('INVITE', port)
    const forwarded = await bob.nextRequest('INVITE')
    for (const toTag of ['desk', 'mobile', 'desk']) {
      bob.reply(forwarded, 200, 'OK', { toTag })
      expect((await alice.nextReply(200)).toTag).toBe(toTag)
    }
    for (const toTag of ['desk', 'mobile', 'nobody']) {
      alice.request('ACK', port, { toTag, callId: invite.callId, fromTag: invite.fromTag })
      await bob.nextRequest('ACK')
    }
    expect(known).toEqual([-2, -2, -1])
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('is passed on even after a negative final reply was', async () => {
    const call = await forkedCall()
    for (const index of [0, 1]) await answer(call, index, 404)
    await answer(call, 2, 180)
    await call.alice.nextReply(180)
    await call.rig.clock.advance(120_000)
    const cancel = await call.phones[2]!.nextRequest('CANCEL')
    expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=480;text="NO_ANSWER"')
    const refusal = await call.alice.nextReply(404)
    call.alice.ack(call.invite, refusal, call.rig.port)
    await answer(call, 2, 200)
    expect((await call.alice.nextReply(200)).toTag).toBe('bob3-tag')
  })

  it('that comes when the transaction is gone goes on by its Via', async () => {
    const call = await forkedCall()
    await answer(call, 0, 200)
    await call.alice.nextReply(200)
    await call.rig.clock.advance(60_000)
    await until(() => call.rig.stat('tm:inuse_transactions') === 0)
    await answer(call, 0, 200)
    await call.alice.nextReply(200)
  })
})

describe('provisional replies', () => {
  it('of all branches are passed on, 100 is not (RFC 3261 §16.7 step 5)', async () => {
    const call = await forkedCall()
    await answer(call, 0, 100)
    for (const index of [0, 1, 2]) await answer(call, index, 180)
    const tags = new Set<string>()
    for (let i = 0; i < 3; i++) tags.add((await call.alice.nextReply(180)).toTag)
    expect([...tags].sort()).toEqual(['bob1-tag', 'bob2-tag', 'bob3-tag'])
    // The one 100 is the proxy's own.
    expect(call.alice.received.filter(m => m.status === 100).map(firstLine)).toEqual(['SIP/2.0 100 Giving it a try'])
  })
})
