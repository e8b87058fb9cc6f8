import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Expiring, ExpiryQueue } from '../../src/events/expiry.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'

interface Entry extends Expiring {
  readonly name: number
  expiresMs: number
}

const COUNT = 8
const entry = fc.nat(COUNT - 1)
const step = fc.oneof(
  fc.record({ kind: fc.constant('renew' as const), name: entry, inMs: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('end' as const), name: entry }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }),
)

describe('the queue of lifetimes', () => {
  it('ends each entry at its latest time, in order, and none that has ended before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const clock = new VirtualClock()
        const ended: [number, number][] = []
        const queue = new ExpiryQueue<Entry>(clock, ({ name }) => ended.push([name, clock.monotonicMs()]))
        const live = new Map<number, Entry>()
        const wanted: [number, number][] = []
        for (const step of steps) {
          if (step.kind === 'renew') {
            const expiresMs = clock.monotonicMs() + step.inMs
            const known = live.get(step.name) ?? { name: step.name, queuedMs: undefined, expiresMs }
            known.expiresMs = expiresMs
            live.set(step.name, known)
            queue.set(known)
          } else if (step.kind === 'end') {
            const known = live.get(step.name)
            if (known !== undefined) queue.remove(known)
            live.delete(step.name)
          } else {
            clock.advanceSync(step.ms)
            const over = [...live.values()].filter(({ expiresMs }) => expiresMs <= clock.monotonicMs())
            for (const { name } of over) live.delete(name)
            wanted.push(...over.map(({ name, expiresMs }): [number, number] => [name, expiresMs]))
          }
        }
        const sorted = (pairs: [number, number][]): [number, number][] =>
          pairs.toSorted((a, b) => a[1] - b[1] || a[0] - b[0])
        expect(sorted(ended)).toEqual(sorted(wanted))
        expect(ended.map(([, ms]) => ms)).toEqual(ended.map(([, ms]) => ms).toSorted((a, b) => a - b))
      }),
    )
  })

  it('has one timer, however many entries', () => {
    const clock = new VirtualClock()
    const queue = new ExpiryQueue<Entry>(clock, () => {})
    for (let name = 1; name <= 1000; name++) queue.set({ name, queuedMs: undefined, expiresMs: name * 1000 })
    expect(clock.pending).toBe(1)
  })

  it('lets go of entries that ended before their time', () => {
    const queue = new ExpiryQueue<Entry>(new VirtualClock(), () => {})
    for (let name = 1; name <= 1000; name++) {
      const one: Entry = { name, queuedMs: undefined, expiresMs: 1e9 }
      queue.set(one)
      queue.remove(one)
    }
    expect(queue.size).toBeLessThanOrEqual(1)
  })
})
