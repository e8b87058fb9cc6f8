import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { Driver } from '../../../src/db/driver.ts'
import { PostgresDriver } from '../../../src/db/postgres/postgres-driver.ts'
import { column, nullableColumn } from '../../../src/db/schema.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { databaseConformance, openDatabase } from '../../conformance/database.ts'

const address = inject('postgresAddress')

/** Runs statements as the owner of the server. */
async function admin(...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: `postgres://postgres@${address}/postgres` })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

type Changes = (readonly [url: string, status: string])[]

/** The driver; each database it opens is made first. */
function driver(changes: Changes = []): Driver {
  const real = new PostgresDriver({
    clock: systemClock,
    timeoutMs: 10_000,
    tries: 2,
    readers: 2,
    changed: (url, status) => void changes.push([url, status]),
  })
  return {
    schemes: real.schemes,
    open: async location => {
      const database = location.split('/').at(-1) ?? ''
      await admin(`CREATE DATABASE "${database}"`).catch((error: { readonly code?: string }) => {
        if (error.code !== '42P04') throw error
      })
      return real.open(location)
    },
  }
}

const url = (folder: string): string => `postgres://postgres@${address}/${folder.split('-').at(-1)}`
const postgres = { name: 'PostgreSQL', driver: () => driver(), url, ignoresCase: false }

describe.skipIf(address === null)('a PostgreSQL database', () => {
  databaseConformance(postgres)

  it('made by the scripts of OpenSIPS is used as it is: dates are read and written as seconds', async () => {
    const { database } = await openDatabase(postgres)
    await database.query(
      'CREATE TABLE version (table_name VARCHAR(32) NOT NULL, table_version INTEGER DEFAULT 0 NOT NULL)',
    )
    await database.query("INSERT INTO version VALUES ('calls', '8')")
    await database.query(
      "CREATE TABLE calls (id SERIAL PRIMARY KEY NOT NULL, callid VARCHAR(64) DEFAULT '' NOT NULL, time TIMESTAMP NOT NULL, " +
        "made TIMESTAMP DEFAULT '1900-01-01 00:00:01' NOT NULL, day DATE, ends TIMESTAMP DEFAULT 'infinity')",
    )
    const spec = {
      name: 'calls',
      version: 8,
      columns: {
        callid: column('str'),
        time: column('time'),
        made: nullableColumn('time'),
        day: nullableColumn('time'),
        ends: nullableColumn('time'),
      },
    } as const
    const table = await database.table(spec)
    await table.insert({ callid: "it's", time: 1_800_000_000 })
    expect(await table.select({ where: [['time', '>=', 1_800_000_000]] })).toEqual([
      { callid: "it's", time: 1_800_000_000, made: 0, day: null, ends: 253_402_300_799 },
    ])
    expect(
      await database.query("SELECT EXTRACT(EPOCH FROM time::timestamptz) FROM calls WHERE callid = E'it\\'s'"),
    ).toEqual([[1_800_000_000]])
  })

  it('compares texts with numbers, keeps texts in columns of bytes, and reads truth as numbers', async () => {
    const { database } = await openDatabase(postgres)
    await database.query('CREATE TABLE things (code VARCHAR(8), body BYTEA, plenty NUMERIC(20, 2), isopen BOOLEAN)')
    const columns = {
      code: column('any'),
      body: column('blob'),
      plenty: column('double'),
      isopen: column('int'),
    } as const
    const table = await database.table({ name: 'things', version: 1, columns }, { skipsVersion: true })
    const body = 'v=0\r\n\\x41 ☎'
    await table.insert({ code: 404, body, plenty: 1.5, isopen: 1 })
    expect(await table.select({ where: [['code', '=', 404]] })).toEqual([{ code: '404', body, plenty: 1.5, isopen: 1 }])
  })

  it.each(['SELECT 1; DROP TABLE x', 'SELEC 1'])('takes one statement of its language at a time: %s', async text => {
    const { database } = await openDatabase(postgres)
    await expect(database.query(text)).rejects.toMatchObject({ code: 'E_DB_QUERY' })
    expect(await database.query('SELECT 1')).toEqual([[1]])
  })

  it('never takes what stands before a NUL for the whole', async () => {
    const { database } = await openDatabase(postgres)
    await database.create({ name: 'names', version: 1, columns: { name: column('str') } } as const)
    await expect(database.query("DELETE FROM names\0 WHERE name = 'x'")).rejects.toMatchObject({ code: 'E_DB_VALUE' })
  })

  it('gives a script no more rows than can be kept', async () => {
    const { database } = await openDatabase(postgres)
    await expect(database.query('SELECT generate_series(1, 10001)')).rejects.toThrow('more than 10000 rows')
    expect(await database.query('SELECT generate_series(1, 10000)')).toHaveLength(10_000)
  })

  it('whose connections were cut is entered anew, and that is told', async () => {
    const changes: Changes = []
    const { database, url: opened } = await openDatabase({ driver: () => driver(changes), url })
    const [[own]] = (await database.query('SELECT pg_backend_pid()')) as [[number]]
    await admin(`SELECT pg_terminate_backend(${own})`)
    const ask = async (): Promise<unknown> => database.query('SELECT pg_backend_pid()').catch(() => null)
    for (let i = 0; i < 4; i++) await ask()
    expect(await ask()).toEqual([[expect.any(Number)]])
    expect(changes.slice(0, 3)).toEqual([
      [opened, 'connected'],
      [opened, 'disconnected'],
      [opened, 'connected'],
    ])
  })

  it('of this machine is entered by its socket where the URL names no host', async () => {
    const { database } = await openDatabase(postgres)
    const [[folder]] = (await database.query('SHOW unix_socket_directories')) as [[string]]
    const [, port] = (address ?? '').split(':')
    const options = { clock: systemClock, timeoutMs: 10_000, tries: 1, readers: 1, changed: () => {} }
    const store = await new PostgresDriver(options).open(`postgres@(${folder}):${port}/postgres`)
    onTestFinished(() => store.close())
    expect(await store.query?.('SELECT inet_client_addr()')).toEqual([[null]])
    const missing = new PostgresDriver({ ...options, localSockets: [folder] }).open('postgres@/postgres')
    await expect(missing).rejects.toThrow(`${folder}/.s.PGSQL.5432`)
  })

  it('is entered with a password by SCRAM; a wrong one is refused without being told', async () => {
    await admin('DROP ROLE IF EXISTS proxy', "CREATE ROLE proxy LOGIN PASSWORD 'p@ss:w/rd'")
    const enter = (password: string) =>
      openDatabase({ driver: () => driver(), url: () => `postgres://proxy:${password}@${address}/entered` })
    const { database } = await enter('p@ss:w/rd')
    expect(await database.query('SELECT 1')).toEqual([[1]])
    const refused = await enter('wr:ng').catch((error: Error) => error)
    expect(refused).toMatchObject({ code: 'E_DB_STORAGE', message: expect.stringMatching(/authentication failed/) })
    expect((refused as Error).message).not.toContain('wr:ng')
  })
})
