import { describe, expect, it } from 'vitest'
import type { ContactData } from '../../../src/modules/usrloc/contact.ts'
import { Domain, type DomainSettings } from '../../../src/modules/usrloc/domain.ts'
import { matchingMode } from '../../../src/modules/usrloc/matching.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

const START_S = 1_800_000_000
const AOR = 'bob@example.org'
const BY_URI = matchingMode('0')

function contact(uri: string, more: Partial<ContactData> = {}): ContactData {
  return {
    uri,
    expiresS: START_S + 60,
    q: -1,
    callId: 'r1',
    cseq: 1,
    flags: 0,
    cflags: 0,
    userAgent: '',
    received: '',
    path: '',
    socket: null,
    methods: 0xffffffff,
    instance: '',
    attr: '',
    shtag: '',
    ...more,
  }
}

function domain(settings: Partial<DomainSettings> = {}) {
  const clock = new VirtualClock(START_S * 1000)
  const events: string[] = []
  let id = 0
  const made = new Domain(
    'location',
    clock,
    { newestFirst: false, cseqDelayS: 20, ...settings },
    {
      aorInserted: (_, aor) => events.push(`+${aor}`),
      aorDeleted: (_, aor) => events.push(`-${aor}`),
      contactInserted: (_, one) => events.push(`insert ${one.uri}`),
      contactUpdated: (_, one) => events.push(`update ${one.uri}`),
      contactDeleted: (_, one) => events.push(`delete ${one.uri}`),
    },
    () => ++id,
  )
  const uris = () => made.contacts(AOR).map(one => one.uri)
  return { clock, domain: made, events, uris }
}

describe('the order of contacts', () => {
  it('is q descending, a new contact behind those of equal q', () => {
    const { domain: d, uris } = domain()
    for (const [uri, q] of [
      ['sip:a', 500],
      ['sip:b', 700],
      ['sip:c', 500],
      ['sip:d', -1],
    ] as const) {
      d.insert(AOR, contact(uri, { q }))
    }
    expect(uris()).toEqual(['sip:b', 'sip:a', 'sip:c', 'sip:d'])
  })

  it('follows a changed q, and stays when q is the same', () => {
    const { domain: d, uris } = domain()
    const a = d.insert(AOR, contact('sip:a', { q: 500 }))
    const b = d.insert(AOR, contact('sip:b', { q: 500 }))
    d.update(a, contact('sip:a', { q: 500, cseq: 2 }))
    expect(uris()).toEqual(['sip:a', 'sip:b'])
    d.update(b, contact('sip:b', { q: 900, cseq: 2 }))
    expect(uris()).toEqual(['sip:b', 'sip:a'])
    d.update(b, contact('sip:b', { q: 100, cseq: 3 }))
    expect(uris()).toEqual(['sip:a', 'sip:b'])
  })

  it('is newest first with desc_time_order, whatever the q', () => {
    const { domain: d, uris } = domain({ newestFirst: true })
    const a = d.insert(AOR, contact('sip:a', { q: 1000 }))
    d.insert(AOR, contact('sip:b', { q: 100 }))
    expect(uris()).toEqual(['sip:b', 'sip:a'])
    d.update(a, contact('sip:a', { q: 1000, cseq: 2 }))
    expect(uris()).toEqual(['sip:a', 'sip:b'])
  })
})

describe('events', () => {
  it('tell of the address before its first contact and behind its last', () => {
    const { domain: d, events } = domain()
    const a = d.insert(AOR, contact('sip:a'))
    const b = d.insert(AOR, contact('sip:b'))
    d.remove(a)
    d.remove(b)
    expect(events).toEqual([`+${AOR}`, 'insert sip:a', 'insert sip:b', 'delete sip:a', 'delete sip:b', `-${AOR}`])
    expect([d.aorCount, d.contactCount]).toEqual([0, 0])
  })

  it('are not raised for a contact that is gone', () => {
    const { domain: d, events } = domain()
    const a = d.insert(AOR, contact('sip:a'))
    d.remove(a)
    events.length = 0
    expect(d.remove(a)).toBe(false)
    expect(d.update(a, contact('sip:a'))).toBe(false)
    expect(events).toEqual([])
  })
})

describe('expiry', () => {
  it('hides a contact at its second, before the timer takes it out', () => {
    const { domain: d, clock, uris } = domain()
    d.insert(AOR, contact('sip:a', { expiresS: START_S + 3 }))
    d.insert(AOR, contact('sip:b', { expiresS: 0 }))
    clock.advanceSync(2999)
    expect(uris()).toEqual(['sip:a', 'sip:b'])
    clock.advanceSync(1)
    expect(uris()).toEqual(['sip:b'])
    expect(d.contactCount).toBe(2)
  })

  it('takes out what is due, in order of time, and nothing else', () => {
    const { domain: d, clock, events } = domain()
    d.insert(AOR, contact('sip:late', { expiresS: START_S + 20 }))
    d.insert(AOR, contact('sip:second', { expiresS: START_S + 5 }))
    d.insert('carol@example.org', contact('sip:first', { expiresS: START_S + 2 }))
    events.length = 0
    clock.advanceSync(10_000)
    expect(d.removeExpired(100)).toBe(2)
    expect(events).toEqual(['delete sip:first', '-carol@example.org', 'delete sip:second'])
    expect(d.removeExpired(100)).toBe(0)
    expect(d.expired.value).toBe(2)
  })

  it('follows a refresh, a shortening, and a time in the past', () => {
    const { domain: d, clock } = domain()
    const a = d.insert(AOR, contact('sip:a', { expiresS: START_S + 5 }))
    const b = d.insert(AOR, contact('sip:b', { expiresS: START_S + 500 }))
    d.update(a, contact('sip:a', { expiresS: START_S + 50 }))
    clock.advanceSync(10_000)
    expect(d.removeExpired(100)).toBe(0)
    d.update(b, contact('sip:b', { expiresS: START_S + 1 }))
    expect(d.removeExpired(100)).toBe(1)
    clock.advanceSync(40_000)
    expect(d.removeExpired(100)).toBe(1)
    expect(d.contactCount).toBe(0)
  })

  it('stops at its limit and goes on from there', () => {
    const { domain: d, clock } = domain()
    for (let i = 0; i < 25; i++) d.insert(`user${i}@example.org`, contact(`sip:${i}`, { expiresS: START_S + 1 }))
    clock.advanceSync(2000)
    expect([d.removeExpired(10), d.removeExpired(10), d.removeExpired(10)]).toEqual([10, 10, 5])
  })

  it('keeps count over thousands of random inserts, refreshes and removals', () => {
    const { domain: d, clock } = domain()
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    const expected = new Map<string, number>()
    for (let round = 0; round < 200; round++) {
      const nowS = Math.floor(clock.nowMs() / 1000)
      for (let i = 0; i < 30; i++) {
        const aor = `u${random(300)}`
        const [known] = d.stored(aor)
        const expiresS = nowS + 1 + random(90)
        if (known === undefined) d.insert(aor, contact('sip:x', { expiresS }))
        else if (random(5) === 0) d.remove(known)
        else d.update(known, contact('sip:x', { expiresS }))
        if (d.has(aor)) expected.set(aor, expiresS)
        else expected.delete(aor)
      }
      clock.advanceSync(random(5) * 1000)
      d.removeExpired(10_000)
      const afterS = Math.floor(clock.nowMs() / 1000)
      for (const [aor, expiresS] of expected) if (expiresS <= afterS) expected.delete(aor)
      expect(d.contactCount).toBe(expected.size)
    }
  })
})

describe('matching', () => {
  const wanted = (uri: string, callId = 'r1', cseq = 2) => ({ uri, callId, cseq })

  it('compares URIs by RFC 3261 §19.1.4', () => {
    const { domain: d } = domain()
    d.insert(AOR, contact('sip:bob@192.0.2.1:5072;transport=udp'))
    expect(d.match(AOR, wanted('sip:bob@192.0.2.1:5072;Transport=UDP'), BY_URI).kind).toBe('found')
    expect(d.match(AOR, wanted('sip:Bob@192.0.2.1:5072;transport=udp'), BY_URI).kind).toBe('none')
    expect(d.match('nobody', wanted('sip:bob@192.0.2.1:5072'), BY_URI).kind).toBe('none')
  })

  it('refuses a CSeq that is not higher with the same Call-ID, and takes an equal one for a retransmission for a while', () => {
    const { domain: d, clock } = domain()
    d.insert(AOR, contact('sip:a@x', { cseq: 5 }))
    const kind = (cseq: number, callId = 'r1') => d.match(AOR, wanted('sip:a@x', callId, cseq), BY_URI).kind
    expect([kind(6), kind(5), kind(4), kind(1, 'other')]).toEqual(['found', 'retransmission', 'outdated', 'found'])
    clock.advanceSync(20_000)
    expect(kind(5)).toBe('outdated')
  })

  it('by URI and Call-ID keeps equal URIs of two Call-IDs apart and does not look at CSeq', () => {
    const { domain: d } = domain()
    d.insert(AOR, contact('sip:a@x', { callId: 'one', cseq: 9 }))
    const mode = matchingMode('1')
    expect(d.match(AOR, wanted('sip:a@x', 'two'), mode).kind).toBe('none')
    expect(d.match(AOR, wanted('sip:a@x', 'one', 1), mode).kind).toBe('found')
  })

  it('by a URI parameter finds the contact of the same value', () => {
    const { domain: d } = domain()
    d.insert(AOR, contact('sip:a@192.0.2.1:1;rinstance=k1'))
    const mode = matchingMode('rinstance')
    expect(d.match(AOR, wanted('sip:a@198.51.100.9:77;rinstance=k1', 'new'), mode).kind).toBe('found')
    expect(d.match(AOR, wanted('sip:a@192.0.2.1:1;rinstance=k2', 'new'), mode).kind).toBe('none')
  })
})

it('a contact keeps an unsigned mask of methods and the id it was given', () => {
  const { domain: d } = domain()
  const made = d.insert(AOR, contact('sip:a'))
  expect([made.methods, made.id, made.aor]).toEqual([4294967295, 1, AOR])
})
