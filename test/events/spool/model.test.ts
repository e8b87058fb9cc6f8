import { describe, expect, it } from 'vitest'
import { runSpoolModel } from './spool-model.ts'

const SEEDS = 60
const STEPS = 600

describe('a spool on a disk that fails, fills up, crashes and rots', () => {
  it(`gives what is owed and nothing else, in ${SEEDS} random histories of ${STEPS} steps`, {
    timeout: 120_000,
  }, async () => {
    let crashes = 0
    let flips = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await runSpoolModel(seed, STEPS)
      crashes += run.crashes
      flips += run.flips
    }
    expect(crashes).toBeGreaterThan(SEEDS)
    expect(flips).toBeGreaterThan(SEEDS)
  })
})
