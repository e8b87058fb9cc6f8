import { expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { B2, B4 } from './base-scripts.ts'
import { Datagrams, register, roundTrip, startScenario, until } from './rig.ts'

const ROUTE = `
modparam("usrloc", "timer_interval", 2)
modparam("registrar", "min_expires", 1)
startup_route {
    subscribe_event("E_UL_CONTACT_DELETE", "udp:127.0.0.1:@EVENTS@");
    subscribe_event("E_UL_AOR_DELETE", "udp:127.0.0.1:@EVENTS@");
}
route {
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    send_reply(200, "Found");
}
`

it.each([
  ['4.x', B4],
  ['2.x', B2],
])(
  'scenario 2 in the spelling of %s: a binding of 3 s is not found at 3 s, and deleted once by 6 s',
  async (_, base) => {
    const events = await Datagrams.open()
    const scenario = await startScenario(base + ROUTE, { EVENTS: events.port })
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await register(bob, scenario.port, ';expires=3')
    expect(scenario.stat('registered_users')).toBe(1)
    await scenario.clock.advance(2900)
    alice.request('MESSAGE', scenario.port)
    await alice.nextReply(200)
    await scenario.clock.advance(100)
    alice.request('MESSAGE', scenario.port)
    await alice.nextReply(404)
    await scenario.clock.advance(3000)
    await until(() => events.received.length >= 2)
    expect(events.received.map(text => JSON.parse(text).method)).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    expect(scenario.stat('registered_users')).toBe(0)
    await scenario.clock.advance(60_000)
    await roundTrip(bob, scenario.port)
    expect(events.received).toHaveLength(2)
    expect(bob.received.filter(message => message.isRequest)).toEqual([])
  },
)
