import type { TableSpec } from '../../src/db/schema.ts'
import { sqliteTables } from './sqlite-tables.ts'
import { type TableRow, tableFile, tableFolder } from './table-files.ts'

/** Kinds of databases that modules are tested on. */
export const DATABASES = ['text', 'sqlite'] as const
export type DatabaseKind = (typeof DATABASES)[number]
type Tables = readonly (readonly [spec: TableSpec, rows: readonly TableRow[]])[]

/** A database of this kind with tables of the current version: the line that loads its driver, and its URL. */
export async function filledDatabase(kind: DatabaseKind, tables: Tables) {
  const { folder, write } = tableFolder()
  if (kind === 'sqlite') {
    const url = await sqliteTables(folder, tables)
    return { folder, write, url, loadmodule: 'loadmodule "db_sqlite.so"\n' }
  }
  const versions = tables.map(([{ name, version }]) => `${name}:${version}\n`)
  write('version', `table_name(string) table_version(int)\n${versions.join('')}`)
  for (const [spec, rows] of tables) write(spec.name, tableFile(spec, rows))
  return { folder, write, url: `text://${folder}`, loadmodule: 'loadmodule "db_text.so"\n' }
}
