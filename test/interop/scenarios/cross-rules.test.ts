import { describe, expect, it } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE, TCP } from './base-scripts.ts'
import { callerRoute, Datagrams, expectNothingLeft, register, Stream, startScenario, until } from './rig.ts'

describe('what holds for every scenario', () => {
  it('an event that nobody publishes gives one warning at start, with file and line', async () => {
    const scenario = await startScenario(`${B4}
startup_route { subscribe_event("E_UL_CONTAC_INSERT", "udp:127.0.0.1:9"); }
event_route[E_NOBODY] { xlog("never\\n"); }
${FORKING_ROUTE}`)
    for (const name of ['E_UL_CONTAC_INSERT', 'E_NOBODY']) {
      const lines = scenario.log.join('').split('\n')
      const warnings = lines.filter(line => line.includes(name) && /test\.cfg:\d+:\d+: warning/.test(line))
      expect(warnings).toHaveLength(1)
    }
  })

  it('a syntax error names file, line, column and what stands there, and nothing is bound', async () => {
    await expect(
      startProxy(`${B4.replaceAll('@MI@', '1')}\nroute {\n    send_reply(404 "Not Found");\n}\n`),
    ).rejects.toThrow(/test\.cfg:\d+:20: error: .*"Not Found"/)
  })

  it('a hundred registrations and a hundred calls leave neither transactions nor errors', async () => {
    const events = await Datagrams.open()
    const scenario = await startScenario(
      `${B4}startup_route { subscribe_event("E_UL_CONTACT_UPDATE", "udp:127.0.0.1:@EVENTS@"); }\n${FORKING_ROUTE}`,
      { EVENTS: events.port },
    )
    const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
    for (let i = 1; i <= 100; i++) {
      await register(bob, scenario.port, '', { callId: 'one', cseq: i })
      const invite = alice.request('INVITE', scenario.port)
      bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
      const dialog = { callId: invite.callId, fromTag: invite.fromTag, ...callerRoute(await alice.nextReply(200)) }
      alice.request('ACK', scenario.port, dialog)
      await bob.nextRequest('ACK')
      alice.request('BYE', scenario.port, { ...dialog, cseq: 2 })
      bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
      await alice.nextReply(200, 'BYE')
    }
    await until(() => events.received.length === 99)
    await expectNothingLeft(scenario)
    expect(scenario.clock.pending).toBeLessThan(10)
  })

  it('while the proxy stops, new requests are turned away with 503 and a call under way is answered first', async () => {
    const scenario = await startScenario(B4 + TCP + FORKING_ROUTE)
    const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
    await register(bob, scenario.port)
    const halfOpen = await Stream.open(scenario.port)
    halfOpen.write('OPTIONS sip:127.0.0.1 SIP/2.0\r\n')
    alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    const stopped = scenario.proxy.stop(AbortSignal.timeout(20_000))
    alice.request('MESSAGE', scenario.port)
    expect((await alice.nextReply(503)).reason).toBe('Shutting Down')
    bob.reply(received, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    await scenario.clock.advance(100)
    await stopped
    await until(() => halfOpen.isClosed)
    expect(bob.count({ method: 'MESSAGE' })).toBe(0)
  })
})
