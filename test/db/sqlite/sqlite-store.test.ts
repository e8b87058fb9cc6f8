import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { column } from '../../../src/db/schema.ts'
import { SqliteDriver } from '../../../src/db/sqlite/sqlite-driver.ts'
import { databaseConformance, openDatabase } from '../../conformance/database.ts'

const sqlite = {
  name: 'sqlite',
  driver: () => new SqliteDriver({ busyTimeoutMs: 0 }),
  url: (folder: string) => `sqlite://${folder}/test.db`,
  ignoresCase: false,
}
databaseConformance(sqlite)

const NAMES = { name: 'names', version: 1, columns: { name: column('str') } } as const

describe('a SQLite file', () => {
  it('made by others is used as it is', async () => {
    const { folder, database } = await openDatabase(sqlite)
    const other = new DatabaseSync(join(folder, 'test.db'))
    other.exec(
      'CREATE TABLE version (table_name CHAR(32), table_version INTEGER);' +
        "INSERT INTO version VALUES ('names', 1); CREATE TABLE names (name CHAR(64)); INSERT INTO names VALUES ('x')",
    )
    other.close()
    expect(await (await database.table(NAMES)).select()).toEqual([{ name: 'x' }])
  })

  it('without the version of a table is refused', async () => {
    const { folder, database } = await openDatabase(sqlite)
    const other = new DatabaseSync(join(folder, 'test.db'))
    other.exec('CREATE TABLE names (name CHAR(64))')
    other.close()
    await expect(database.table(NAMES)).rejects.toMatchObject({
      code: 'E_DB_VERSION',
      message: expect.stringMatching(
        /^table names in sqlite:\/\/.*: expected version 1 in table version, got none; to cure it, run: fanfare db create --url sqlite:\/\/\S+ names$/,
      ),
    })
  })

  it('that another one is writing to gives an error instead of waiting for ever', async () => {
    const { folder, database } = await openDatabase(sqlite)
    await database.create(NAMES)
    const table = await database.table(NAMES)
    const other = new DatabaseSync(join(folder, 'test.db'))
    other.exec('BEGIN EXCLUSIVE')
    await expect(table.insert({ name: 'x' })).rejects.toMatchObject({ code: 'E_DB_STORAGE' })
    other.exec('ROLLBACK')
    other.close()
    await table.insert({ name: 'x' })
    expect(await table.select()).toHaveLength(1)
  })

  it('runs SQL: rows with their values in the order of the columns, none of a statement that asks for nothing', async () => {
    const { database } = await openDatabase(sqlite)
    await database.create(NAMES)
    expect(await database.query("INSERT INTO names VALUES ('x'), ('y')")).toEqual([])
    expect(await database.query('SELECT count(*), name, NULL, 1.5 FROM names GROUP BY name ORDER BY name')).toEqual([
      [1, 'x', null, 1.5],
      [1, 'y', null, 1.5],
    ])
    await expect(database.query('SELECT none FROM names')).rejects.toMatchObject({ code: 'E_DB_STORAGE' })
  })

  it('gives no more rows of a query than memory has room for', async () => {
    const { database } = await openDatabase(sqlite)
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'
    await expect(database.query(endless)).rejects.toThrow('more than 10000 rows')
  })

  it('that cannot be opened is named', async () => {
    const { databases } = await openDatabase(sqlite)
    await expect(databases.open('sqlite:///nowhere/at/all.db')).rejects.toMatchObject({
      code: 'E_DB_STORAGE',
      message: expect.stringContaining('cannot open /nowhere/at/all.db'),
    })
    await expect(databases.open('sqlite://')).rejects.toMatchObject({ code: 'E_DB_URL' })
  })
})
