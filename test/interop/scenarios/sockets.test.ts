import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import { freePort } from '../../support/ports.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE, TCP } from './base-scripts.ts'
import { callerRoute, expectNothingLeft, register, Stream, startScenario, until } from './rig.ts'

const HAS_IPV6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

/** A UDP socket on ::1 and what came to it. */
async function openV6(): Promise<{ socket: Socket; port: number; received: SipMessage[] }> {
  const socket = createSocket('udp6')
  const received: SipMessage[] = []
  socket.on('message', bytes => {
    const message = SipMessage.parse(bytes)
    if (message !== null) received.push(message)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, '::1', resolve)
  })
  onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
  return { socket, port: socket.address().port, received }
}

describe('sockets', () => {
  it('a phone that registered over TCP is called over the connection it opened', async () => {
    const scenario = await startScenario(B4 + TCP + FORKING_ROUTE)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const phone = await Stream.open(scenario.port)
    const contact = `sip:bob@127.0.0.1:${phone.localPort};transport=tcp`
    phone.write(
      bob
        .makeRequest('REGISTER')
        .replace(/^Contact: .*$/m, `Contact: <${contact}>`)
        .replace('/UDP', '/TCP'),
    )
    await until(() => phone.count(200) === 1)
    alice.request('MESSAGE', scenario.port)
    await until(() => phone.text.includes(`MESSAGE ${contact} SIP/2.0`))
    const text = phone.text.slice(phone.text.indexOf('MESSAGE'))
    phone.write(bob.makeReply(SipMessage.parse(Buffer.from(text)) as SipMessage, 200, 'OK'))
    await alice.nextReply(200)
    expect(scenario.stat('tcp_connections')).toBe(1)
    await expectNothingLeft(scenario)
  })

  it.skipIf(!HAS_IPV6)('a call between IPv4 and IPv6 carries two Record-Routes, and its BYE crosses', async () => {
    const scenario = await startScenario(`socket=udp:[::1]:@PORT@\n${B4}${FORKING_ROUTE}`)
    const [alice, phone] = [await SipUa.open('alice'), await openV6()]
    const contact = `sip:bob@[::1]:${phone.port}`
    const bob = await SipUa.open('bob')
    bob.send(bob.makeRequest('REGISTER').replace(/^Contact: .*$/m, `Contact: <${contact}>`), scenario.port)
    await bob.nextReply(200)
    const invite = alice.request('INVITE', scenario.port)
    await until(() => phone.received.length === 1)
    const received = phone.received[0] as SipMessage
    expect([received.requestUri, received.topVia?.host, received.topVia?.port]).toEqual([
      contact,
      '[::1]',
      scenario.port,
    ])
    expect(received.recordRoutes.map(({ uri }) => uri.replace(/;ftag=.*/, ''))).toEqual([
      `sip:[::1]:${scenario.port};r2=on;lr`,
      `sip:127.0.0.1:${scenario.port};r2=on;lr`,
    ])
    const ok = bob.makeReply(received, 200, 'OK').replace(/^Contact: .*$/m, `Contact: <${contact}>`)
    phone.socket.send(ok, scenario.port, '::1')
    const answered = await alice.nextReply(200)
    const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(answered) }
    alice.request('ACK', scenario.port, dialog)
    alice.request('BYE', scenario.port, { ...dialog, cseq: 2 })
    await until(() => phone.received.length === 3)
    const bye = phone.received[2] as SipMessage
    expect([bye.method, bye.requestUri, bye.routes]).toEqual(['BYE', contact, []])
    phone.socket.send(bob.makeReply(bye, 200, 'OK'), scenario.port, '::1')
    await alice.nextReply(200, 'BYE')
    await expectNothingLeft(scenario)
  })

  it('of two UDP sockets a phone is called from the one it registered at, and Record-Route names both where they differ', async () => {
    const other = await freePort()
    const scenario = await startScenario(`${B4}\nsocket=udp:127.0.0.1:@OTHER@\n${FORKING_ROUTE}`, { OTHER: other })
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await register(bob, scenario.port)
    const seen: unknown[] = []
    for (const port of [scenario.port, other]) {
      alice.request('MESSAGE', port)
      const received = await bob.nextRequest('MESSAGE')
      seen.push([received.topVia?.port, ...received.recordRoutes.map(({ uri }) => /:(\d+);/.exec(uri)?.[1])])
      bob.reply(received, 200, 'OK')
      await alice.nextReply(200)
    }
    expect(seen).toEqual([
      [scenario.port, String(scenario.port)],
      [scenario.port, String(scenario.port), String(other)],
    ])
    await expectNothingLeft(scenario)
  })
})

describe('a REGISTER', () => {
  const rawRegister = (bob: SipUa, lines: string): string =>
    bob.makeRequest('REGISTER', { uri: 'sip:127.0.0.1' }).replace(/^Contact: .*\r\n/m, lines)

  it('may hold several contacts in one header, in compact and folded form, each with its own expiry', async () => {
    const scenario = await startScenario(B4 + FORKING_ROUTE)
    const bob = await SipUa.open('bob')
    const lines =
      'm: "Bob, at home" <sip:bob@127.0.0.1:7001>;q=0.3;expires=100,\r\n  <sip:bob@127.0.0.1:7002>;q=0.9\r\n' +
      'Contact:<sip:bob@127.0.0.1:7003;x=1> ; expires=300\r\nExpires: 200\r\n'
    bob.send(rawRegister(bob, lines), scenario.port)
    const reply = await bob.nextReply(200)
    const contacts = Array.isArray(reply.contacts) ? reply.contacts : []
    expect(contacts.map(({ uri, params }) => [uri, params.get('expires')])).toEqual(
      expect.arrayContaining([
        ['sip:bob@127.0.0.1:7001', '100'],
        ['sip:bob@127.0.0.1:7002', '200'],
        ['sip:bob@127.0.0.1:7003;x=1', '300'],
      ]),
    )
    expect(contacts[0]?.uri).toBe('sip:bob@127.0.0.1:7002')
    bob.send(rawRegister(bob, 'Contact: <sip:bob@127.0.0.1:7002>;expires=0\r\n'), scenario.port)
    const left = await bob.nextReply(200)
    expect(Array.isArray(left.contacts) && left.contacts.length).toBe(2)
  })

  it('with a user in escapes registers the same user as without', async () => {
    const scenario = await startScenario(B4 + FORKING_ROUTE)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await register(bob, scenario.port, '', { to: 'sip:%62ob@127.0.0.1' })
    alice.request('MESSAGE', scenario.port, { uri: 'sip:b%6fb@127.0.0.1' })
    await bob.nextRequest('MESSAGE')
  })
})

describe('timers of a transaction', () => {
  it('$T_fr_timeout and $T_fr_inv_timeout of one call do not change those of another', async () => {
    const ROUTE = FORKING_ROUTE.replace(
      't_on_failure',
      'if ($hdr(X-Fast) == "yes") { $T_fr_timeout = 2; $T_fr_inv_timeout = 7; }\n    t_on_failure',
    )
    const scenario = await startScenario(B4 + ROUTE)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await register(bob, scenario.port)
    const fast = alice.request('INVITE', scenario.port, { headers: 'X-Fast: yes\r\n' })
    bob.reply(await bob.nextRequest('INVITE'), 180, 'Ringing')
    await alice.nextReply(180)
    const silent = alice.request('MESSAGE', scenario.port, { headers: 'X-Fast: yes\r\n' })
    const slow = alice.request('MESSAGE', scenario.port)
    await bob.nextRequest('MESSAGE')
    await bob.nextRequest('MESSAGE')
    await scenario.clock.advance(2000)
    expect((await alice.nextReply(408)).callId).toBe(silent.callId)
    await scenario.clock.advance(5000)
    const late = await alice.nextReply(408)
    expect(late.callId).toBe(fast.callId)
    alice.ack(fast, late, scenario.port)
    await scenario.clock.advance(22_999)
    expect(alice.count({ status: 408 })).toBe(2)
    await scenario.clock.advance(1)
    expect((await alice.nextReply(408)).callId).toBe(slow.callId)
    expect(headersOf(await bob.nextRequest('CANCEL'), 'Reason')).toHaveLength(1)
  })
})
