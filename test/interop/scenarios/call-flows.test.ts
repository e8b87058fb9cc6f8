import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE, TCP } from './base-scripts.ts'
import {
  branchOf,
  callerRoute,
  expectNothingLeft,
  register,
  roundTrip,
  type Scenario,
  Stream,
  startScenario,
  until,
} from './rig.ts'

const SCRIPT = B4 + TCP + FORKING_ROUTE.replace('route {', 'route {\n    xlog("script sees $rm $cs\\n");')

type Protos = readonly ['udp' | 'tcp', 'udp' | 'tcp']

async function meet(protos: Protos = ['udp', 'udp'], script = SCRIPT) {
  const scenario = await startScenario(script)
  const alice = await SipUa.open('alice', protos[0])
  const bob = await SipUa.open('bob', protos[1])
  await register(bob, scenario.port)
  return { scenario, alice, bob }
}

/** A call that bob has answered and alice acknowledged. */
async function talk(protos: Protos = ['udp', 'udp']) {
  const met = await meet(protos)
  const { scenario, alice, bob } = met
  const invite = alice.request('INVITE', scenario.port)
  const received = await bob.nextRequest('INVITE')
  bob.reply(received, 200, 'OK')
  const answered = await alice.nextReply(200)
  const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) }
  alice.request('ACK', scenario.port, dialog)
  await bob.nextRequest('ACK')
  return { ...met, invite, received, answered, dialog }
}

const seen = (scenario: Scenario, method: string): number => scenario.logged(`script sees ${method} `)

describe('a call', () => {
  it.each<Protos>([
    ['udp', 'udp'],
    ['tcp', 'tcp'],
    ['udp', 'tcp'],
    ['tcp', 'udp'],
  ])('from %s to %s carries re-INVITEs in both directions', async (from, to) => {
    const { scenario, alice, bob, received, answered, dialog } = await talk([from, to])
    const bobsDialog = {
      uri: alice.uri,
      callId: received.callId,
      fromTag: answered.toTag,
      toTag: received.fromTag,
      to: 'sip:alice@127.0.0.1',
      headers: received.recordRoutes.map(route => `Route: <${route.uri}>\r\n`).join(''),
    }
    for (const [caller, callee, options] of [
      [alice, bob, dialog],
      [bob, alice, bobsDialog],
    ] as const) {
      caller.request('INVITE', scenario.port, { ...options, cseq: 5 })
      callee.reply(await callee.nextRequest('INVITE'), 200, 'OK')
      await caller.nextReply(200, 'INVITE')
      caller.request('ACK', scenario.port, { ...options, cseq: 5 })
      await callee.nextRequest('ACK')
    }
    await expectNothingLeft(scenario)
  })

  it('its 200 is repeated by the callee until the ACK comes, and each one reaches the caller', async () => {
    const { scenario, alice, bob, received, dialog } = await talk()
    for (let i = 0; i < 3; i++) {
      bob.reply(received, 200, 'OK')
      await alice.nextReply(200)
      alice.request('ACK', scenario.port, dialog)
      await bob.nextRequest('ACK')
    }
    await expectNothingLeft(scenario)
  })

  it('a 200 that comes after the caller has got a 408 still reaches him, and can be acknowledged', async () => {
    const { scenario, alice, bob } = await meet()
    const invite = alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    await scenario.clock.advance(120_000)
    alice.ack(invite, await alice.nextReply(408), scenario.port)
    await bob.nextRequest('CANCEL')
    bob.reply(received, 200, 'OK')
    const answered = await alice.nextReply(200)
    alice.request('ACK', scenario.port, { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) })
    await bob.nextRequest('ACK')
    await expectNothingLeft(scenario)
  })

  it('bodies pass byte by byte in both directions', async () => {
    const { scenario, alice, bob } = await meet(['udp', 'tcp'])
    const body = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=ü\r\n'
    const headers = 'Content-Type: application/sdp\r\n'
    alice.request('INVITE', scenario.port, { body, headers })
    const received = await bob.nextRequest('INVITE')
    expect(received.body.toString()).toBe(body)
    bob.reply(received, 183, 'Session Progress', { body, headers })
    expect((await alice.nextReply(183)).body.toString()).toBe(body)
  })

  it('the ACK of a negative reply and a repeated CANCEL are not seen by the script', async () => {
    const { scenario, alice, bob } = await meet()
    const invite = alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    const cancel = alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    alice.send(cancel.bytes, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
    bob.reply(received, 487, 'Request Terminated')
    const terminated = await alice.nextReply(487)
    for (let i = 0; i < 3; i++) alice.ack(invite, terminated, scenario.port)
    await roundTrip(alice, scenario.port)
    expect([seen(scenario, 'INVITE'), seen(scenario, 'CANCEL'), seen(scenario, 'ACK')]).toEqual([1, 1, 0])
    await expectNothingLeft(scenario)
  })

  it('a 100 of the callee stays here; every other provisional reply goes on', async () => {
    const { scenario, alice, bob } = await meet()
    alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    for (const status of [100, 180, 183, 199]) bob.reply(received, status, 'Going On')
    await alice.nextReply(199)
    expect(alice.received.map(message => message.status)).toEqual([100, 180, 183, 199])
    expect(alice.received[0]?.reason).toBe('Giving it a try')
  })

  it('an INVITE nobody answers is repeated at doubling distances, until a provisional reply', async () => {
    const { scenario, alice, bob } = await meet()
    alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    for (const [i, waitMs] of [500, 1000, 2000, 4000, 4000].entries()) {
      await scenario.clock.advance(waitMs - 1)
      await roundTrip(bob, scenario.port)
      expect(bob.count({ method: 'INVITE' })).toBe(i + 1)
      await scenario.clock.advance(1)
      await until(() => bob.count({ method: 'INVITE' }) === i + 2)
    }
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    await scenario.clock.advance(60_000)
    await roundTrip(bob, scenario.port)
    expect(bob.count({ method: 'INVITE' })).toBe(6)
  })

  it('over TCP nothing is repeated', async () => {
    const { scenario, alice, bob } = await meet(['tcp', 'tcp'])
    const invite = alice.request('INVITE', scenario.port)
    await bob.nextRequest('INVITE')
    await scenario.clock.advance(29_000)
    expect(bob.count({ method: 'INVITE' })).toBe(1)
    await scenario.clock.advance(1000)
    alice.ack(invite, await alice.nextReply(408), scenario.port)
    await expectNothingLeft(scenario)
  })
})

describe('addresses', () => {
  it('received and rport are stamped on the Via of the request, and replies go to the source port', async () => {
    const { scenario, alice, bob } = await meet()
    const text = alice.makeRequest('MESSAGE').replace(/127\.0\.0\.1:\d+;branch/, '192.0.2.9:9;rport;branch')
    alice.send(text, scenario.port)
    const received = await bob.nextRequest('MESSAGE')
    const stamped = received.vias[1]
    expect([stamped?.received, stamped?.rport, stamped?.host, stamped?.port]).toEqual([
      '127.0.0.1',
      alice.port,
      '192.0.2.9',
      9,
    ])
    const to = received.topVia?.port ?? 0
    bob.send(bob.makeReply(received, 200, 'OK'), to)
    const via = (await alice.nextReply(200)).topVia
    expect([via?.received, via?.rport]).toEqual(['127.0.0.1', alice.port])
  })

  it('the reply to a request whose connection has gone comes over a new one to its Via', async () => {
    const { scenario, bob } = await meet()
    const alice = await SipUa.open('alice', 'tcp')
    const stream = await Stream.open(scenario.port)
    const connections = (): number => scenario.stat('tcp_connections') ?? 0
    stream.write(alice.makeRequest('MESSAGE'))
    const received = await bob.nextRequest('MESSAGE')
    stream.close()
    await until(() => connections() === 0)
    bob.reply(received, 200, 'OK')
    await alice.nextReply(200)
    expect(connections()).toBe(1)
  })

  it('a contact whose port refuses connections counts as 503, and the other phone of bob still rings', async () => {
    const { scenario, alice, bob } = await meet()
    const dead = bob.makeRequest('REGISTER').replace(/^Contact: .*$/m, 'Contact: <sip:bob@127.0.0.1:1;transport=tcp>')
    bob.send(dead, scenario.port)
    await bob.nextReply(200)
    alice.request('MESSAGE', scenario.port)
    bob.reply(await bob.nextRequest('MESSAGE'), 404, 'Not Found')
    await alice.nextReply(404)
    await expectNothingLeft(scenario)
  })

  it('when the only contact refuses connections the failure route sees 503 and the caller gets it', async () => {
    const scenario = await startScenario(SCRIPT)
    const alice = await SipUa.open('alice')
    const dead = alice.makeRequest('REGISTER').replace(/^Contact: .*$/m, 'Contact: <sip:bob@127.0.0.1:1;transport=tcp>')
    alice.send(dead, scenario.port)
    await alice.nextReply(200)
    alice.request('MESSAGE', scenario.port)
    await until(() => alice.received.some(message => message.status >= 400))
    expect(alice.received.at(-1)?.status).toBe(503)
    expect(scenario.logged('all failed with 503')).toBe(1)
    await expectNothingLeft(scenario)
  })

  it('a request for ourselves that nothing changes goes round until its Max-Forwards are used up', async () => {
    const scenario = await startScenario(`${B4}
route {
    if (!mf_process_maxfwd_header(5)) { send_reply(483, "Too Many Hops"); exit; }
    $du = "sip:127.0.0.1:@PORT@";
    t_relay();
}
`)
    const alice = await SipUa.open('alice')
    alice.send(alice.makeRequest('MESSAGE').replace('Max-Forwards: 70', 'Max-Forwards: 5'), scenario.port)
    await alice.nextReply(483)
    await expectNothingLeft(scenario)
  })
})

describe('forking to many', () => {
  it('thirteen phones ring at once, and twelve are cancelled when one answers', async () => {
    const scenario = await startScenario(SCRIPT)
    const alice = await SipUa.open('alice')
    const bobs = await Promise.all(Array.from({ length: 13 }, () => SipUa.open('bob')))
    for (const bob of bobs) await register(bob, scenario.port)
    const invite = alice.request('INVITE', scenario.port)
    const branches: SipMessage[] = await Promise.all(bobs.map(bob => bob.nextRequest('INVITE')))
    expect(new Set(branches.map(branchOf)).size).toBe(13)
    for (const [i, bob] of bobs.entries()) bob.reply(branches[i] as SipMessage, 180, 'Ringing', { toTag: `t${i}` })
    await until(() => alice.count({ status: 180 }) === 13)
    bobs[7]?.reply(branches[7] as SipMessage, 200, 'OK', { toTag: 't7' })
    expect((await alice.nextReply(200)).toTag).toBe('t7')
    for (const [i, bob] of bobs.entries()) {
      if (i === 7) continue
      bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
      bob.reply(branches[i] as SipMessage, 487, 'Request Terminated', { toTag: `t${i}` })
      await bob.nextRequest('ACK')
    }
    expect(alice.received.filter(message => message.callId === invite.callId && message.status >= 300)).toEqual([])
    await expectNothingLeft(scenario)
  })
})
