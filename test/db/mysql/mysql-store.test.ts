import { createConnection } from 'mysql2/promise'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { Driver } from '../../../src/db/driver.ts'
import { MysqlDriver } from '../../../src/db/mysql/mysql-driver.ts'
import { column, nullableColumn } from '../../../src/db/schema.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { databaseConformance, openDatabase } from '../../conformance/database.ts'

const address = inject('mariadbAddress')
const [host = '', port = '0'] = (address ?? '').split(':')

/** Runs statements as root, outside of any database. */
async function admin(...statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ host, port: Number(port), user: 'root' })
  for (const statement of statements) await connection.query(statement)
  await connection.end()
}

type Changes = (readonly [url: string, status: string])[]

/** The driver; each database it opens is made first. */
function driver(changes: Changes = []): Driver {
  const real = new MysqlDriver({
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
      await admin(`CREATE DATABASE IF NOT EXISTS \`${database}\``)
      return real.open(location)
    },
  }
}

const url = (folder: string): string => `mysql://root@${address}/${folder.split('-').at(-1)}`
const mysql = { name: 'MySQL', driver: () => driver(), url, ignoresCase: false }

describe.skipIf(address === null)('a MySQL database', () => {
  databaseConformance(mysql)

  it('made by the scripts of OpenSIPS is used as it is: dates are read and written as seconds', async () => {
    const { database } = await openDatabase(mysql)
    await database.query(
      'CREATE TABLE version (table_name CHAR(32) NOT NULL, table_version INT UNSIGNED DEFAULT 0 NOT NULL)',
    )
    await database.query("INSERT INTO version VALUES ('calls', '8')")
    await database.query(
      "CREATE TABLE calls (id INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, callid CHAR(64) DEFAULT '' NOT NULL, time DATETIME NOT NULL, " +
        "made DATETIME DEFAULT '1900-01-01 00:00:01' NOT NULL) ENGINE=InnoDB",
    )
    const spec = {
      name: 'calls',
      version: 8,
      columns: { callid: column('str'), time: column('time'), made: nullableColumn('time') },
    } as const
    const table = await database.table(spec)
    await table.insert({ callid: "it's", time: 1_800_000_000 })
    expect(await table.select({ where: [['time', '>=', 1_800_000_000]] })).toEqual([
      { callid: "it's", time: 1_800_000_000, made: 0 },
    ])
    expect(await database.query("SELECT UNIX_TIMESTAMP(time) FROM calls WHERE callid = 'it\\'s'")).toEqual([
      [1_800_000_000],
    ])
  })

  it('takes no second statement behind a first one', async () => {
    const { database } = await openDatabase(mysql)
    await expect(database.query('SELECT 1; DROP TABLE x')).rejects.toMatchObject({ code: 'E_DB_QUERY' })
  })

  it('gives a script no more rows than can be kept', async () => {
    const { database } = await openDatabase(mysql)
    const counted = (rows: number) => database.query(`SELECT seq FROM seq_1_to_${rows}`)
    await expect(counted(10_001)).rejects.toThrow('more than 10000 rows')
    expect(await counted(10_000)).toHaveLength(10_000)
  })

  it('keeps texts with backslashes also where they stand for themselves', async () => {
    await admin("SET GLOBAL sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
    onTestFinished(() => admin("SET GLOBAL sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')"))
    const { database } = await openDatabase(mysql)
    const spec = { name: 'names', version: 1, columns: { name: column('str') } } as const
    await database.create(spec)
    const table = await database.table(spec)
    await table.insert({ name: "a\\' b\\" })
    expect(await table.select()).toEqual([{ name: "a\\' b\\" }])
  })

  it('whose connections were cut is entered anew, and that is told', async () => {
    const changes: Changes = []
    const { database, url: opened } = await openDatabase({ driver: () => driver(changes), url })
    const [[own]] = (await database.query('SELECT CONNECTION_ID()')) as [[number]]
    await admin(`KILL ${own}`)
    const ask = async (): Promise<unknown> => database.query('SELECT CONNECTION_ID()').catch(() => null)
    for (let i = 0; i < 4; i++) await ask()
    expect(await ask()).toEqual([[expect.any(Number)]])
    expect(changes.slice(0, 3)).toEqual([
      [opened, 'connected'],
      [opened, 'disconnected'],
      [opened, 'connected'],
    ])
  })

  it('that does not answer in time is given up, and entered anew', async () => {
    const clock = new VirtualClock()
    const options = { clock, timeoutMs: 10_000, tries: 1, readers: 1, changed: () => {} }
    const store = await new MysqlDriver(options).open(`root@${address}/mysql`)
    onTestFinished(() => store.close())
    const refused = expect(store.query?.('SELECT SLEEP(20)')).rejects.toThrow('no answer within 10000 ms')
    await clock.advance(10_000)
    await refused
    expect(await store.query?.('SELECT 1')).toEqual([[1]])
  })

  it('of this machine is entered by its socket where the URL says localhost', async () => {
    const { database } = await openDatabase(mysql)
    const [[socket]] = (await database.query('SELECT @@socket')) as [[string]]
    const store = await new MysqlDriver({
      clock: systemClock,
      timeoutMs: 10_000,
      tries: 1,
      readers: 1,
      localSockets: ['/nowhere/mysqld.sock', socket],
      changed: () => {},
    }).open('root@localhost/mysql')
    onTestFinished(() => store.close())
    const own = 'SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()'
    expect(await store.query?.(own)).toEqual([['localhost']])
    expect(await database.query(own)).toEqual([[expect.stringMatching(/:\d+$/)]])
  })

  it('is entered with a password by native hashes; a wrong one is refused without being told', async () => {
    await admin("CREATE OR REPLACE USER 'proxy'@'%' IDENTIFIED BY 'p@ss:w/rd'", "GRANT ALL ON *.* TO 'proxy'@'%'")
    const enter = (password: string) =>
      openDatabase({ driver: () => driver(), url: () => `mysql://proxy:${password}@${address}/entered` })
    const { database } = await enter('p@ss:w/rd')
    expect(await database.query('SELECT 1')).toEqual([[1]])
    const refused = await enter('wr:ng').catch((error: Error) => error)
    expect(refused).toMatchObject({ code: 'E_DB_STORAGE', message: expect.stringMatching(/Access denied for user/) })
    expect((refused as Error).message).not.toContain('wr:ng')
  })
})

describe('a MySQL server that is none', () => {
  it.each([
    ['mysql://localhost', /expected mysql:/],
    ['mysql://a:b@host:99999/x', /expected mysql:/],
    ['mysql://a@host/x?tls_domain=d', /TLS/],
  ])('%s is refused without its password', async (text, message) => {
    const opening = new MysqlDriver({
      clock: systemClock,
      timeoutMs: 100,
      tries: 1,
      readers: 1,
      changed: () => {},
    }).open(text.slice('mysql://'.length))
    await expect(opening).rejects.toMatchObject({ code: 'E_DB_URL', message: expect.stringMatching(message) })
  })
})
