import { describe, expect, it } from 'vitest'
import { headerOf } from '../usrloc/module-rig.ts'
import { registrarRig } from './rig.ts'

const read = (rig: ReturnType<typeof registrarRig>, name: string) => rig.stats.find(name)?.read()
const many = (count: number) => Array.from({ length: count }, (_, i) => `<sip:bob@192.0.2.1:${1000 + i}>`)

describe('a REGISTER with 500 contacts', () => {
  it('is answered with all of them, raises an event for each, and leaves nothing when it is taken back', () => {
    const rig = registrarRig()
    const { status, reply, names } = rig.save({ contacts: [many(500).join(', ')], expires: 60 })
    expect([status, headerOf(reply, 'Contact')?.split(', ').length]).toEqual(['200', 500])
    expect([names.length, names[0], names[500]]).toEqual([501, 'E_UL_AOR_INSERT', 'E_UL_CONTACT_INSERT'])
    expect([read(rig, 'location-contacts'), read(rig, 'accepted_regs')]).toEqual([500, 1])
    const gone = rig.save({ contacts: ['*'], expires: 0, cseq: 2 })
    expect([gone.status, gone.names.length, headerOf(gone.reply, 'Contact')]).toEqual(['200', 501, null])
    expect(['location-contacts', 'location-users', 'registered_users'].map(name => read(rig, name))).toEqual([0, 0, 0])
  })

  it('is refused with 503 at the limit: those before it stay, the events say so, and one refusal is counted', () => {
    const rig = registrarRig({ params: { registrar: { max_contacts: 3, retry_after: 30 } } })
    const { verdict, status, reply, names } = rig.save({ contacts: many(500), expires: 60 })
    expect([verdict, status, headerOf(reply, 'Retry-After'), names.length]).toEqual([-2, '503', '30', 4])
    expect([read(rig, 'location-contacts'), read(rig, 'rejected_regs'), read(rig, 'accepted_regs')]).toEqual([3, 1, 0])
  })

  it('with one of them unreadable is refused with 400 and stores nothing', () => {
    const rig = registrarRig()
    const { status, names } = rig.save({ contacts: [...many(499), '<sip:bob@192.0.2.1;q=x>;q=7'], expires: 60 })
    expect([status, names, read(rig, 'registered_users')]).toEqual(['400', [], 0])
  })

  it('that all are the same contact, written in other ways, stores one', () => {
    const rig = registrarRig()
    const spellings = Array.from({ length: 500 }, (_, i) => `<sip:bob@EXAMPLE.org:5070;x${i}=1>`)
    const { names, reply } = rig.save({ contacts: spellings, expires: 60, cseq: 1 })
    expect(headerOf(reply, 'Contact')?.split(', ')).toHaveLength(1)
    expect([names.length, read(rig, 'location-contacts')]).toEqual([501, 1])
  })
})

describe('a flood of retransmitted REGISTERs', () => {
  it('is answered each time and counted, and there is one contact, which expires once', async () => {
    const rig = registrarRig({ params: { usrloc: { timer_interval: 1 } } })
    const first = rig.save({ contacts: ['<sip:bob@192.0.2.1>'], expires: 60 })
    for (let i = 0; i < 2000; i++) {
      const again = rig.save({ contacts: ['<sip:bob@192.0.2.1>'], expires: 60 })
      if (again.reply !== first.reply) expect(again.reply).toBe(first.reply)
    }
    expect([read(rig, 'location-contacts'), read(rig, 'accepted_regs')]).toEqual([1, 2001])
    await rig.clock.advance(62_000)
    expect(rig.raised().map(text => (JSON.parse(text) as { method: string }).method)).toEqual([
      'E_UL_CONTACT_DELETE',
      'E_UL_AOR_DELETE',
    ])
    expect([read(rig, 'location-contacts'), read(rig, 'location-expires')]).toEqual([0, 1])
  })

  it('of 2.x raises nothing after the first for 20 s, and is refused after', async () => {
    const rig = registrarRig({ settings: { era: '2.4' } })
    rig.save({ contacts: ['<sip:bob@192.0.2.1>'] })
    for (let i = 0; i < 100; i++) expect(rig.save({ contacts: ['<sip:bob@192.0.2.1>'] }).names).toEqual([])
    await rig.clock.advance(20_000)
    expect(rig.save({ contacts: ['<sip:bob@192.0.2.1>'] }).status).toBe('400')
    expect([read(rig, 'accepted_regs'), read(rig, 'rejected_regs')]).toEqual([101, 1])
  })

  it('with another Call-ID each time keeps one contact, of the last', () => {
    const rig = registrarRig()
    for (let i = 0; i < 500; i++) rig.save({ contacts: ['<sip:bob@192.0.2.1>'], callId: `c${i}` })
    expect([read(rig, 'location-contacts'), read(rig, 'location-users')]).toEqual([1, 1])
  })
})

describe('odd addresses of record', () => {
  it.each([
    ['<sip:%62ob@127.0.0.1>', 'bob@127.0.0.1'],
    ['<sip:a%00b@127.0.0.1>', 'a\0b@127.0.0.1'],
    ['<sip:a%40b@127.0.0.1>', 'a@b@127.0.0.1'],
    ['<sip:user;par=u%40example.net@127.0.0.1>', 'user;par=u@example.net@127.0.0.1'],
    ['<sip:__proto__@127.0.0.1>', '__proto__@127.0.0.1'],
    ['<sip:constructor@127.0.0.1>', 'constructor@127.0.0.1'],
    ['<sip:%c3%a9@127.0.0.1>', 'é@127.0.0.1'],
    ['<sip:bob:secret@127.0.0.1:5090;transport=tcp>', 'bob@127.0.0.1'],
    ['<sip:bob@[2001:db8::1]>', 'bob@[2001:db8::1]'],
    [`<sip:${'a'.repeat(64)}@127.0.0.1>`, `${'a'.repeat(64)}@127.0.0.1`],
  ])('%s is stored as %s, found, and taken back', (to, aor) => {
    const rig = registrarRig()
    const { status, events } = rig.save({ to, contacts: ['<sip:x@192.0.2.1>'] })
    expect([status, events[0]?.params['aor']]).toEqual(['200', aor])
    const m = rig.invite(to.slice(1, -1))
    expect([rig.call(m, 'lookup', 'location'), m.target.uri]).toEqual([1, 'sip:x@192.0.2.1'])
    expect(rig.save({ to, contacts: ['<sip:x@192.0.2.1>;expires=0'], cseq: 2 }).names).toEqual([
      'E_UL_CONTACT_DELETE',
      'E_UL_AOR_DELETE',
    ])
    expect(read(rig, 'registered_users')).toBe(0)
  })

  it.each([
    ['<sip:127.0.0.1>', '400'],
    ['<sip:@127.0.0.1>', '400'],
    ['<http://127.0.0.1/>', '400'],
    [`<sip:${'a'.repeat(65)}@127.0.0.1>`, '500'],
    [`<sip:bob@${'a'.repeat(65)}>`, '500'],
  ])('%s is refused with %s, counted, and nothing is kept', (to, status) => {
    const rig = registrarRig()
    const refused = rig.save({ to, contacts: ['<sip:x@192.0.2.1>'] })
    expect([refused.status, refused.verdict, refused.names]).toEqual([status, -2, []])
    expect([read(rig, 'rejected_regs'), read(rig, 'registered_users')]).toEqual([1, 0])
  })

  it('a received parameter that could end the header of the answer, or is no SIP URI, is not kept', () => {
    for (const received of ['sip:1.2.3.4\\"', 'mailto:x@y', 'sip:a b', 'sip:x@1.2.3.4>']) {
      const rig = registrarRig()
      const { reply, events } = rig.save({ contacts: [`<sip:x@192.0.2.1>;received="${received}"`] })
      expect([headerOf(reply, 'Contact'), events[1]?.params['received']]).toEqual([
        '<sip:x@192.0.2.1>;expires=3600',
        null,
      ])
    }
  })
})
