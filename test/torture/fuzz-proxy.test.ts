import { expect, it } from 'vitest'
import { fuzz } from './fuzz-run.ts'

it('1500 mutated messages make a whole proxy neither fail, nor hang, nor keep anything', async () => {
  const result = await fuzz({
    seed: 20_261_120,
    goesOn: rounds => rounds < 1500,
    hangMs: 60_000,
    growthBytes: 32_000_000,
    batchesALook: 15,
  })
  expect(result.findings).toEqual([])
  expect(result.relayed).toBeGreaterThan(100)
})
