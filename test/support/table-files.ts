import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ColumnSpec, TableSpec } from '../../src/db/schema.ts'

/** A row: columns that are left out get '' or 0, numbered ones their number. */
export type TableRow = Readonly<Record<string, string | number>>

/** The content of a table file of db_text with these rows; columns not in `only` are left out if that is given. */
export function tableFile(spec: TableSpec, rows: readonly TableRow[], only?: readonly string[]): string {
  const columns = Object.entries<ColumnSpec>(spec.columns).filter(([name]) => only?.includes(name) ?? true)
  const header = columns.map(([name, { type, nullable, auto }]) => {
    const attribute = auto === true ? ',auto' : nullable ? ',null' : ''
    return `${name}(${type === 'str' ? 'string' : type}${attribute})`
  })
  const value = (row: TableRow, name: string, { type, nullable, auto }: ColumnSpec): string => {
    const given = row[name]
    if (given !== undefined) return String(given).replace(/[\\:]/g, '\\$&')
    return type === 'str' || nullable || auto === true ? '' : '0'
  }
  const lines = rows.map(row => columns.map(([name, column]) => value(row, name, column)).join(':'))
  return [header.join(' '), ...lines, ''].join('\n')
}

/** A folder of tables for `text://`, gone with the test, and how to write one. */
export function tableFolder(): { readonly folder: string; write(name: string, content: string): void } {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-tables-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, write: (name, content) => writeFileSync(join(folder, name), content) }
}
