import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { PREFERENCES_TABLE } from '../../../src/modules/sqlops/preferences.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { sqliteTables } from '../../support/sqlite-tables.ts'

/**
 * A proxy with a module and a SQLite database in which there are the preferences of users and a table of people. The script
 * leaves what it has to say in `$var(r)`.
 */
export async function sqlProxy(module: string, route: string, top = '') {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-sql-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const url = await sqliteTables(folder, [[PREFERENCES_TABLE, []]])
  const file = join(folder, 'test.db')
  change(
    file,
    `CREATE TABLE people (name TEXT, age INTEGER, height REAL, note TEXT);
     INSERT INTO people VALUES ('alice', 30, 1.7, NULL), ('bob', 40, 1.8, 'n'), ('carol', 5000000000, 1.6, 'x')`,
  )
  const proxy = await scriptProxy({
    top: `loadmodule "db_sqlite.so"\nloadmodule "${module}.so"\nmodparam("${module}", "db_url", "${url}")\n${top}`,
    route: `${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })
  return {
    ...proxy,
    /** Path of the database. */
    file,
    /** What the script has left, for a message. */
    run: async (options = {}): Promise<string | undefined> => {
      await proxy.ask(options)
      return proxy.told().at(-1)
    },
    /** The rows of a query, read behind the back of the proxy. */
    rows: (sql: string) => {
      const database = new DatabaseSync(file)
      const rows = database.prepare(sql).all()
      database.close()
      return rows.map(row => Object.values(row))
    },
  }
}

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}
