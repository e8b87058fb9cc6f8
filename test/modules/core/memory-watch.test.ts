import { describe, expect, it } from 'vitest'
import { heapMemory, processMemory, watchMemory } from '../../../src/modules/core/memory-watch.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

describe('the watch on memory', () => {
  it('tells at or above the threshold when the use has changed, and once when it is below again', async () => {
    const clock = new VirtualClock()
    const told: number[] = []
    let used = 0
    watchMemory(
      clock,
      50,
      () => ({ used, size: 1000 }),
      ({ usage }) => void told.push(usage),
    )
    for (used of [490, 500, 505, 609, 609, 400, 300, 500]) await clock.advance(1000)
    expect(told).toEqual([50, 60, 40, 50])
  })

  it('tells used and size in bytes with the threshold', async () => {
    const clock = new VirtualClock()
    const told: unknown[] = []
    watchMemory(
      clock,
      10,
      () => ({ used: 250, size: 1000 }),
      alarm => void told.push(alarm),
    )
    await clock.advance(1000)
    expect(told).toEqual([{ usage: 25, threshold: 10, used: 250, size: 1000 }])
  })

  it('a threshold of 0 is off', () => {
    expect(watchMemory(new VirtualClock(), 0, heapMemory, () => {})).toBe(null)
  })

  it.each([
    ['process', processMemory],
    ['heap', heapMemory],
  ])('the %s uses some of what it may have', (_, read) => {
    const { used, size } = read()
    expect(used).toBeGreaterThan(0)
    expect(size).toBeGreaterThan(used)
  })
})
