import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventQueue, type QueuedEvent } from '../../src/events/queue.ts'
import { sampleEvent } from '../conformance/sample.ts'

const EVENT = sampleEvent('E', null, [])
const item = (order: number): QueuedEvent => ({ event: EVENT, sinceMs: 0, order })
const drain = (queue: EventQueue): number[] => {
  const orders: number[] = []
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) orders.push(next.order)
  return orders
}

describe('the queue', () => {
  it('drops the oldest when it is full', () => {
    const queue = new EventQueue(3, 'drop-oldest')
    expect([0, 1, 2, 3, 4].map(order => queue.push(item(order))?.order)).toEqual([
      undefined,
      undefined,
      undefined,
      0,
      1,
    ])
    expect(drain(queue)).toEqual([2, 3, 4])
  })

  it('drops the newest when it is told to', () => {
    const queue = new EventQueue(2, 'drop-newest')
    expect([0, 1, 2].map(order => queue.push(item(order))?.order)).toEqual([undefined, undefined, 2])
    expect(drain(queue)).toEqual([0, 1])
  })

  it('puts events back in front, in their order', () => {
    const queue = new EventQueue(10, 'drop-oldest')
    for (const order of [5, 6]) queue.push(item(order))
    queue.unshift([item(3), item(4)])
    expect(drain(queue)).toEqual([3, 4, 5, 6])
  })

  it('keeps its bound when events are put back', () => {
    const oldest = new EventQueue(3, 'drop-oldest')
    for (const order of [5, 6]) oldest.push(item(order))
    expect(oldest.unshift([item(3), item(4)]).map(lost => lost.order)).toEqual([3])
    expect(drain(oldest)).toEqual([4, 5, 6])
    const newest = new EventQueue(3, 'drop-newest')
    for (const order of [5, 6]) newest.push(item(order))
    expect(newest.unshift([item(3), item(4)]).map(lost => lost.order)).toEqual([6])
    expect(drain(newest)).toEqual([3, 4, 5])
  })

  it('behaves like a plain array, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), n: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant('shift' as const), n: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant('unshift' as const), n: fc.integer({ min: 1, max: 10 }) }),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const queue = new EventQueue(10_000, 'drop-oldest')
        let model: number[] = []
        let order = 0
        for (const { do: action, n } of steps) {
          const fresh = Array.from({ length: n }, () => order++)
          if (action === 'push') for (const o of fresh) queue.push(item(o))
          if (action === 'push') model.push(...fresh)
          if (action === 'unshift') queue.unshift(fresh.map(item))
          if (action === 'unshift') model = [...fresh, ...model]
          if (action === 'shift') for (let i = 0; i < n; i++) expect(queue.shift()?.order).toBe(model.shift())
          expect(queue.length).toBe(model.length)
          expect(queue.peek()?.order).toBe(model[0])
        }
        expect(drain(queue)).toEqual(model)
      }),
    )
  })
})
