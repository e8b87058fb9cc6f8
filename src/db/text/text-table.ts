import { asColumnType } from '../convert.ts'
import { DatabaseError } from '../database-error.ts'
import type { StoredQuery, StoredRow } from '../driver.ts'
import type { Condition, DbValue } from '../schema.ts'
import { compareValues, rowTest } from './compare.ts'
import { highest, type TableContent, type TextColumn } from './table-file.ts'

/** The rows that have a value in one column, in their order: what compares as equal is found by one key. */
class ColumnIndex {
  readonly at: number
  readonly #rows = new Map<string | null, Set<DbValue[]>>()

  constructor(at: number, rows: Iterable<DbValue[]>) {
    this.at = at
    for (const row of rows) this.add(row)
  }

  find(value: DbValue): DbValue[][] {
    return [...(this.#rows.get(keyOf(value)) ?? [])]
  }

  add(row: DbValue[]): void {
    const key = keyOf(row[this.at] ?? null)
    const known = this.#rows.get(key)
    if (known === undefined) this.#rows.set(key, new Set([row]))
    else known.add(row)
  }

  delete(row: DbValue[]): void {
    const key = keyOf(row[this.at] ?? null)
    const known = this.#rows.get(key)
    known?.delete(row)
    if (known?.size === 0) this.#rows.delete(key)
  }
}

/** Numbers equal their decimal text, and texts each other in any case (see {@link compareValues}). */
const keyOf = (value: DbValue): string | null => (value === null ? null : String(value).toLowerCase())

/** The rows of one table file in memory, and whether they differ from the file. */
export class TextTable {
  readonly name: string
  readonly columns: readonly TextColumn[]
  isModified = false
  readonly #rows: Set<DbValue[]>
  /** Rows by the column that the last search by equality was for. */
  #index: ColumnIndex | null = null
  readonly #onEmptied: (column: string) => void

  /** `onEmptied` is told when NULL is stored as the empty text, because the column is not nullable. */
  constructor(
    name: string,
    { columns, rows }: Pick<TableContent, 'columns' | 'rows'>,
    onEmptied: (column: string) => void,
  ) {
    this.name = name
    this.columns = columns
    this.#rows = new Set(rows)
    this.#onEmptied = onEmptied
  }

  get rows(): readonly (readonly DbValue[])[] {
    return [...this.#rows]
  }

  select({ columns, where, orderBy }: StoredQuery): readonly StoredRow[] {
    const wanted = columns.map(name => [name, this.#indexOf(name)] as const)
    const found = this.#find(where)
    const orders = orderBy.map(([name, direction]) => ({
      at: this.#indexOf(name),
      sign: direction === 'ascending' ? 1 : -1,
    }))
    if (orders.length > 0)
      found.sort((a, b) => {
        for (const { at, sign } of orders) {
          const order = compareValues(a[at] ?? null, b[at] ?? null)
          if (order !== 0) return order * sign
        }
        return 0
      })
    return found.map(row => Object.fromEntries(wanted.map(([name, at]) => [name, row[at] ?? null])))
  }

  /** Throws a DatabaseError where a value does not fit its column. */
  insert(row: StoredRow): void {
    const given = this.#fitted(row)
    const values = this.columns.map((column, at) => {
      const value = given.get(at)
      if (value !== undefined && !(value === null && column.auto)) return value
      return column.auto ? highest(this.rows, at) + 1 : this.#orNull(column)
    })
    this.#rows.add(values)
    this.#index?.add(values)
    this.isModified = true
  }

  /** Gives how many rows were changed. Throws as {@link insert}. */
  update(values: StoredRow, where: readonly Condition[]): number {
    const given = this.#fitted(values)
    const found = this.#find(where)
    if (this.#index !== null && given.has(this.#index.at)) this.#index = null
    for (const row of found) for (const [at, value] of given) row[at] = value
    if (found.length > 0) this.isModified = true
    return found.length
  }

  /** Gives how many rows were deleted. */
  delete(where: readonly Condition[]): number {
    const found = this.#find(where)
    for (const row of found) {
      this.#rows.delete(row)
      this.#index?.delete(row)
    }
    if (found.length > 0) this.isModified = true
    return found.length
  }

  /** The rows for which the conditions hold, in their order. Those of an equality are found without looking at all. */
  #find(where: readonly Condition[]): DbValue[][] {
    const test = rowTest(where, name => this.#indexOf(name))
    const equality = where.find(([, operator]) => operator === '=')
    if (equality === undefined) return [...this.#rows].filter(test)
    const at = this.#indexOf(equality[0])
    if (this.#index?.at !== at) this.#index = new ColumnIndex(at, this.#rows)
    return this.#index.find(equality[2]).filter(test)
  }

  #fitted(row: StoredRow): ReadonlyMap<number, DbValue> {
    return new Map(
      Object.entries(row).map(([name, value]) => {
        const at = this.#indexOf(name)
        const column = this.columns[at]
        const fitted = column === undefined ? undefined : asColumnType(value, column.type)
        if (column === undefined || fitted === undefined) throw this.#misfit(name, value, column)
        return [at, fitted ?? (column.auto ? null : this.#orNull(column))]
      }),
    )
  }

  /** NULL, or the empty text where a column of text may not be NULL. */
  #orNull(column: TextColumn): DbValue {
    if (column.nullable) return null
    if (column.type === 'str' || column.type === 'blob') {
      this.#onEmptied(column.name)
      return ''
    }
    throw new DatabaseError('E_DB_VALUE', `table ${this.name}: column ${column.name} cannot be NULL`)
  }

  #misfit(name: string, value: DbValue, column: TextColumn | undefined): DatabaseError {
    const wanted = column?.word ?? 'nothing'
    return new DatabaseError(
      'E_DB_VALUE',
      `table ${this.name}: column ${name} takes ${wanted}, got ${JSON.stringify(String(value))}`,
    )
  }

  #indexOf(name: string): number {
    const at = this.columns.findIndex(column => column.name === name)
    if (at < 0) throw new DatabaseError('E_DB_COLUMN', `table ${this.name} has no column ${name}`)
    return at
  }
}
