import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE } from './base-scripts.ts'
import { branchOf, callerRoute, expectNothingLeft, register, type Scenario, startScenario, until } from './rig.ts'

/** What one of bob's phones says to the INVITE: a status, or nothing at all. */
type Answer = number | 'nothing'

const WWW = (realm: string): string => `WWW-Authenticate: Digest realm="${realm}", nonce="n"\r\n`
const PROXY = (realm: string): string => `Proxy-Authenticate: Digest realm="${realm}", nonce="n"\r\n`
const HEADERS: Readonly<Record<number, (realm: string) => string>> = { 401: WWW, 407: PROXY }
const REASONS: Readonly<Record<number, string>> = { 503: 'Service Unavailable' }

interface Forked {
  readonly scenario: Scenario
  readonly alice: SipUa
  readonly bobs: readonly SipUa[]
  readonly invite: SipMessage
  /** What each phone received, in the order of the phones. */
  readonly branches: readonly SipMessage[]
}

/** Calls bob, who is registered at three phones. */
async function fork(script = B4 + FORKING_ROUTE): Promise<Forked> {
  const scenario = await startScenario(script)
  const alice = await SipUa.open('alice')
  const bobs = await Promise.all([1, 2, 3].map(() => SipUa.open('bob')))
  for (const bob of bobs) await register(bob, scenario.port)
  const invite = alice.request('INVITE', scenario.port)
  await alice.nextReply(100)
  const branches = await Promise.all(bobs.map(bob => bob.nextRequest('INVITE')))
  return { scenario, alice, bobs, invite, branches }
}

/** Lets the phones answer one after the other, and the others run into fr_timeout; gives what alice gets. */
async function answer({ scenario, alice, bobs, branches }: Forked, answers: readonly Answer[]): Promise<SipMessage> {
  for (const [i, status] of answers.entries()) {
    const [bob, received] = [bobs[i], branches[i]]
    if (status === 'nothing' || bob === undefined || received === undefined) continue
    const headers = HEADERS[status]?.(`phone-${i}`) ?? ''
    bob.reply(received, status, REASONS[status] ?? `Reason ${i}`, { headers, toTag: `phone-${i}` })
    await bob.nextRequest('ACK')
  }
  if (answers.includes('nothing')) await scenario.clock.advance(30_000)
  await until(() => alice.received.some(message => message.status >= 300))
  return alice.received.find(message => message.status >= 300) as SipMessage
}

describe('scenario 21: parallel forking', () => {
  it.each<readonly [readonly Answer[], chosen: number, winner: number | null]>([
    [[486, 404, 302], 302, 2],
    [[404, 486, 500], 404, 0],
    [[486, 404, 486], 404, 1],
    [[404, 404, 486], 404, 0],
    [[404, 401, 407], 401, 1],
    [[401, 401, 407], 401, 0],
    [[415, 404, 486], 415, 0],
    [[500, 503, 'nothing'], 500, 0],
    [[503, 'nothing', 'nothing'], 408, null],
    [[503, 503, 503], 500, 0],
  ])('of %j the caller gets %i', async (answers, chosen, winner) => {
    const forked = await fork()
    const reply = await answer(forked, answers)
    expect(reply.status).toBe(chosen)
    if (winner !== null) expect(reply.toTag).toBe(`phone-${winner}`)
    forked.alice.ack(forked.invite, reply, forked.scenario.port)
    // The route sees the status as it was chosen, before a 503 becomes a 500.
    const seen = answers.every(status => status === 503) ? 503 : chosen
    expect(forked.scenario.logged(`all failed with ${seen}`)).toBe(1)
    await expectNothingLeft(forked.scenario)
  })

  it('a chosen 401 carries the challenges of all branches', async () => {
    const reply = await answer(await fork(), [401, 401, 407])
    expect(headersOf(reply, 'WWW-Authenticate').map(value => /phone-\d/.exec(value)?.[0])).toEqual([
      'phone-0',
      'phone-1',
    ])
    expect(headersOf(reply, 'Proxy-Authenticate').map(value => /phone-\d/.exec(value)?.[0])).toEqual(['phone-2'])
  })

  it('a 503 of every branch becomes a 500 with the same phrase', async () => {
    const reply = await answer(await fork(), [503, 503, 503])
    expect([reply.status, reply.reason]).toEqual([500, 'Service Unavailable'])
  })

  it('each branch has its own branch parameter, and the same Call-ID, From and CSeq', async () => {
    const { branches, invite } = await fork()
    expect(new Set(branches.map(branchOf)).size).toBe(3)
    for (const branch of branches) {
      expect([branch.callId, branch.fromTag, branch.cseq]).toEqual([invite.callId, invite.fromTag, invite.cseq])
    }
  })

  it('the 180 of every branch reaches the caller', async () => {
    const { alice, bobs, branches } = await fork()
    for (const [i, bob] of bobs.entries()) bob.reply(branches[i] as SipMessage, 180, 'Ringing', { toTag: `phone-${i}` })
    const tags = new Set<string>()
    for (let i = 0; i < 3; i++) tags.add((await alice.nextReply(180)).toTag)
    expect(tags).toEqual(new Set(['phone-0', 'phone-1', 'phone-2']))
  })

  it('a 603 cancels the others, and reaches the caller once they have ended', async () => {
    const forked = await fork()
    const { alice, bobs, branches, scenario, invite } = forked
    const [first, ...others] = bobs as [SipUa, ...SipUa[]]
    for (const [i, bob] of others.entries()) bob.reply(branches[i + 1] as SipMessage, 180, 'Ringing')
    await alice.nextReply(180)
    await alice.nextReply(180)
    first.reply(branches[0] as SipMessage, 603, 'Decline')
    for (const [i, bob] of others.entries()) {
      bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
      expect(alice.count({ status: 603 })).toBe(0)
      bob.reply(branches[i + 1] as SipMessage, 487, 'Request Terminated')
      await bob.nextRequest('ACK')
    }
    alice.ack(invite, await alice.nextReply(603), scenario.port)
    await expectNothingLeft(scenario)
  })

  it('a 200 cancels the others because the call was completed elsewhere', async () => {
    const { alice, bobs, branches, scenario, invite } = await fork()
    const [first, ...others] = bobs as [SipUa, ...SipUa[]]
    for (const [i, bob] of others.entries()) bob.reply(branches[i + 1] as SipMessage, 180, 'Ringing')
    await alice.nextReply(180)
    await alice.nextReply(180)
    first.reply(branches[0] as SipMessage, 200, 'OK')
    const answered = await alice.nextReply(200)
    alice.request('ACK', scenario.port, { ...dialog(invite), ...callerRoute(answered) })
    await first.nextRequest('ACK')
    for (const [i, bob] of others.entries()) {
      const cancel = await bob.nextRequest('CANCEL')
      expect(headersOf(cancel, 'Reason')).toEqual(['SIP;cause=200;text="Call completed elsewhere"'])
      expect([cancel.requestUri, branchOf(cancel)]).toEqual([bob.uri, branchOf(branches[i + 1] as SipMessage)])
      bob.reply(cancel, 200, 'OK')
      bob.reply(branches[i + 1] as SipMessage, 487, 'Request Terminated')
      await bob.nextRequest('ACK')
    }
    await expectNothingLeft(scenario)
    expect(alice.count({ status: 487 })).toBe(0)
  })

  it('two 200s almost together both reach the caller, who can acknowledge and end both dialogs', async () => {
    const { alice, bobs, branches, scenario, invite } = await fork()
    const answering = bobs.slice(0, 2)
    for (const [i, bob] of answering.entries()) bob.reply(branches[i] as SipMessage, 200, 'OK', { toTag: `phone-${i}` })
    const replies = [await alice.nextReply(200), await alice.nextReply(200)]
    expect(new Set(replies.map(reply => reply.toTag))).toEqual(new Set(['phone-0', 'phone-1']))
    for (const reply of replies) {
      const route = callerRoute(reply)
      const bob = answering[Number(reply.toTag.at(-1))] as SipUa
      alice.request('ACK', scenario.port, { ...dialog(invite), ...route })
      const ack = await bob.nextRequest('ACK')
      expect([ack.requestUri, ack.routes]).toEqual([bob.uri, []])
      alice.request('BYE', scenario.port, { ...dialog(invite), ...route, cseq: 2 })
      bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
      await alice.nextReply(200, 'BYE')
    }
    await expectNothingLeft(scenario)
  })
})

/** What a later request of the caller's dialog has in common with its INVITE. */
function dialog(invite: SipMessage) {
  return { callId: invite.callId, fromTag: invite.fromTag, cseq: invite.cseq }
}
