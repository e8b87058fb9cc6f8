import { describe, expect, it } from 'vitest'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
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

const LOGGING_ROUTE = FORKING_ROUTE.replace('route {', 'route {\n    xlog("script sees $rm $cs\\n");')

type Protos = readonly ['udp' | 'tcp', 'udp' | 'tcp']

/** Alice, and bob who is registered. */
async function meet(script = B4 + LOGGING_ROUTE, protos: Protos = ['udp', 'udp']) {
  const scenario = await startScenario(script)
  const alice = await SipUa.open('alice', protos[0])
  const bob = await SipUa.open('bob', protos[1])
  await register(bob, scenario.port)
  return { scenario, alice, bob }
}

/** Alice calls bob, who has the INVITE. */
async function call(script = B4 + LOGGING_ROUTE, protos: Protos = ['udp', 'udp']) {
  const met = await meet(script, protos)
  const invite = met.alice.request('INVITE', met.scenario.port)
  const received = await met.bob.nextRequest('INVITE')
  return { ...met, invite, received }
}

const seen = (scenario: Scenario): number => scenario.logged('script sees')

describe('scenario 30a: Record-Route between transports', () => {
  it.each([
    ['udp', 'tcp'],
    ['tcp', 'udp'],
  ] as const)('a call from %s to %s carries two Record-Routes, and BYEs cross in both directions', async (from, to) => {
    const { scenario, alice, bob, invite, received } = await call(B4 + TCP + LOGGING_ROUTE, [from, to])
    const address = `sip:127.0.0.1:${scenario.port}`
    const uriOf = (proto: string): string => `${address}${proto === 'tcp' ? ';transport=tcp' : ''};r2=on;lr`
    const [top, second, ...more] = received.recordRoutes.map(route => route.uri)
    expect([top?.startsWith(uriOf(to)), second?.startsWith(uriOf(from)), more]).toEqual([true, true, []])
    expect(received.vias.map(via => via.transport)).toEqual([to.toUpperCase(), from.toUpperCase()])

    bob.reply(received, 200, 'OK')
    const answered = await alice.nextReply(200)
    const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) }
    alice.request('ACK', scenario.port, dialog)
    expect((await bob.nextRequest('ACK')).routes).toEqual([])

    alice.request('BYE', scenario.port, { ...dialog, cseq: 2 })
    const byAlice = await bob.nextRequest('BYE')
    expect([byAlice.requestUri, byAlice.routes]).toEqual([bob.uri, []])
    bob.reply(byAlice, 481, 'Call Does Not Exist')
    await alice.nextReply(481)

    bob.request('BYE', scenario.port, {
      uri: alice.uri,
      callId: invite.callId,
      fromTag: answered.toTag,
      toTag: invite.fromTag,
      headers: received.recordRoutes.map(route => `Route: <${route.uri}>\r\n`).join(''),
    })
    const byBob = await alice.nextRequest('BYE')
    expect([byBob.requestUri, byBob.routes]).toEqual([alice.uri, []])
    alice.reply(byBob, 200, 'OK')
    await bob.nextReply(200, 'BYE')
    await expectNothingLeft(scenario)
  })
})

describe('scenario 30b: loose routing', () => {
  it('what a strict router sent, with us in the request line and the target as last Route, is repaired', async () => {
    const { scenario, alice, bob, received } = await call()
    const own = received.recordRoutes[0]?.uri ?? ''
    alice.request('INFO', scenario.port, { uri: own, toTag: 'x', headers: `Route: <${bob.uri}>\r\n` })
    const repaired = await bob.nextRequest('INFO')
    expect([repaired.requestUri, repaired.routes]).toEqual([bob.uri, []])
  })

  it('a preloaded Route to us is taken out of an initial request, and the script goes on to look the callee up', async () => {
    const ROUTE = LOGGING_ROUTE.replace('record_route();', 'loose_route();\n    record_route();')
    const { scenario, alice, bob } = await meet(B4 + ROUTE)
    alice.request('INVITE', scenario.port, { headers: `Route: <sip:127.0.0.1:${scenario.port};lr>\r\n` })
    const received = await bob.nextRequest('INVITE')
    expect([received.requestUri, received.routes]).toEqual([bob.uri, []])
  })

  it('a request inside a dialog that no longer knows us gets the 404 of the script', async () => {
    const { scenario, alice } = await call()
    alice.request('INFO', scenario.port, { toTag: 'x' })
    expect((await alice.nextReply(404)).reason).toBe('Not here')
  })
})

describe('scenario 30c: ACKs', () => {
  it('the ACK of a 404 made here is absorbed without a run of the script', async () => {
    const scenario = await startScenario(B4 + LOGGING_ROUTE)
    const alice = await SipUa.open('alice')
    const invite = alice.request('INVITE', scenario.port, { uri: 'sip:nobody@127.0.0.1' })
    const reply = await alice.nextReply(404)
    alice.ack(invite, reply, scenario.port)
    await roundTrip(alice, scenario.port)
    expect(seen(scenario)).toBe(1)
    expect(scenario.stat('received_ACKs')).toBe(1)
  })

  it('the ACK of a 200 is relayed with a branch of its own and opens no transaction', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 200, 'OK')
    const answered = await alice.nextReply(200)
    const before = scenario.stat('UAS_transactions')
    alice.request('ACK', scenario.port, { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) })
    const ack = await bob.nextRequest('ACK')
    expect(ack.vias).toHaveLength(2)
    expect(branchOf(ack)).not.toBe(branchOf(received))
    expect(scenario.stat('UAS_transactions')).toBe(before)
    expect(scenario.logged('script sees ACK')).toBe(1)
  })
})

describe('scenario 30e: keepalives', () => {
  it('empty UDP datagrams are ignored', async () => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const alice = await SipUa.open('alice')
    const lines = scenario.log.length
    for (const ping of ['\0\0\0\0', '\r\n\r\n', '\r\n', '', 'jaK']) alice.send(ping, scenario.port)
    await roundTrip(alice, scenario.port)
    expect(alice.received).toHaveLength(1)
    expect(scenario.log.slice(lines)).toEqual([])
  })

  it('on TCP two line ends are answered with one, and one line end is not answered', async () => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const stream = await Stream.open(scenario.port)
    stream.write('\r\n\r\n')
    await until(() => stream.text === '\r\n')
    const alice = await SipUa.open('alice', 'tcp')
    stream.write('\r\n')
    stream.write(alice.makeRequest('OPTIONS'))
    await until(() => stream.count(404) === 1)
    expect(stream.text.startsWith('\r\nSIP/2.0 404')).toBe(true)
  })
})

describe('scenario 30f: retransmissions', () => {
  it('a repeated INVITE gets the last reply again and no script runs; after the wait time it is a new one', async () => {
    const { scenario, alice, bob, invite, received } = await call()
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    alice.send(invite.bytes, scenario.port)
    await alice.nextReply(180)
    bob.reply(received, 486, 'Busy Here')
    const first = await alice.nextReply(486)
    const before = seen(scenario)
    alice.send(invite.bytes, scenario.port)
    const again = await alice.nextReply(486)
    expect(again.bytes.toString()).toBe(first.bytes.toString())
    alice.ack(invite, again, scenario.port)
    await roundTrip(alice, scenario.port)
    alice.send(invite.bytes, scenario.port)
    await roundTrip(alice, scenario.port)
    expect([seen(scenario), bob.count({ method: 'INVITE' })]).toEqual([before, 1])
    await scenario.clock.advance(6000)
    alice.send(invite.bytes, scenario.port)
    const next = await bob.nextRequest('INVITE')
    expect(branchOf(next)).not.toBe(branchOf(received))
    expect(seen(scenario)).toBe(before + 1)
  })

  it('without an ACK the 486 is repeated by itself, each time later', async () => {
    const { scenario, alice, bob, received } = await call()
    bob.reply(received, 486, 'Busy Here')
    await alice.nextReply(486)
    for (const waitMs of [500, 1000, 2000, 4000, 4000]) {
      await scenario.clock.advance(waitMs - 1)
      await roundTrip(alice, scenario.port)
      const before = alice.count({ status: 486 })
      await scenario.clock.advance(1)
      await until(() => alice.count({ status: 486 }) === before + 1)
    }
    await expectNothingLeft(scenario)
  })

  it('a repeated non-INVITE request gets the same final reply and no script runs', async () => {
    const { scenario, alice, bob } = await meet()
    const request = alice.request('MESSAGE', scenario.port)
    const received = await bob.nextRequest('MESSAGE')
    const before = seen(scenario)
    for (let i = 0; i < 3; i++) alice.send(request.bytes, scenario.port)
    await roundTrip(alice, scenario.port)
    bob.reply(received, 200, 'OK')
    const first = await alice.nextReply(200)
    alice.send(request.bytes, scenario.port)
    expect((await alice.nextReply(200)).bytes.toString()).toBe(first.bytes.toString())
    expect([seen(scenario), bob.count({ method: 'MESSAGE' })]).toEqual([before, 1])
    await expectNothingLeft(scenario)
  })

  it('a request nobody answers is repeated at 0.5, 1.5, 3.5 s and then every 4 s until fr_timeout', async () => {
    const { scenario, alice, bob } = await meet()
    alice.request('MESSAGE', scenario.port)
    await bob.nextRequest('MESSAGE')
    await scenario.clock.advance(29_999)
    await until(() => bob.count({ method: 'MESSAGE' }) >= 10)
    expect(alice.count({ status: 408 })).toBe(0)
    await scenario.clock.advance(1)
    await alice.nextReply(408)
    expect(bob.count({ method: 'MESSAGE' })).toBe(10)
  })
})

describe('scenario 30g: stray replies', () => {
  const stray = (alice: SipUa, scenario: Scenario, topHost: string): string =>
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP ${topHost}:${scenario.port};branch=z9hG4bKstray1\r\n` +
    `Via: SIP/2.0/UDP 127.0.0.1:${alice.port};branch=z9hG4bKstray2\r\nFrom: <sip:a@b>;tag=1\r\n` +
    'To: <sip:b@b>;tag=2\r\nCall-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n'

  it.each([
    ['check_via=1\n', 0],
    ['', 1],
    ['disable_stateless_fwd=yes\n', 0],
  ])('with %j a reply whose top Via is not ours is forwarded %i times', async (setting, times) => {
    const scenario = await startScenario(setting + B4 + LOGGING_ROUTE)
    const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
    bob.send(stray(alice, scenario, '192.0.2.1'), scenario.port)
    await roundTrip(bob, scenario.port)
    if (times > 0) expect(headersOf(await alice.nextReply(200), 'Via')).toHaveLength(1)
    await roundTrip(alice, scenario.port)
    expect(alice.count({ status: 200 })).toBe(times)
  })

  it('with check_via=1 a reply whose top Via is ours is forwarded by the second', async () => {
    const scenario = await startScenario(`check_via=1\n${B4}${LOGGING_ROUTE}`)
    const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
    bob.send(stray(alice, scenario, '127.0.0.1'), scenario.port)
    await alice.nextReply(200)
  })
})

describe('scenario 30h: streams', () => {
  it('a message may be cut anywhere', async () => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const [alice, pacer] = await Promise.all([SipUa.open('alice', 'tcp'), SipUa.open('pacer')])
    const stream = await Stream.open(scenario.port)
    const { length } = alice.makeRequest('OPTIONS', { body: 'body', branch: 'z9hG4bK', callId: 'cut', fromTag: 't' })
    for (let at = 1, sent = 0; at < length; at += 7) {
      const message = alice.makeRequest('OPTIONS', { body: 'body', callId: 'cut', fromTag: 't' })
      stream.write(message.slice(0, at))
      await roundTrip(pacer, scenario.port)
      stream.write(message.slice(at))
      sent++
      await until(() => stream.count(404) === sent)
    }
    expect(stream.isClosed).toBe(false)
  })

  it('one segment may hold several messages', async () => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const alice = await SipUa.open('alice', 'tcp')
    const stream = await Stream.open(scenario.port)
    stream.write([1, 2, 3].map(() => alice.makeRequest('OPTIONS', { body: 'x' })).join('\r\n'))
    await until(() => stream.count(404) === 3)
  })

  it('a body of many segments arrives whole', async () => {
    const { scenario, alice, bob } = await meet(B4 + TCP + LOGGING_ROUTE, ['tcp', 'tcp'])
    const body = 'long '.repeat(40_000)
    alice.request('MESSAGE', scenario.port, { body, headers: 'Content-Type: text/plain\r\n' })
    expect((await bob.nextRequest('MESSAGE')).body.toString()).toBe(body)
  })

  it.each([
    ['no Content-Length', ''],
    ['a negative Content-Length', 'Content-Length: -1\r\n'],
    ['a Content-Length that is no number', 'Content-Length: many\r\n'],
  ])('%s closes the connection, after a 400', async (_, line) => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const alice = await SipUa.open('alice', 'tcp')
    const stream = await Stream.open(scenario.port)
    stream.write(alice.makeRequest('OPTIONS').replace(/^Content-Length: .*\r\n/m, line))
    await until(() => stream.isClosed)
    expect(stream.count(400)).toBe(1)
    expect(seen(scenario)).toBe(0)
  })

  it('a message that does not become complete in 4 s closes the connection', async () => {
    const scenario = await startScenario(B4 + TCP + LOGGING_ROUTE)
    const alice = await SipUa.open('alice')
    const stream = await Stream.open(scenario.port)
    stream.write('OPTIONS sip:127.0.0.1 SIP/2.0\r\n')
    await roundTrip(alice, scenario.port)
    await roundTrip(alice, scenario.port)
    await scenario.clock.advance(4100)
    await until(() => stream.isClosed)
  })
})
