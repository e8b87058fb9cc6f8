import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { CapturedIo } from '../../cli/captured-io.ts'

/** A row as it stands in the database. */
export type StoredRow = Readonly<Record<string, string | number | null>>

/** A SQLite database with the tables that modules keep, in a folder of its own, removed at the end of the test. */
export interface CallsDatabase {
  readonly url: string
  readonly folder: string
  /** What another program sees and does. */
  readonly file: DatabaseSync
  rows(table: string): readonly StoredRow[]
}

/** Makes the tables as `fanfare db create` does. */
export async function callsDatabase(...tables: string[]): Promise<CallsDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-calls-'))
  const url = `sqlite://${folder}/calls.db`
  await createTables(url, ...tables)
  const file = new DatabaseSync(join(folder, 'calls.db'))
  onTestFinished(() => {
    file.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    url,
    folder,
    file,
    rows: table => file.prepare(`SELECT * FROM ${table} ORDER BY rowid`).all() as StoredRow[],
  }
}

/** Makes tables anywhere. */
export async function createTables(url: string, ...tables: string[]): Promise<void> {
  const io = new CapturedIo()
  if ((await main(['db', 'create', '--url', url, ...tables], io)) !== 0) throw new Error(io.err)
}
