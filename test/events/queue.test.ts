import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RaisedEvent } from '../../src/events/event.ts'
import type { DropReason } from '../../src/events/event-store.ts'
import type { Overflow } from '../../src/events/policy.ts'
import { EventQueue } from '../../src/events/queue.ts'
import { sampleEvent } from '../conformance/sample.ts'

const NAMES = ['n', 'aor']
const event = (n: number, aor = 'x'): RaisedEvent => sampleEvent('E', NAMES, [n, aor])

function setUp(most: number, overflow: Overflow, mostBytes?: number) {
  const queue = new EventQueue(most, overflow, mostBytes)
  const dropped: [unknown, DropReason][] = []
  queue.attach({ ready: () => undefined, dropped: (lost, reason) => dropped.push([lost.values[0], reason]) })
  const push = (...numbers: number[]): void => {
    for (const n of numbers) queue.push(event(n), n)
  }
  const unshift = (...numbers: number[]): void => {
    for (const n of numbers.toReversed()) queue.unshift(event(n), n, 1)
  }
  return { queue, dropped, push, unshift }
}

const drain = (queue: EventQueue): unknown[] => {
  const numbers: unknown[] = []
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) numbers.push(next.values[0])
  return numbers
}

describe('the queue', () => {
  it('drops the oldest when it is full', () => {
    const { queue, dropped, push } = setUp(3, 'drop-oldest')
    push(0, 1, 2, 3, 4)
    expect(dropped).toEqual([
      [0, 'overflow'],
      [1, 'overflow'],
    ])
    expect(drain(queue)).toEqual([2, 3, 4])
  })

  it('drops the newest when it is told to', () => {
    const { queue, dropped, push } = setUp(2, 'drop-newest')
    push(0, 1, 2)
    expect(dropped).toEqual([[2, 'overflow']])
    expect(drain(queue)).toEqual([0, 1])
  })

  it('puts a later event into the place of one with the same key when it is full, and drops the oldest where there is none', () => {
    const { queue, dropped } = setUp(3, { coalesce: 'aor' })
    for (const [n, aor] of [
      [0, 'a'],
      [1, 'b'],
      [2, 'a'],
      [3, 'b'],
      [4, 'c'],
      [5, 'a'],
    ] as const)
      queue.push(event(n, aor), n)
    expect(dropped).toEqual([
      [1, 'coalesced'],
      [0, 'overflow'],
      [2, 'coalesced'],
    ])
    expect(drain(queue)).toEqual([3, 5, 4])
  })

  it('keeps its bound of bytes, and refuses what is larger than that alone', () => {
    const size = event(0).sizeBytes
    const { queue, dropped, push } = setUp(100, 'drop-oldest', 3 * size)
    push(0, 1, 2, 3)
    expect(queue.bytes).toBe(3 * size)
    queue.push(event(4, 'x'.repeat(size)), 4)
    queue.push(event(5, 'x'.repeat(3 * size)), 5)
    expect(dropped).toEqual([
      [0, 'overflow'],
      [1, 'overflow'],
      [2, 'overflow'],
      [5, 'overflow'],
    ])
    expect(drain(queue)).toEqual([3, 4])
    expect(queue.bytes).toBe(0)
  })

  it('puts events back in front, in their order, and remembers how often they were tried', () => {
    const { queue, push, unshift } = setUp(10, 'drop-oldest')
    push(5, 6)
    expect(queue.headAttempts).toBe(0)
    unshift(3, 4)
    expect([queue.headAttempts, queue.headSinceMs]).toEqual([1, 3])
    expect(drain(queue)).toEqual([3, 4, 5, 6])
    expect(queue.headSinceMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('keeps its bound when events are put back', () => {
    const oldest = setUp(3, 'drop-oldest')
    oldest.push(5, 6)
    oldest.unshift(3, 4)
    expect(oldest.dropped).toEqual([[3, 'overflow']])
    expect(drain(oldest.queue)).toEqual([4, 5, 6])
    const newest = setUp(3, 'drop-newest')
    newest.push(5, 6)
    newest.unshift(3, 4)
    expect(newest.dropped).toEqual([[6, 'overflow']])
    expect(drain(newest.queue)).toEqual([3, 4, 5])
  })

  it('behaves like a plain array, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), n: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant('shift' as const), n: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant('unshift' as const), n: fc.integer({ min: 1, max: 10 }) }),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const { queue, push, unshift } = setUp(10_000, 'drop-oldest', 2 ** 40)
        let model: number[] = []
        let next = 0
        for (const { do: action, n } of steps) {
          const fresh = Array.from({ length: n }, () => next++)
          if (action === 'push') push(...fresh)
          if (action === 'push') model.push(...fresh)
          if (action === 'unshift') unshift(...fresh)
          if (action === 'unshift') model = [...fresh, ...model]
          if (action === 'shift') for (let i = 0; i < n; i++) expect(queue.shift()?.values[0]).toBe(model.shift())
          expect(queue.length).toBe(model.length)
          expect(queue.headSinceMs).toBe(model[0] ?? Number.POSITIVE_INFINITY)
          expect(queue.bytes).toBe(model.length * event(0).sizeBytes)
        }
        expect(drain(queue)).toEqual(model)
      }),
    )
  })
})
