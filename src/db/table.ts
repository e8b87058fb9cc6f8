import { fromStored } from './convert.ts'
import { DatabaseError } from './database-error.ts'
import type { Store, StoredRow } from './driver.ts'
import type { ColumnName, ColumnSpec, Condition, DbValue, Order, RowOf, TableSpec } from './schema.ts'

/** Which rows are wanted, and in which order; without an order, that of insertion. */
export interface Query<S extends TableSpec> {
  readonly where?: readonly Condition<ColumnName<S>>[]
  readonly orderBy?: readonly Order<ColumnName<S>>[]
}

interface TableParts<S extends TableSpec> {
  readonly store: Store
  readonly name: string
  readonly spec: S
  /** Declared name → name in the database. */
  readonly physical: ReadonlyMap<string, string>
  readonly missing: ReadonlySet<string>
}

/** A table of an open database, under the names of its declaration. Every method rejects with a DatabaseError. */
export class Table<S extends TableSpec> {
  /** As the database calls it. */
  readonly name: string
  /** Declared columns that the table does not have. */
  readonly missing: ReadonlySet<string>
  readonly #parts: TableParts<S>

  constructor(parts: TableParts<S>) {
    this.name = parts.name
    this.missing = parts.missing
    this.#parts = parts
  }

  async select(query: Query<S> = {}): Promise<readonly RowOf<S>[]> {
    const rows = await this.#selectStored(query)
    return rows.map(row => this.#fromStored(row))
  }

  /** As `select`; in the place of a row with a value that its column cannot hold stands the error that says so. */
  async selectEach(query: Query<S> = {}): Promise<readonly (RowOf<S> | DatabaseError)[]> {
    const rows = await this.#selectStored(query)
    return rows.map(row => {
      try {
        return this.#fromStored(row)
      } catch (error) {
        if (error instanceof DatabaseError) return error
        throw error
      }
    })
  }

  /** Columns the table lacks are left out. */
  async insert(row: Readonly<Partial<RowOf<S>>>): Promise<void> {
    await this.#parts.store.insert(this.name, this.#toStored(row))
  }

  /** Gives how many rows were changed. */
  async update(values: Readonly<Partial<RowOf<S>>>, where: readonly Condition<ColumnName<S>>[]): Promise<number> {
    const conditions = where.map(condition => this.#condition(condition))
    const stored = this.#toStored(values)
    return Object.keys(stored).length === 0 ? 0 : this.#parts.store.update(this.name, stored, conditions)
  }

  /** Gives how many rows were deleted. */
  async delete(where: readonly Condition<ColumnName<S>>[]): Promise<number> {
    const conditions = where.map(condition => this.#condition(condition))
    return this.#parts.store.delete(this.name, conditions)
  }

  /** Updates the rows the conditions hold for; inserts one where there is none. */
  async replace(row: Readonly<Partial<RowOf<S>>>, where: readonly Condition<ColumnName<S>>[]): Promise<void> {
    if ((await this.update(row, where)) === 0) await this.insert(row)
  }

  #selectStored({ where = [], orderBy = [] }: Query<S>): Promise<readonly StoredRow[]> {
    const { store, spec } = this.#parts
    const present = Object.keys(spec.columns).filter(key => !this.missing.has(key))
    return store.select(this.name, {
      columns: present.map(key => this.#physical(key)),
      where: where.map(condition => this.#condition(condition)),
      orderBy: orderBy.map(([key, direction]) => [this.#existing(key), direction]),
    })
  }

  #fromStored(row: StoredRow): RowOf<S> {
    const values = Object.entries<ColumnSpec>(this.#parts.spec.columns).map(([key, spec]) => {
      const name = this.#physical(key)
      return [key, fromStored(row[name] ?? null, spec, `${this.name}.${name}`)]
    })
    return Object.fromEntries(values) as RowOf<S>
  }

  #toStored(row: Readonly<Partial<RowOf<S>>>): StoredRow {
    const given = Object.entries<DbValue | undefined>(row).flatMap(([key, value]) =>
      value === undefined || this.missing.has(key) ? [] : [[this.#physical(key), value] as const],
    )
    return Object.fromEntries(given)
  }

  #condition([key, operator, value]: Condition): Condition {
    return [this.#existing(key), operator, value]
  }

  #existing(key: string): string {
    const name = this.#physical(key)
    if (this.missing.has(key)) throw new DatabaseError('E_DB_COLUMN', `table ${this.name} has no column ${name}`)
    return name
  }

  #physical(key: string): string {
    return this.#parts.physical.get(key) ?? key
  }
}
