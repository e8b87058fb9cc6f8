import { describe, expect, it } from 'vitest'
import { hashed, weighted } from '../../../transports/virtual/pickers.ts'
import { sampleEvent } from '../../conformance/sample.ts'

const of = (callid: string | null) => sampleEvent('E', ['callid'], [callid])
const firsts = (pick: ReturnType<typeof weighted>, count: number) =>
  Array.from({ length: count }, (_, n) => pick(of(`call${n}`))[0])

describe('WEIGHTED', () => {
  it('gives each its share, mixed', () => {
    expect(firsts(weighted([3, 1]), 8)).toEqual([0, 0, 1, 0, 0, 0, 1, 0])
  })

  it('keeps the shares exactly over each full round', () => {
    const seen = [0, 0, 0]
    for (const first of firsts(weighted([5, 3, 2]), 1000)) seen[first as number]!++
    expect(seen).toEqual([500, 300, 200])
  })
})

describe('HASH', () => {
  const names = ['udp:10.0.0.1:1', 'udp:10.0.0.2:1', 'udp:10.0.0.3:1', 'udp:10.0.0.4:1']
  const keys = Array.from({ length: 4000 }, (_, n) => of(`a84b4c76e66710-${n}@pc33.example.org`))

  it('sends events of one key to one child, whenever and in whatever run', () => {
    const [one, two] = [hashed('callid', names), hashed('callid', names)]
    for (const event of keys.slice(0, 200)) expect(one(event)).toEqual(two(event))
  })

  it('spreads keys evenly', () => {
    const seen = [0, 0, 0, 0]
    const pick = hashed('callid', names)
    for (const event of keys) seen[pick(event)[0] as number]!++
    for (const count of seen) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  it('moves only the keys of a child that is taken away', () => {
    const [all, fewer] = [hashed('callid', names), hashed('callid', names.slice(0, 3))]
    for (const event of keys) {
      const [first, second] = all(event)
      expect(fewer(event)[0]).toBe(first === 3 ? second : first)
    }
  })

  it('sends events without a key round', () => {
    const pick = hashed('callid', names)
    expect([1, 2, 3, 4, 5].map(() => pick(of(null))[0])).toEqual([0, 1, 2, 3, 0])
  })
})
