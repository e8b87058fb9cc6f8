import { join } from 'node:path'
import { Databases } from '../../src/db/databases.ts'
import type { ColumnSpec, TableSpec } from '../../src/db/schema.ts'
import { SqliteDriver } from '../../src/db/sqlite/sqlite-driver.ts'
import { recordingLog } from '../sip/net/peers.ts'
import type { TableRow } from './table-files.ts'

/** Makes a database file in a folder with these tables and rows, and gives its URL. */
export async function sqliteTables(
  folder: string,
  tables: readonly (readonly [spec: TableSpec, rows: readonly TableRow[]])[],
): Promise<string> {
  const databases = new Databases({ log: recordingLog(), directory: folder, versionTable: 'version' })
  databases.register(new SqliteDriver({ busyTimeoutMs: 1000 }))
  const url = `sqlite://${join(folder, 'test.db')}`
  const database = await databases.open(url)
  for (const [spec, rows] of tables) {
    await database.create(spec)
    const table = await database.table(spec)
    for (const row of rows) await table.insert({ ...defaultsOf(spec), ...row })
  }
  await databases.close(['sqlite'])
  return url
}

/** What columns that may not be NULL hold where a row says nothing. */
function defaultsOf({ columns }: TableSpec): TableRow {
  const needed = Object.entries<ColumnSpec>(columns).filter(([, { nullable, auto }]) => !nullable && auto !== true)
  return Object.fromEntries(needed.map(([name, { type }]) => [name, type === 'str' ? '' : 0]))
}
