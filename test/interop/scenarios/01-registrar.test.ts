import { describe, expect, it } from 'vitest'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { B2, B4 } from './base-scripts.ts'
import { Datagrams, register, roundTrip, type Scenario, startScenario, until } from './rig.ts'

const EVENTS = [
  'E_UL_AOR_INSERT',
  'E_UL_CONTACT_INSERT',
  'E_UL_CONTACT_UPDATE',
  'E_UL_CONTACT_DELETE',
  'E_UL_AOR_DELETE',
]
const SUBSCRIPTIONS = `
startup_route {
${EVENTS.map(name => `    subscribe_event("${name}", "udp:127.0.0.1:@EVENTS@");`).join('\n')}
}
`
const ROUTE = `
route {
    if (is_method("REGISTER")) {
        if (!save("location")) sl_reply_error();
        exit;
    }
    send_reply(405, "Method Not Allowed");
}
`

interface Registration {
  readonly scenario: Scenario
  readonly events: Datagrams
  readonly bob: SipUa
  /** REGISTERs bob's contact, with this CSeq. */
  register(cseq: number): void
}

async function start(script = B4, route = ROUTE): Promise<Registration> {
  const events = await Datagrams.open()
  const scenario = await startScenario(script + SUBSCRIPTIONS + route, { EVENTS: events.port })
  const bob = await SipUa.open('bob')
  const send = (cseq: number): void => {
    const text = bob.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', cseq, callId: 'r1', headers: 'Expires: 120\r\n' })
    bob.send(text.replace(/^(Contact: .*)$/m, '$1;q=0.5'), scenario.port)
  }
  return { scenario, events, bob, register: send }
}

const REMOVE = { uri: 'sip:127.0.0.1', callId: 'r1', cseq: 9 }

describe('scenario 1: first binding, refresh and removal', () => {
  it('a first binding is answered with its contact, and raises AOR_INSERT before CONTACT_INSERT', async () => {
    const { scenario, events, bob, register } = await start()
    register(1)
    const reply = await bob.nextReply(200)
    expect(headerOf(reply, 'Contact')).toBe(`<${bob.uri}>;q=0.5;expires=120`)
    expect(reply.toTag).not.toBe('')
    expect(await events.next()).toBe(
      '{"jsonrpc":"2.0","method":"E_UL_AOR_INSERT","params":{"domain":"location","aor":"bob@127.0.0.1"}}',
    )
    const inserted = await events.next()
    expect(inserted).toContain(
      '{"jsonrpc":"2.0","method":"E_UL_CONTACT_INSERT","params":{"domain":"location","aor":"bob@127.0.0.1",' +
        `"uri":"${bob.uri}","received":null,"path":null,"qval":500,`,
    )
    expect(inserted).toContain(`"socket":"udp:127.0.0.1:${scenario.port}"`)
    expect(inserted).toContain('"callid":"r1","cseq":1')
    expect(events.received).toHaveLength(2)
  })

  it('a refresh, and the same CSeq again, raise one CONTACT_UPDATE each', async () => {
    const { events, bob, register } = await start()
    register(1)
    await bob.nextReply(200)
    for (const cseq of [2, 2]) {
      register(cseq)
      await bob.nextReply(200)
    }
    await until(() => events.received.length >= 4)
    const updates = events.received.slice(2).map(text => JSON.parse(text))
    expect(updates.map(({ method, params }) => [method, params.cseq])).toEqual([
      ['E_UL_CONTACT_UPDATE', 2],
      ['E_UL_CONTACT_UPDATE', 2],
    ])
  })

  it('the CSeq before the last is a retransmission for 20 s: 200, nothing raised; later it is refused, and an older one always', async () => {
    const { scenario, events, bob, register } = await start()
    register(2)
    await bob.nextReply(200)
    register(1)
    await bob.nextReply(200)
    register(0)
    expect(headerOf(await bob.nextReply(400), 'P-Registrar-Error')).not.toBe('')
    await scenario.clock.advance(21_000)
    register(1)
    expect(headerOf(await bob.nextReply(400), 'P-Registrar-Error')).not.toBe('')
    await until(() => events.received.length >= 2)
    expect(events.received).toHaveLength(2)
  })

  it.each([
    ['with allow_dup_cseq 0', `${B4}modparam("registrar", "allow_dup_cseq", 0)\n`],
    ['in the era 2.4', `era = 2.4\n${B2}`],
  ])(
    '%s the same CSeq is a retransmission for 20 s, then refused; the one before is refused at once',
    async (_, script) => {
      const { scenario, events, bob, register } = await start(script)
      register(2)
      await bob.nextReply(200)
      register(2)
      await bob.nextReply(200)
      register(1)
      await bob.nextReply(400)
      await scenario.clock.advance(21_000)
      register(2)
      await bob.nextReply(400)
      await until(() => events.received.length >= 2)
      expect(events.received).toHaveLength(2)
    },
  )

  it('without a Contact it lists the binding, and so does ul_show_contact', async () => {
    const { scenario, bob, register } = await start()
    register(1)
    await bob.nextReply(200)
    const query = bob.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', cseq: 2 }).replace(/^Contact: .*\r\n/m, '')
    bob.send(query, scenario.port)
    expect(headerOf(await bob.nextReply(200), 'Contact')).toBe(`<${bob.uri}>;q=0.5;expires=120`)
    const shown = await scenario.mi('ul_show_contact', { table_name: 'location', aor: 'bob@127.0.0.1' })
    expect(shown).toMatchObject({ AOR: 'bob@127.0.0.1', Contacts: [{ Contact: bob.uri, Q: '0.5', State: 'CS_NEW' }] })
    expect(JSON.stringify(shown)).toContain('"Expires":120')
  })

  it('`*` with Expires 0 removes everything: CONTACT_DELETE, then AOR_DELETE, and the management query fails', async () => {
    const { scenario, events, bob, register } = await start()
    register(1)
    await bob.nextReply(200)
    const removal = bob.makeRequest('REGISTER', { ...REMOVE, headers: 'Expires: 0\r\n' })
    bob.send(removal.replace(/^Contact: .*$/m, 'Contact: *'), scenario.port)
    expect(headerOf(await bob.nextReply(200), 'Contact')).toBe('')
    await until(() => events.received.length >= 4)
    const names = events.received.map(text => JSON.parse(text).method)
    expect(names.slice(2)).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    await expect(
      scenario.mi('ul_show_contact', { table_name: 'location', aor: 'bob@127.0.0.1' }),
    ).rejects.toMatchObject({
      code: 404,
      message: 'AOR not found',
    })
  })

  it('`*` with another Expires is refused with 400', async () => {
    const { scenario, bob, register } = await start()
    register(1)
    await bob.nextReply(200)
    const removal = bob.makeRequest('REGISTER', { ...REMOVE, headers: 'Expires: 60\r\n' })
    bob.send(removal.replace(/^Contact: .*$/m, 'Contact: *'), scenario.port)
    await bob.nextReply(400)
  })

  it('other methods get the 405 of the script, over the signaling module', async () => {
    const { scenario, bob } = await start()
    bob.request('OPTIONS', scenario.port)
    await bob.nextReply(405)
  })

  it('the datagram management interface shows contacts to a client on the network', async () => {
    const { scenario, bob, register } = await start()
    register(1)
    await bob.nextReply(200)
    const client = await Datagrams.open()
    const call = { jsonrpc: '2.0', id: 7, method: 'ul_show_contact', params: ['location', 'bob@127.0.0.1'] }
    client.send(JSON.stringify(call), scenario.miPort)
    expect(JSON.parse(await client.next())).toMatchObject({ id: 7, result: { AOR: 'bob@127.0.0.1' } })
  })
})

describe('scenario 2: expiry by timer', () => {
  const SCRIPT = `${B4}
modparam("usrloc","timer_interval",2)
modparam("registrar","min_expires",1)
`
  const WITH_LOOKUP = ROUTE.replace(
    'send_reply(405',
    'if (!lookup("location")) { send_reply(404, "Not Found"); exit; }\n    send_reply(405',
  )

  it('a contact is found no more once it has expired, and its deletion is told once by the timer', async () => {
    const { scenario, events, bob } = await start(SCRIPT, WITH_LOOKUP)
    await register(bob, scenario.port, '', { headers: 'Expires: 3\r\n' })
    expect(scenario.stat('registered_users')).toBe(1)
    bob.request('OPTIONS', scenario.port)
    await bob.nextReply(405)
    await scenario.clock.advance(3000)
    bob.request('OPTIONS', scenario.port)
    await bob.nextReply(404)
    await scenario.clock.advance(3000)
    await until(() => events.received.length >= 4)
    await scenario.clock.advance(20_000)
    await roundTrip(bob, scenario.port)
    expect(events.received.map(text => JSON.parse(text).method)).toEqual([
      'E_UL_AOR_INSERT',
      'E_UL_CONTACT_INSERT',
      'E_UL_CONTACT_DELETE',
      'E_UL_AOR_DELETE',
    ])
    expect(scenario.stat('registered_users')).toBe(0)
  })
})

describe('scenario 3: max_contacts', () => {
  const saving = (flags: string): string => ROUTE.replace('save("location")', `save("location","${flags}")`)
  const three = (): Promise<SipUa[]> => Promise.all(['one', 'two', 'three'].map(name => SipUa.open(name)))

  it.each([
    ['max-contacts=2', B4],
    ['c2', B2],
  ])('%s: the third contact is refused with 503', async (flags, script) => {
    const { scenario, events } = await start(script, saving(flags))
    const [one, two, last] = (await three()) as [SipUa, SipUa, SipUa]
    await register(one, scenario.port)
    await register(two, scenario.port)
    last.request('REGISTER', scenario.port)
    const refusal = await last.nextReply(503)
    expect(refusal.reason).toBe('Service Unavailable')
    expect(headerOf(refusal, 'P-Registrar-Error')).not.toBe('')
    await until(() => events.received.length >= 3)
    const inserted = events.received.filter(text => text.includes('E_UL_CONTACT_INSERT'))
    expect(inserted).toHaveLength(2)
  })

  it.each([
    ['max-contacts=2,force-registration', B4],
    ['c2f', B2],
  ])('%s: the third contact takes the place of the first', async (flags, script) => {
    const { scenario, events } = await start(script, saving(flags))
    const [one, two, last] = (await three()) as [SipUa, SipUa, SipUa]
    await register(one, scenario.port)
    await scenario.clock.advance(1000)
    await register(two, scenario.port)
    await scenario.clock.advance(1000)
    const reply = await register(last, scenario.port)
    expect(Array.isArray(reply.contacts) ? reply.contacts.map(({ uri }) => uri).toSorted() : null).toEqual(
      [two.uri, last.uri].toSorted(),
    )
    await until(() => events.received.length >= 5)
    const legacy = script === B2
    expect(events.received.slice(3).map(text => /E_UL_[A-Z_]+/.exec(text)?.[0])).toEqual([
      'E_UL_CONTACT_DELETE',
      'E_UL_CONTACT_INSERT',
    ])
    expect(events.received[3]).toContain(legacy ? one.uri : `"uri":"${one.uri}"`)
  })
})
