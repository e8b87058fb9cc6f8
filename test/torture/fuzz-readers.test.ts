import { expect, it } from 'vitest'
import { fuzzReaders } from './fuzz-readers.ts'

it('300 mutated samples make none of those throw or hang that read what others have written', async () => {
  expect(await fuzzReaders({ seed: 20_261_121, goesOn: rounds => rounds < 300, hangMs: 20_000 })).toEqual([])
}, 120_000)
