import { expect, it } from 'vitest'
import { headersOf, SipUa } from '../../support/sip-ua.ts'
import { B2, B4 } from './base-scripts.ts'
import { Datagrams, startScenario, until } from './rig.ts'

/** Registers three contacts of bob one after the other, and gives the agent with what it got and the events raised. */
async function registerThree(script: string, flags: string, expectedEvents: number) {
  const events = await Datagrams.open()
  const scenario = await startScenario(
    `${script}
startup_route {
    subscribe_event("E_UL_CONTACT_INSERT", "udp:127.0.0.1:@EVENTS@");
    subscribe_event("E_UL_CONTACT_DELETE", "udp:127.0.0.1:@EVENTS@");
}
route { if (!save("location", "${flags}")) sl_reply_error(); }`,
    { EVENTS: events.port },
  )
  const bob = await SipUa.open('bob')
  for (const port of [5072, 5073, 5074]) {
    const text = bob.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', callId: `r${port}` })
    bob.send(text.replace(/^Contact: .*$/m, `Contact: <sip:bob@127.0.0.1:${port}>`), scenario.port)
    await until(() => bob.received.some(message => message.callId === `r${port}`))
    await scenario.clock.advance(1000)
  }
  await until(() => events.received.length >= expectedEvents)
  const raised = events.received.map(text => [
    /E_UL_CONTACT_(INSERT|DELETE)/.exec(text)?.[1],
    /sip:bob@127\.0\.0\.1:(\d+)/.exec(text)?.[1],
  ])
  return { replies: bob.received, raised }
}

it.each([
  ['4.x', B4, 'max-contacts=2'],
  ['2.x', B2, 'c2'],
])(
  'scenario 3 in the spelling of %s: the third contact is refused with 503, and two were inserted',
  async (_, script, flags) => {
    const { replies, raised } = await registerThree(script, flags, 2)
    expect(replies.map(reply => reply.status)).toEqual([200, 200, 503])
    expect(replies.map(reply => headersOf(reply, 'P-Registrar-Error').length)).toEqual([0, 0, 1])
    expect(raised).toEqual([
      ['INSERT', '5072'],
      ['INSERT', '5073'],
    ])
  },
)

it.each([
  ['4.x', B4, 'max-contacts=2,force-registration'],
  ['2.x', B2, 'c2f'],
])(
  'scenario 3 in the spelling of %s: with force-registration the contact updated longest ago makes room',
  async (_, script, flags) => {
    const { replies, raised } = await registerThree(script, flags, 4)
    expect(replies.map(reply => reply.status)).toEqual([200, 200, 200])
    expect(replies[2]?.contacts).toHaveLength(2)
    expect(raised).toEqual([
      ['INSERT', '5072'],
      ['INSERT', '5073'],
      ['DELETE', '5072'],
      ['INSERT', '5074'],
    ])
  },
)
