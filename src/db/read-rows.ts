import type { Log } from '../log/log.ts'
import { DatabaseError } from './database-error.ts'
import type { ColumnName, RowOf, TableSpec } from './schema.ts'
import type { Table } from './table.ts'

/** Why a row cannot be used: thrown by those who read rows. */
export class RowError extends Error {
  override readonly name = 'RowError'
  /** As its table's declaration calls it. */
  readonly column: string
  constructor(column: string, message: string) {
    super(message)
    this.column = column
  }
}

/** What was read of a table. */
export interface ReadRows<T> {
  readonly rows: readonly T[]
  /** How many rows were left out. */
  readonly discarded: number
}

/**
 * Reads every row of a table with `read`. A row for which that throws a {@link RowError}, or that holds a value its column
 * cannot, is left out and logged with its table, place, key and column. Rejects with a DatabaseError where the table as a
 * whole cannot be read.
 */
export async function readRows<S extends TableSpec, T>(
  table: Table<S>,
  key: ColumnName<S>,
  log: Log,
  read: (row: RowOf<S>) => T,
): Promise<ReadRows<T>> {
  const rows: T[] = []
  const all = await table.selectEach()
  for (const [i, row] of all.entries()) {
    const at = { table: table.name, row: i + 1 }
    if (row instanceof DatabaseError) {
      log.error('a row of a table is left out', { ...at, reason: row.message })
      continue
    }
    try {
      rows.push(read(row))
    } catch (error) {
      if (!(error instanceof RowError)) throw error
      const { column, message } = error
      log.error('a row of a table is left out', { ...at, [key]: String(row[key]), column, reason: message })
    }
  }
  return { rows, discarded: all.length - rows.length }
}
