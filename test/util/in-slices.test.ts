import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { mapInSlices, SLICE } from '../../src/util/in-slices.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

it('few items are worked off at once', () => {
  expect(mapInSlices(numbers(SLICE), n => n * 2)).toEqual(numbers(SLICE).map(n => n * 2))
})

it('many are worked off a slice a turn, in order', async () => {
  let made = 0
  const most: number[] = []
  const mapped = mapInSlices(numbers(10 * SLICE + 1), n => {
    made++
    return n * 2
  })
  for (let before = 0; made < 10 * SLICE + 1; before = made) {
    await turn()
    most.push(made - before)
  }
  expect(Math.max(...most.slice(1))).toBeLessThanOrEqual(2 * SLICE)
  expect(most.length).toBeGreaterThan(5)
  expect(await mapped).toEqual(numbers(10 * SLICE + 1).map(n => n * 2))
})

it('what fails for an item fails as a whole', async () => {
  const mapped = mapInSlices(numbers(1000), n => {
    if (n === 999) throw new Error('broken')
  })
  await expect(mapped).rejects.toThrow('broken')
})
