import { describe, expect, it } from 'vitest'
import { headerOf, TestVariable } from '../usrloc/module-rig.ts'
import { registrarRig } from './rig.ts'

const BOB = '<sip:bob@127.0.0.1:5072>'

describe('first binding, refresh, removal (scenario 1)', () => {
  const first = { contacts: [`${BOB};q=0.5`], expires: 120 }

  it('answers 200 with the binding and raises AOR_INSERT, then CONTACT_INSERT', () => {
    const { save } = registrarRig()
    const { verdict, reply, status, events } = save(first)
    expect([verdict, status]).toEqual([1, '200'])
    expect(headerOf(reply, 'Contact')).toBe('<sip:bob@127.0.0.1:5072>;q=0.5;expires=120')
    expect(headerOf(reply, 'To')).toContain(';tag=')
    expect(events[0]).toEqual({
      jsonrpc: '2.0',
      method: 'E_UL_AOR_INSERT',
      params: { domain: 'location', aor: 'bob@127.0.0.1' },
    })
    expect(events[1]?.method).toBe('E_UL_CONTACT_INSERT')
    expect(events[1]?.params).toMatchObject({
      uri: 'sip:bob@127.0.0.1:5072',
      qval: 500,
      socket: 'udp:127.0.0.1:5060',
      callid: 'r1',
      cseq: 1,
    })
  })

  it('raises one CONTACT_UPDATE for a refresh, and for its exact duplicate', () => {
    const { save } = registrarRig()
    save(first)
    const refresh = save({ ...first, cseq: 2 })
    expect(refresh.names).toEqual(['E_UL_CONTACT_UPDATE'])
    expect(refresh.events[0]?.params['cseq']).toBe(2)
    expect(save({ ...first, cseq: 2 }).names).toEqual(['E_UL_CONTACT_UPDATE'])
  })

  it('takes the CSeq one below for a retransmission for 20 s, then refuses it; two below always', async () => {
    const { save, clock } = registrarRig()
    save(first)
    save({ ...first, cseq: 2 })
    const late = save(first)
    expect([late.status, late.names]).toEqual(['200', []])
    const old = save({ ...first, cseq: 0 })
    expect([old.verdict, old.status, old.names]).toEqual([-2, '400', []])
    expect(headerOf(old.reply, 'P-Registrar-Error')).toBe('Invalid CSeq number')
    await clock.advance(20_000)
    expect(save(first).status).toBe('400')
  })

  it.each([
    ['allow_dup_cseq 0', { params: { registrar: { allow_dup_cseq: 0 } } }],
    ['era 2.4', { settings: { era: '2.4' } }],
  ])('with %s an equal CSeq is a retransmission for 20 s, a lower one is refused at once', async (_, options) => {
    const { save, clock } = registrarRig(options)
    save(first)
    save({ ...first, cseq: 2 })
    const again = save({ ...first, cseq: 2 })
    expect([again.status, again.names]).toEqual(['200', []])
    expect(save(first).status).toBe('400')
    await clock.advance(20_000)
    expect(save({ ...first, cseq: 2 }).status).toBe('400')
  })

  it('lists the bindings for a REGISTER without Contact', async () => {
    const { save, command } = registrarRig()
    save(first)
    const query = save({ cseq: 3 })
    expect(headerOf(query.reply, 'Contact')).toBe('<sip:bob@127.0.0.1:5072>;q=0.5;expires=120')
    expect(query.names).toEqual([])
    expect(await command('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatchObject({
      AOR: 'bob@127.0.0.1',
      Contacts: [{ Q: '0.5', Expires: 120, State: 'CS_NEW' }],
    })
  })

  it('removes everything for "*" with Expires 0', async () => {
    const { save, command } = registrarRig()
    save(first)
    const gone = save({ contacts: ['*'], expires: 0, cseq: 9 })
    expect([gone.status, headerOf(gone.reply, 'Contact')]).toEqual(['200', null])
    expect(gone.names).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    await expect(command('ul_show_contact', ['location', 'bob@127.0.0.1'])).rejects.toMatchObject({
      code: 404,
      message: 'AOR not found',
    })
  })

  it.each([
    ['"*" with Expires 60', { contacts: ['*'], expires: 60 }],
    ['"*" without Expires', { contacts: ['*'] }],
    ['"*" beside another contact', { contacts: ['*', BOB], expires: 0 }],
    ['a q above 1', { contacts: [`${BOB};q=1.5`] }],
    ['a q that is no number', { contacts: [`${BOB};q=high`] }],
    ['a contact of an unknown scheme', { contacts: ['<nobodyknows:bob>'] }],
    ['a contact with ? outside of brackets', { contacts: ['sip:bob@127.0.0.1?Route=x'] }],
    ['an address of record without user', { to: '<sip:127.0.0.1>', contacts: [BOB] }],
    ['an address of record that is no SIP URI', { to: '<urn:service:sos>', contacts: [BOB] }],
    ['a contact that is too long', { contacts: [`<sip:${'b'.repeat(300)}@127.0.0.1>`] }],
  ])('refuses %s with 400', (_, facts) => {
    const { save, stats } = registrarRig()
    const refused = save(facts)
    expect([refused.verdict, refused.status, refused.names]).toEqual([-2, '400', []])
    expect(refused.reply).toMatch(/^SIP\/2\.0 400 Bad Request\r\n/)
    expect(headerOf(refused.reply, 'P-Registrar-Error')).not.toBeNull()
    expect(stats.find('registrar:rejected_regs')?.read()).toBe(1)
  })

  it('refuses an address of record that is too long with 500', () => {
    const { save } = registrarRig({ params: { registrar: { retry_after: 30 } } })
    const refused = save({ to: `<sip:${'b'.repeat(65)}@127.0.0.1>`, contacts: [BOB] })
    expect(refused.reply).toMatch(/^SIP\/2\.0 500 Server Internal Error\r\n/)
    expect(headerOf(refused.reply, 'Retry-After')).toBe('30')
  })
})

describe('expiry by timer (scenario 2)', () => {
  it('misses at once and raises CONTACT_DELETE, then AOR_DELETE, once', async () => {
    const { save, invite, call, clock, raised, stats } = registrarRig({
      params: { usrloc: { timer_interval: 2 }, registrar: { min_expires: 1 } },
    })
    save({ contacts: [BOB], expires: 3 })
    expect(call(invite('sip:bob@127.0.0.1'), 'lookup', 'location')).toBe(1)
    await clock.advance(3000)
    expect(call(invite('sip:bob@127.0.0.1'), 'lookup', 'location')).toBe(-1)
    expect(raised()).toEqual([])
    await clock.advance(3000)
    expect(raised().map(text => JSON.parse(text).method)).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    await clock.advance(60_000)
    expect(raised()).toEqual([])
    expect(stats.find('registered_users')?.read()).toBe(0)
  })
})

describe('max_contacts (scenario 3)', () => {
  const one = (n: number) => ({ contacts: [`<sip:bob@127.0.0.${n}:5072>`], callId: `c${n}` })

  it.each(['max-contacts=2', 'c2'])('with "%s" refuses the third contact with 503', flags => {
    const { save } = registrarRig()
    const steps = [1, 2, 3].map(n => save(one(n), flags))
    expect(steps.map(step => step.status)).toEqual(['200', '200', '503'])
    expect(headerOf(steps[2]!.reply, 'P-Registrar-Error')).not.toBeNull()
    const inserts = steps.flatMap(step => step.names).filter(name => name === 'E_UL_CONTACT_INSERT')
    expect(inserts.length).toBe(2)
  })

  it.each(['max-contacts=2,force-registration', 'c2f'])(
    'with "%s" removes the one updated longest ago first',
    flags => {
      const { save } = registrarRig()
      for (const n of [1, 2]) save(one(n), flags)
      const third = save(one(3), flags)
      expect(third.names).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_CONTACT_INSERT'])
      expect(third.events[0]?.params['uri']).toBe('sip:bob@127.0.0.1:5072')
      expect(headerOf(third.reply, 'Contact')).toMatch(/^<sip:bob@127\.0\.0\.2:.*, <sip:bob@127\.0\.0\.3:/)
    },
  )

  it('counts a refresh as an update', async () => {
    const { save, clock } = registrarRig()
    for (const n of [1, 2]) save(one(n), 'c2f')
    await clock.advance(10)
    save({ ...one(1), cseq: 2 }, 'c2f')
    await clock.advance(10)
    expect(save(one(3), 'c2f').events[0]?.params['uri']).toBe('sip:bob@127.0.0.2:5072')
  })

  it('removes the last of the list with evict_last', () => {
    const { save } = registrarRig({ params: { registrar: { evict_last: 1, max_contacts: 2 } } })
    for (const n of [1, 2]) save(one(n))
    expect(save(one(3)).status).toBe('503')
    expect(save(one(3), 'f').events[0]?.params['uri']).toBe('sip:bob@127.0.0.2:5072')
  })

  it('does not count expired contacts', async () => {
    const { save, clock } = registrarRig()
    save({ ...one(1), expires: 60 }, 'c1')
    await clock.advance(60_000)
    expect(save(one(2), 'c1').status).toBe('200')
  })
})

describe('expires', () => {
  const granted = (facts: object, options = {}, flags?: string) =>
    headerOf(registrarRig(options).save({ contacts: [BOB], ...facts }, flags).reply, 'Contact')?.match(
      /expires=(\d+)/,
    )?.[1]

  it.each([
    ['the parameter of the contact before the header', { contacts: [`${BOB};expires=90`], expires: 300 }, '90'],
    ['the header', { expires: 300 }, '300'],
    ['the default', {}, '3600'],
    ['the default for a header that is no number', { expires: 'soon' }, '3600'],
    ['the default for a parameter that is no number', { contacts: [`${BOB};expires=soon`] }, '3600'],
    ['the least time for less', { expires: 5 }, '60'],
    ['at most 2³²−1', { expires: '99999999999999' }, '4294967295'],
  ])('are %s', (_, facts, expected) => {
    expect(granted(facts)).toBe(expected)
  })

  it('stay under max_expires and follow the flags of the call', () => {
    expect(granted({ expires: 9000 }, { params: { registrar: { max_expires: 1800 } } })).toBe('1800')
    expect(granted({ expires: 9000 }, {}, 'max-expires=100')).toBe('100')
    expect(granted({ expires: 9000 }, {}, 'E100')).toBe('100')
    expect(granted({ expires: 1 }, {}, 'min-expires=10')).toBe('10')
    expect(granted({ expires: 1 }, {}, 'e10')).toBe('10')
  })

  it('are never above what was asked for with a deviation', () => {
    for (let i = 0; i < 20; i++) {
      const time = Number(granted({ expires: 300 }, { params: { registrar: { expires_max_deviation: 50 } } }))
      expect(time).toBeGreaterThanOrEqual(250)
      expect(time).toBeLessThanOrEqual(300)
    }
  })
})

describe('several contacts in one REGISTER', () => {
  it('are stored in order and listed by q', () => {
    const { save } = registrarRig()
    const { reply, names } = save({
      contacts: ['<sip:a@127.0.0.1>;q=0.3, <sip:b@127.0.0.1>;q=0.9', '<sip:c@127.0.0.1>'],
    })
    expect(headerOf(reply, 'Contact')).toMatch(/^<sip:b@.*<sip:a@.*<sip:c@127\.0\.0\.1>;expires=3600$/)
    expect(names.length).toBe(4)
  })

  it('keep what was done before one that is refused', () => {
    const { save } = registrarRig()
    save({ contacts: ['<sip:b@127.0.0.1>'], cseq: 9 })
    const mixed = save({ contacts: ['<sip:a@127.0.0.1>', '<sip:b@127.0.0.1>'], cseq: 3 })
    expect([mixed.status, mixed.names]).toEqual(['400', ['E_UL_CONTACT_INSERT']])
  })

  it('list only those of the request with "o"', () => {
    const { save } = registrarRig()
    save({ contacts: ['<sip:a@127.0.0.1>'] })
    expect(headerOf(save({ contacts: ['<sip:b@127.0.0.1>'] }, 'o').reply, 'Contact')).toMatch(
      /^<sip:b@127\.0\.0\.1>;expires=3600$/,
    )
  })
})

describe('flags', () => {
  it('no-reply stores and refuses without a word', () => {
    const { save } = registrarRig()
    expect(save({ contacts: [BOB] }, 'no-reply')).toMatchObject({ verdict: 1, reply: '' })
    expect(save({ contacts: ['*'] }, 'r')).toMatchObject({ verdict: -2, reply: '' })
  })

  it('memory-only marks the contact', async () => {
    const { save, command } = registrarRig()
    save({ contacts: [BOB] }, 'memory-only')
    expect(await command('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatchObject({ Contacts: [{ Flags: 1 }] })
  })

  it('matching-mode=1 keeps equal URIs of different Call-IDs apart', () => {
    const { save } = registrarRig()
    save({ contacts: [BOB], callId: 'a' }, 'matching-mode=1')
    expect(save({ contacts: [BOB], callId: 'b' }, 'M1').names).toEqual(['E_UL_CONTACT_INSERT'])
  })

  it('socket-header takes the socket from a header', () => {
    const { save } = registrarRig({
      sockets: ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'],
      params: { registrar: { sock_hdr_name: 'X-Socket' } },
    })
    const { events } = save({ contacts: [BOB], headers: 'X-Socket: tcp:127.0.0.1:5060' }, 's')
    expect(events[1]?.params['socket']).toBe('tcp:127.0.0.1:5060')
  })

  it.each(['max-contacts', 'c', 'max-contacts=x', 'nonsense', 'max-contacts=2 no-reply', 'q'])(
    '"%s" is refused at load',
    flags => {
      const { build } = registrarRig()
      expect(() => build('save', 'location', flags)).toThrow()
    },
  )

  it('of 4.x and 2.x may be given together with their values', () => {
    const { save } = registrarRig()
    expect(save({ contacts: [BOB] }, 'memory-only, max-contacts=3,path-lazy').status).toBe('200')
    expect(save({ contacts: [BOB], cseq: 2 }, 'mc3p1vE900').status).toBe('200')
  })
})

describe('Path (RFC 3327)', () => {
  const facts = {
    contacts: [BOB],
    headers: 'Path: <sip:p1.example.org;lr>\r\nPath: <sip:p2.example.org;lr>\r\nSupported: outbound, Path',
  }
  const unsupported = { contacts: [BOB], headers: 'Path: <sip:p1.example.org;lr>' }

  it('is ignored without a flag', () => {
    const { events, reply } = registrarRig().save(facts)
    expect([events[1]?.params['path'], headerOf(reply, 'Path')]).toEqual([null, null])
  })

  it.each([
    ['path-off', null],
    ['p1', '<sip:p1.example.org;lr>'],
    ['path-strict', '<sip:p1.example.org;lr>'],
  ])('is stored with %s, and given back as %s', (flags, given) => {
    const { events, reply } = registrarRig().save(facts, flags)
    expect(events[1]?.params['path']).toBe('<sip:p1.example.org;lr>,<sip:p2.example.org;lr>')
    expect(headerOf(reply, 'Path')).toBe(given)
  })

  it('without support is stored silently by lazy and refused with 420 by strict', () => {
    const lazy = registrarRig().save(unsupported, 'path-lazy')
    expect([lazy.events[1]?.params['path'], headerOf(lazy.reply, 'Path')]).toEqual(['<sip:p1.example.org;lr>', null])
    const strict = registrarRig().save(unsupported, 'p2')
    expect(strict.reply).toMatch(/^SIP\/2\.0 420 Bad Extension\r\n/)
    expect([headerOf(strict.reply, 'Unsupported'), strict.names]).toEqual(['path', []])
  })

  it('that cannot be parsed is refused', () => {
    expect(registrarRig().save({ contacts: [BOB], headers: 'Path: <sip:p1' }, 'p0').status).toBe('400')
  })

  it('gives received with path-received', () => {
    const headers = 'Path: <sip:p1.example.org;lr;received=sip:192.0.2.9:1234>'
    const { events } = registrarRig().save({ contacts: [BOB], headers }, 'p0v')
    expect(events[1]?.params['received']).toBe('sip:192.0.2.9:1234')
  })
})

describe('what is stored', () => {
  it('holds received_avp, attr_avp, branch flags, methods, instance and the default q', async () => {
    const received = new TestVariable('$avp(rcv)', 'sip:198.51.100.7:4096')
    const attr = new TestVariable('$avp(attr)', 'color=red')
    const { build, context, command, raised, replies } = registrarRig({
      variables: [received, attr],
      params: { registrar: { received_avp: '$avp(rcv)', attr_avp: '$avp(attr)', default_q: 300 } },
    })
    const { register } = await import('./rig.ts')
    const m = context(
      register({
        contacts: [`${BOB};+sip.instance="<urn:uuid:1>"`],
        headers: 'Allow: INVITE, ACK, BYE\r\nUser-Agent: Phone/1',
      }),
    )
    m.target.flags = 5
    await build('save', 'location')(m)
    expect(JSON.parse(raised()[1]!).params).toMatchObject({
      received: 'sip:198.51.100.7:4096',
      attr: 'color=red',
      bflags: 5,
      qval: 300,
      user_agent: 'Phone/1',
    })
    expect(headerOf(replies[0]!, 'Contact')).toBe(
      '<sip:bob@127.0.0.1:5072>;q=0.3;expires=3600;received="sip:198.51.100.7:4096"',
    )
    expect(await command('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatchObject({
      Contacts: [{ Methods: 13, SIP_instance: '<urn:uuid:1>', Attr: 'color=red' }],
    })
  })

  it('is kept under the unescaped user, lower case with case_sensitive 0, without realm_prefix', () => {
    const { save } = registrarRig({ params: { registrar: { case_sensitive: 0, realm_prefix: 'sip.' } } })
    const { events } = save({ to: '"B" <sip:B%6fB@sip.Example.ORG:5070;x=y>', contacts: [BOB] })
    expect(events[0]?.params['aor']).toBe('bob@example.org')
  })

  it('is kept under the address given to save()', () => {
    const { save } = registrarRig()
    expect(save({ contacts: [BOB] }, undefined, 'sip:other@example.org').events[0]?.params['aor']).toBe(
      'other@example.org',
    )
  })

  it('replies made later do not carry the Contact list', () => {
    const { save } = registrarRig()
    expect(save({ contacts: [BOB] }).m.replyHeaders).toBe('')
  })
})
