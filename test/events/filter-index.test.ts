import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Filter, parseFilter } from '../../src/events/filter.ts'
import { FilterIndex } from '../../src/events/filter-index.ts'
import type { Value } from '../../src/util/spec.ts'

interface Entry {
  readonly filter: Filter | null
}

const KEYS = ['a', 'b', 'c'] as const
const word = fc.constantFrom('x', 'y', 'z', '1', '2')
const condition = fc.oneof(
  fc.tuple(fc.constantFrom(...KEYS), word).map(([k, v]) => `${k}=${v}`),
  fc.tuple(fc.constantFrom(...KEYS), word).map(([k, v]) => `${k}=${v}*`),
  fc.tuple(fc.constantFrom(...KEYS), word).map(([k, v]) => `${k}!=${v}`),
  fc.tuple(fc.constantFrom(...KEYS), fc.array(word, { minLength: 1, maxLength: 3 })).map(([k, v]) => `${k} in(${v})`),
  fc.constantFrom(...KEYS).map(k => `${k}>1`),
)
const filter = fc.option(fc.array(condition, { minLength: 1, maxLength: 3 }).map(list => list.join(';')))
const event = fc.array(
  fc.tuple(
    fc.constantFrom('a', 'b', 'c', 'A', 'd'),
    fc.oneof(word, fc.integer({ min: 0, max: 3 }), fc.constantFrom(null, undefined)),
  ),
  { maxLength: 4 },
)

describe('the filter index', () => {
  it('finds what trying every filter finds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(filter, fc.boolean())), fc.array(event), (specs, events) => {
        const index = new FilterIndex<Entry>()
        const entries = specs.map(([text]) => ({ filter: text === null ? null : parseFilter(text, null) }))
        for (const entry of entries) index.add(entry)
        for (const [i, [, isRemoved]] of specs.entries()) if (isRemoved) index.remove(entries[i]!)
        const left = entries.filter((_, i) => !specs[i]![1])
        expect(index.size).toBe(left.length)
        for (const pairs of events) {
          const names = pairs.map(([name]) => name)
          const values: (Value | undefined)[] = pairs.map(([, value]) => value)
          const found: Entry[] = []
          index.collect(names, values, found)
          const wanted = left.filter(entry => entry.filter === null || entry.filter.matches(names, values))
          expect(new Set(found)).toEqual(new Set(wanted))
          expect(found).toHaveLength(wanted.length)
        }
      }),
    )
  })

  it('looks at none of the other subscriptions when one matches by equality', () => {
    let looks = 0
    const index = new FilterIndex<Entry>()
    for (let i = 0; i < 1000; i++) {
      const parsed = parseFilter(`domain=example.org;aor=u${i}`, null)
      index.add({
        filter: new Proxy(parsed, {
          get: (target, key) => (key === 'matches' ? count(target) : Reflect.get(target, key)),
        }),
      })
    }
    function count(target: Filter): Filter['matches'] {
      return (names, values) => {
        looks++
        return target.matches(names, values)
      }
    }
    const found: Entry[] = []
    index.collect(['domain', 'aor'], ['example.org', 'u500'], found)
    expect(found).toHaveLength(1)
    expect(looks).toBeLessThanOrEqual(2)
  })

  it('gives back its memory', () => {
    const index = new FilterIndex<Entry>()
    const entry = { filter: parseFilter('a in(x,y)', null) }
    index.add(entry)
    index.remove(entry)
    index.remove(entry)
    const found: Entry[] = []
    index.collect(['a'], ['x'], found)
    expect(found).toEqual([])
    expect(index.size).toBe(0)
  })
})
