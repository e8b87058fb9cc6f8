import { beforeEach, describe, expect, it } from 'vitest'
import { FingerprintMap, fingerprint, type Place } from '../../../src/sip/tx/fingerprint.ts'

function take(...parts: readonly (string | number)[]): string {
  fingerprint.begin()
  for (const part of parts) typeof part === 'string' ? fingerprint.text(part) : fingerprint.number(part)
  return `${fingerprint.bucket} ${fingerprint.rest}`
}

describe('fingerprints', () => {
  it('are the same for the same parts', () => {
    expect(take('INVITE', 5060, 'z9hG4bKa')).toBe(take('INVITE', 5060, 'z9hG4bKa'))
  })

  it.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [['a'], ['a', '']],
    [[1, 2], [12]],
    [['1'], [1]],
    [['a'], ['A']],
  ])('tell %j from %j', (one, other) => {
    expect(take(...one)).not.toBe(take(...other))
  })

  it('do not tell cases apart where asked not to', () => {
    const folded = (text: string): string => {
      fingerprint.begin()
      fingerprint.folded(text)
      return `${fingerprint.bucket} ${fingerprint.rest}`
    }
    expect(folded('Example.ORG')).toBe(folded('example.org'))
    expect(folded('[')).not.toBe(folded('{'))
  })

  it('differ for 200 000 branches that look alike', () => {
    const seen = new Set(Array.from({ length: 200_000 }, (_, n) => take('INVITE', `z9hG4bK${n.toString(16)}`)))
    expect(seen.size).toBe(200_000)
  })
})

describe('values by fingerprint', () => {
  let map: FingerprintMap<string>
  beforeEach(() => {
    map = new FingerprintMap()
  })

  it('are found, and not under another one', () => {
    take('a')
    map.add('value')
    expect(map.get()).toBe('value')
    take('b')
    expect(map.get()).toBeUndefined()
  })

  it('are not replaced', () => {
    take('a')
    expect(map.add('first')?.value).toBe('first')
    expect([map.add('second'), map.get(), map.size]).toEqual([null, 'first', 1])
  })

  it('that share a bucket are told apart, and removed in any order', () => {
    const all = Array.from({ length: 2000 }, (_, n) => `v${n}`)
    const places = all.map(name => {
      take(name)
      return map.add(name)
    })
    expect(map.values().toSorted()).toEqual(all.toSorted())
    const [odd, even] = [1, 0].map(rest => places.filter((_, n) => n % 2 === rest))
    for (const place of odd?.toReversed() ?? [])
      expect([place && map.remove(place), place && map.remove(place)]).toEqual([true, false])
    for (const [n, name] of all.entries()) {
      take(name)
      expect(map.get()).toBe(n % 2 === 0 ? name : undefined)
    }
    for (const place of even ?? []) expect(place && map.remove(place)).toBe(true)
    expect([map.size, map.values()]).toEqual([0, []])
  })

  it('may be removed while all are gone through, and none is left out', () => {
    const places = new Map<string, Place<string> | null>()
    for (let n = 0; n < 3000; n++) {
      take(`v${n}`)
      places.set(`v${n}`, map.add(`v${n}`))
    }
    let seen = 0
    for (const name of map.values()) {
      seen++
      expect(map.remove(places.get(name)!)).toBe(true)
    }
    expect([seen, map.size]).toEqual([3000, 0])
  })
})
