import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RowError, readRows } from '../../src/db/read-rows.ts'
import { autoColumn, column } from '../../src/db/schema.ts'
import { SqliteDriver } from '../../src/db/sqlite/sqlite-driver.ts'
import { TextDriver } from '../../src/db/text/text-driver.ts'
import { openDatabase } from '../conformance/database.ts'

const SPEC = { name: 'things', version: 1, columns: { id: autoColumn, size: column('int') } } as const

describe('reading the rows of a table', () => {
  it('leaves out those the reader refuses, and those whose values their columns cannot hold; names table, row and column', async () => {
    const { folder, database, log } = await openDatabase({
      driver: () => new TextDriver({ followsFiles: false }),
      url: path => `text://${path}`,
    })
    // As text, so that the driver lets it through.
    writeFileSync(join(folder, 'things'), 'id(int,auto) size(string)\n1:5\n2:x\n3:-1\n4:7\n')
    const table = await database.table(SPEC)
    const read = await readRows(table, 'id', log, ({ id, size }) => {
      if (size < 0) throw new RowError('size', `expected a size from 0, got ${size}`)
      return `${id}=${size}`
    })
    expect(read).toEqual({ rows: ['1=5', '4=7'], discarded: 2 })
    const faults = log.lines.filter(line => line.includes('a row of a table is left out'))
    expect(faults).toEqual([
      expect.stringMatching(/things.*2.*column things\.size: expected int, got \\?"x/),
      expect.stringMatching(/things.*3.*size.*expected a size from 0, got -1/),
    ])
  })

  it('passes on every other error', async () => {
    const { database, log } = await openDatabase({
      driver: () => new SqliteDriver({ busyTimeoutMs: 0 }),
      url: path => `sqlite://${path}/test.db`,
    })
    await database.create(SPEC)
    const table = await database.table(SPEC)
    await table.insert({ size: 1 })
    const reading = readRows(table, 'id', log, () => {
      throw new TypeError('mine')
    })
    await expect(reading).rejects.toThrow('mine')
  })
})
