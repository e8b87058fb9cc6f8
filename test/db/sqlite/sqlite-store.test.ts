import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
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

  it('is waited for in a thread of its own, in order, and closing waits too', async () => {
    const patient = { ...sqlite, driver: () => new SqliteDriver({ busyTimeoutMs: 60_000 }) }
    const { folder, database, close } = await openDatabase(patient)
    await database.create(NAMES)
    const table = await database.table(NAMES)
    const other = new DatabaseSync(join(folder, 'test.db'))
    other.exec('BEGIN EXCLUSIVE')
    let done = 0
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`)
    const inserts = names.map(name => table.insert({ name }).then(() => done++))
    const all = table.select()
    const closed = close()
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(done).toBe(0)
    other.exec('ROLLBACK')
    expect((await all).map(({ name }) => name)).toEqual(names)
    await Promise.all([...inserts, closed])
    await expect(table.insert({ name: 'late' })).rejects.toThrow('it is closed')
    expect(other.prepare('SELECT count(*) AS count FROM names').get()).toEqual({ count: 100 })
    other.close()
  })

  it('takes only so many statements while it cannot be written', async () => {
    const { folder, database } = await openDatabase({
      ...sqlite,
      driver: () => new SqliteDriver({ busyTimeoutMs: 60_000 }),
    })
    await database.create(NAMES)
    const table = await database.table(NAMES)
    const other = new DatabaseSync(join(folder, 'test.db'))
    other.exec('BEGIN EXCLUSIVE')
    const inserts = Array.from({ length: 10_000 }, () => table.insert({ name: 'x' }))
    await expect(table.insert({ name: 'x' })).rejects.toThrow('10000 statements wait for the disk already')
    other.exec('ROLLBACK')
    other.close()
    await Promise.all(inserts)
    expect(await database.query('SELECT count(*) FROM names')).toEqual([[10_000]])
  })

  it('gives up a query that takes too long, refuses what comes meanwhile, and goes on when it has ended', async () => {
    const hasty = { ...sqlite, driver: () => new SqliteDriver({ busyTimeoutMs: 0, queryTimeoutMs: 1 }) }
    const { database } = await openDatabase(hasty)
    await database.create(NAMES)
    const table = await database.table(NAMES)
    const long = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000000) SELECT count(*) FROM n'
    const behind = database.query(long).catch(error => {
      expect(error).toMatchObject({ code: 'E_DB_STORAGE', message: expect.stringContaining('takes longer than 1 ms') })
      return table.insert({ name: 'meanwhile' })
    })
    await expect(behind).rejects.toThrow('takes longer than 1 ms')
    await expect.poll(() => table.select().catch(error => error.message), { timeout: 20_000 }).toEqual([])
  })

  it('with a query that never ends does not keep the process from ending', async () => {
    const { folder } = await openDatabase(sqlite)
    const driver = new URL('../../../src/db/sqlite/sqlite-driver.ts', import.meta.url)
    const program = `
      const { SqliteDriver } = await import(${JSON.stringify(driver)})
      const store = await new SqliteDriver({ busyTimeoutMs: 0, queryTimeoutMs: 1 }).open('endless.db', { directory: '.' })
      await store.query('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n').catch(() => {})
      await store.close().catch(error => console.log(error.message))`
    const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', program]
    const said = await new Promise<string>(resolve =>
      execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => resolve(stdout)),
    )
    expect(said).toContain('endless.db: not closed: a query takes longer than 1 ms')
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
