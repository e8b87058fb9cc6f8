import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { startProxy } from '../support/running-proxy.ts'
import { CapturedIo } from './captured-io.ts'

const mariadb = inject('mariadbAddress')
const postgres = inject('postgresAddress')

async function fanfareDb(...argv: string[]) {
  const io = new CapturedIo()
  const status = await main(['db', ...argv], io)
  return { status, out: io.out, err: io.err }
}

/** Runs statements on a MySQL server. */
async function onMysql(database: string, ...statements: readonly string[]): Promise<void> {
  const connection = await createConnection(`mysql://root@${mariadb}/${database}`)
  for (const statement of statements) await connection.query(statement)
  await connection.end()
}

/** Runs statements on a PostgreSQL server. */
async function onPostgres(database: string, ...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: `postgres://postgres@${postgres}/${database}` })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

const ACC = (kind: string, url: string) => `
loadmodule "tm.so"
loadmodule "db_${kind}.so"
loadmodule "acc.so"
modparam("acc", "db_url", "${url}")
route { do_accounting("db"); t_relay(); }
`

describe.each([
  { kind: 'mysql', address: mariadb, user: 'root', first: 'mysql', run: onMysql },
  { kind: 'postgres', address: postgres, user: 'postgres', first: 'postgres', run: onPostgres },
])('fanfare db in $kind', ({ kind, address, user, first, run }) => {
  it.skipIf(address === null)(
    'makes every table that modules keep, completes what is old, and the proxy starts on nothing less',
    async () => {
      const database = `made_${process.pid}`
      const url = `${kind}://${user}@${address}/${database}`
      await run(first, `CREATE DATABASE ${database}`)
      await expect(startProxy(ACC(kind, url))).rejects.toThrow(/there is no table acc in .*fanfare db create --url/)
      const made = await fanfareDb('create', '--url', url)
      expect({ status: made.status, err: made.err }).toEqual({ status: 0, err: '' })
      expect(made.out).toContain('dialog: made (version 12)\n')
      expect((await fanfareDb('create', '--url', url)).out).not.toContain('made')
      expect((await fanfareDb('check', '--url', url)).status).toBe(0)

      await run(
        database,
        "UPDATE version SET table_version = 6 WHERE table_name = 'acc'",
        'ALTER TABLE acc DROP COLUMN recovered',
      )
      await expect(startProxy(ACC(kind, url))).rejects.toThrow('expected version 7 in table version, got 6')
      expect((await fanfareDb('check', '--url', url)).out).toContain(
        'acc: expected version 7, found 6; columns missing: recovered\n',
      )
      expect((await fanfareDb('create', '--url', url, 'acc')).out).toBe('acc: completed (version 7)\n')
      const proxy = await startProxy(ACC(kind, url))
      await proxy.stop()
      expect(proxy.log.join('')).not.toMatch(/WARN|ERROR/)
    },
  )
})
