import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ACC_FLAGS,
  type AccFlag,
  AccountedTypes,
  type AccType,
  AVAILABLE_TYPES,
} from '../../../src/modules/acc/kinds.ts'

type Step = readonly [what: 'add' | 'remove', type: AccType, flag: AccFlag | null]

/** The same kept plainly. */
function plainly(steps: readonly Step[]): Map<AccType, Set<AccFlag>> {
  const types = new Map<AccType, Set<AccFlag>>()
  for (const [what, type, flag] of steps) {
    const flags = types.get(type) ?? new Set()
    if (what === 'add') types.set(type, flag === null ? flags : flags.add(flag))
    else if (flag === null) types.delete(type)
    else flags.delete(flag)
  }
  return types
}

describe('the types a call is accounted with', () => {
  it('are those that were added and not taken back, each with its own flags', () => {
    const step = fc.tuple(
      fc.constantFrom('add' as const, 'remove' as const),
      fc.constantFrom(...AVAILABLE_TYPES),
      fc.constantFrom(...ACC_FLAGS, null),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const types = new AccountedTypes()
        for (const [what, type, flag] of steps) types[what](type, flag)
        const expected = plainly(steps)
        expect(types.all).toEqual(AVAILABLE_TYPES.filter(type => expected.has(type)))
        for (const type of types.all)
          expect(types.flagsOf(type)).toEqual(ACC_FLAGS.filter(flag => expected.get(type)?.has(flag)))
        for (const flag of ACC_FLAGS)
          expect(types.having(flag)).toEqual(AVAILABLE_TYPES.filter(type => expected.get(type)?.has(flag)))
      }),
    )
  })
})
