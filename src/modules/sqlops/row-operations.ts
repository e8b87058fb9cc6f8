import type { Database } from '../../db/database.ts'
import { type DbValue, nullableColumn, type TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import { type Clause, conditionsOf, passes } from './clauses.ts'
import type { Rows } from './results.ts'

/** What a script wants of a table. */
export interface Selection {
  readonly table: string
  /** Undefined: all. */
  readonly columns: readonly string[] | undefined
  readonly filter: readonly Clause[]
  /** Column by which they are ordered, the smallest value first. */
  readonly order: string | undefined
}

/** The rows there are. Rejects with a DatabaseError. */
export async function selectRows(database: Database, { table, columns, filter, order }: Selection): Promise<Rows> {
  const wanted = columns ?? (await database.columns(table))
  const needed = [...wanted, ...filter.map(({ column }) => column), ...(order === undefined ? [] : [order])]
  const rows = await (await anyTable(database, table, needed)).select({
    where: conditionsOf(filter),
    ...(order === undefined ? {} : { orderBy: [[order, 'ascending']] }),
  })
  return rows.filter(row => passes(filter, row)).map(row => wanted.map(column => row[column] ?? null))
}

/** Writes the values into each row the filter leaves. Rejects with an Error. */
export async function updateRows(
  database: Database,
  table: string,
  values: Readonly<Record<string, DbValue>>,
  filter: readonly Clause[],
): Promise<void> {
  const columns = [...Object.keys(values), ...filter.map(({ column }) => column)]
  await (await anyTable(database, table, columns)).update(values, exact(filter))
}

/** Adds a row; columns that are not given are NULL. Rejects with a DatabaseError. */
export async function insertRow(
  database: Database,
  table: string,
  values: Readonly<Record<string, DbValue>>,
): Promise<void> {
  await (await anyTable(database, table, Object.keys(values))).insert(values)
}

/** Removes each row the filter leaves. Rejects with an Error. */
export async function deleteRows(database: Database, table: string, filter: readonly Clause[]): Promise<void> {
  const columns = filter.length > 0 ? filter.map(({ column }) => column) : await database.columns(table)
  await (await anyTable(database, table, columns)).delete(exact(filter))
}

/** The conditions, where the database itself can decide all of them. */
function exact(filter: readonly Clause[]) {
  const other = filter.find(({ operator }) => operator === '!=')
  if (other !== undefined) throw new Error(`column ${other.column}: != is for sql_select() only`)
  return conditionsOf(filter)
}

/** A table whose columns are what they are. Rejects with a DatabaseError where one is not there. */
async function anyTable(database: Database, name: string, columns: readonly string[]): Promise<Table<TableSpec>> {
  const known = new Set(await database.columns(name))
  const unknown = columns.find(column => !known.has(column))
  if (unknown !== undefined) throw new Error(`table ${name} has no column ${unknown}`)
  const spec: TableSpec = {
    name,
    version: 0,
    columns: Object.fromEntries(columns.map(column => [column, nullableColumn('any')])),
  }
  return database.table(spec, { skipsVersion: true })
}
