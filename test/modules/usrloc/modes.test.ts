import { describe, expect, it } from 'vitest'
import { type ModeParams, storageMode } from '../../../src/modules/usrloc/modes.ts'

const NONE: ModeParams = {
  db_mode: 0,
  working_mode_preset: undefined,
  cluster_mode: 'none',
  restart_persistency: 'none',
  sql_write_mode: 'none',
}
const mode = (given: Partial<ModeParams>) => storageMode({ ...NONE, ...given }, new Set(Object.keys(given)))

describe('the storage mode', () => {
  it.each([
    [0, 'single-instance-no-db', { hasMemory: true, loads: false, writes: 'never' }],
    [1, 'single-instance-sql-write-through', { hasMemory: true, loads: true, writes: 'through' }],
    [2, 'single-instance-sql-write-back', { hasMemory: true, loads: true, writes: 'back' }],
    [3, 'sql-only', { hasMemory: false, loads: false, writes: 'through' }],
  ])('db_mode %s is %s', (number, preset, expected) => {
    expect(mode({ db_mode: number })).toEqual(expected)
    expect(mode({ working_mode_preset: preset })).toEqual(expected)
  })

  it('can be put together; the preset wins over the parts, and they over db_mode', () => {
    expect(mode({ sql_write_mode: 'write-back', db_mode: 1 })).toEqual({
      hasMemory: true,
      loads: false,
      writes: 'back',
    })
    expect(mode({ restart_persistency: 'load-from-sql' })).toEqual({ hasMemory: true, loads: true, writes: 'never' })
    expect(mode({ cluster_mode: 'sql-only' })).toEqual(mode({ db_mode: 3 }))
    expect(mode({ working_mode_preset: 'sql-only', sql_write_mode: 'write-back', db_mode: 1 })).toEqual(
      mode({ db_mode: 3 }),
    )
  })
})
