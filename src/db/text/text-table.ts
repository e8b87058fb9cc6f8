import { asColumnType } from '../convert.ts'
import { DatabaseError } from '../database-error.ts'
import type { StoredQuery, StoredRow } from '../driver.ts'
import type { Condition, DbValue } from '../schema.ts'
import { compareValues, rowTest } from './compare.ts'
import { highest, type TableContent, type TextColumn } from './table-file.ts'

/** The rows of one table file in memory, and whether they differ from the file. */
export class TextTable {
  readonly name: string
  readonly columns: readonly TextColumn[]
  isModified = false
  #rows: DbValue[][]
  readonly #onEmptied: (column: string) => void

  /** `onEmptied` is told when NULL is stored as the empty text, because the column is not nullable. */
  constructor(
    name: string,
    { columns, rows }: Pick<TableContent, 'columns' | 'rows'>,
    onEmptied: (column: string) => void,
  ) {
    this.name = name
    this.columns = columns
    this.#rows = rows
    this.#onEmptied = onEmptied
  }

  get rows(): readonly (readonly DbValue[])[] {
    return this.#rows
  }

  select({ columns, where, orderBy }: StoredQuery): readonly StoredRow[] {
    const wanted = columns.map(name => [name, this.#indexOf(name)] as const)
    const found = this.#rows.filter(rowTest(where, name => this.#indexOf(name)))
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
      return column.auto ? highest(this.#rows, at) + 1 : this.#orNull(column)
    })
    this.#rows.push(values)
    this.isModified = true
  }

  /** Gives how many rows were changed. Throws as {@link insert}. */
  update(values: StoredRow, where: readonly Condition[]): number {
    const given = this.#fitted(values)
    const found = this.#rows.filter(rowTest(where, name => this.#indexOf(name)))
    for (const row of found) for (const [at, value] of given) row[at] = value
    if (found.length > 0) this.isModified = true
    return found.length
  }

  /** Gives how many rows were deleted. */
  delete(where: readonly Condition[]): number {
    const test = rowTest(where, name => this.#indexOf(name))
    const kept = this.#rows.filter(row => !test(row))
    const count = this.#rows.length - kept.length
    this.#rows = kept
    if (count > 0) this.isModified = true
    return count
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
