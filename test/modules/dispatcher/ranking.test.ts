import { describe, expect, it } from 'vitest'
import { Destination, type DestinationData, DestinationSet } from '../../../src/modules/dispatcher/destination.ts'
import { hashTexts } from '../../../src/modules/dispatcher/hash.ts'
import { type Ranking, rankByHash, rankByScore, rankInTurn, ringFrom } from '../../../src/modules/dispatcher/ranking.ts'

const data = (name: string, weight: number, priority = 0): DestinationData => ({
  setId: 1,
  uri: name,
  socketText: null,
  isInactive: false,
  isProbing: false,
  isAlwaysProbed: false,
  weight,
  priority,
  attrs: null,
  description: null,
  freeswitch: null,
})
/** `a1 b2! c` are a with weight 1, b with weight 2 and out of service, c with weight 1. */
function setOf(text: string): DestinationSet {
  const destinations = text.split(' ').map(word => {
    const [, name = '', weight = '1', off] = /^([a-z])(\d*)(!?)$/.exec(word)!
    return new Destination({ ...data(name, weight === '' ? 1 : Number(weight)), isProbing: off === '!' })
  })
  return new DestinationSet(1, destinations)
}
const names = (ranking: Ranking): string => ranking.map(({ uri }) => uri).join('')
const set = (text: string) => setOf(text).destinations

describe('hashTexts', () => {
  // Computed beside this program from the definition of the reference.
  it.each([
    ['', '', 1],
    ['a', '', 109],
    ['abcd', '', 1834959896],
    ['abcde', '', 1834960001],
    ['alice', '127.0.0.1:5070', 295875386],
    ['Zoë☎', '', 826831613],
  ])('%j and %j', (first, second, expected) => {
    expect(hashTexts(first, second)).toBe(expected)
  })
})

describe('a ring', () => {
  it.each([
    ['a b c', 0, 'abc'],
    ['a b c', 2, 'cab'],
    ['a b! c', 1, 'ca'],
    ['a! b!', 0, ''],
  ])('%s from %i', (text, start, expected) => {
    expect(names(ringFrom(set(text), start))).toBe(expected)
  })
})

describe('by hash', () => {
  it.each([
    ['a1 b2 c1', ['abc', 'bca', 'bca', 'cab', 'abc']],
    ['a0 b0', ['ab', 'ba', 'ab', 'ba', 'ab']],
    ['a0 b3', ['ba', 'ba', 'ba', 'ba', 'ba']],
    ['a b! c2', ['ac', 'ca', 'ca', 'ca', 'ac']],
    ['a! b!', ['', '', '', '', '']],
  ])('%s for the hashes 0 … 4', (text, expected) => {
    expect([0, 1, 2, 3, 4].map(hash => names(rankByHash(set(text), hash)))).toEqual(expected)
  })

  it('one that is out of service passes on its share only', () => {
    const all = Array.from({ length: 600 }, (_, hash) => hash + 1)
    const before = all.map(hash => names(rankByHash(set('a b c'), hash)).charAt(0))
    const after = all.map(hash => names(rankByHash(set('a b! c'), hash)).charAt(0))
    expect(after.filter((name, i) => before[i] !== 'b' && name !== before[i])).toEqual([])
    expect(new Set(after.filter((_, i) => before[i] === 'b'))).toEqual(new Set(['a', 'c']))
  })
})

describe('in turn', () => {
  it.each([
    ['a b c', 'abcabc'],
    ['a2 b1 c3', 'aabcccaab'],
    ['a0 b2 c0', 'bbbb'],
    ['a0 b0', 'abab'],
    ['a b! c', 'acac'],
    ['a! b2 c', 'bbcbbc'],
    ['a5', 'aaa'],
    ['a! b!', ''],
  ])('%s', (text, expected) => {
    const turning = setOf(text)
    const chosen = Array.from({ length: expected.length || 2 }, () =>
      names(rankInTurn(turning, turning.destinations, true)).charAt(0),
    )
    expect(chosen.join('')).toBe(expected)
  })

  it('without weights each once', () => {
    const turning = setOf('a9 b9')
    const chosen = [1, 2, 3].map(() => names(rankInTurn(turning, turning.destinations, false)))
    expect(chosen).toEqual(['ab', 'ba', 'ab'])
  })

  it('goes on where fewer are left than there were', () => {
    const turning = setOf('a b c')
    for (let i = 0; i < 3; i++) rankInTurn(turning, turning.destinations, true)
    expect(names(rankInTurn(turning, turning.destinations.slice(0, 2), true))).not.toBe('')
  })
})

describe('by score', () => {
  it('the lowest first, those without one and those out of service left out, equals as they were', () => {
    expect(names(rankByScore(set('a b c! d e'), [5, 1, 0, null, 1]))).toBe('bea')
  })
})

describe('a set', () => {
  it('has the highest priority first, equals as they were loaded', () => {
    const sorted = new DestinationSet(1, [
      new Destination(data('a', 1, 0)),
      new Destination(data('b', 1, 5)),
      new Destination(data('c', 1, 0)),
      new Destination(data('d', 1, 9)),
    ])
    expect(names(sorted.destinations)).toBe('dbac')
  })
})
