import type { Log } from '../log/log.ts'
import { DatabaseError } from './database-error.ts'
import { isPlainName, type Store } from './driver.ts'
import { type ColumnName, type ColumnSpec, type TableSpec, VERSION_COLUMNS } from './schema.ts'
import { Table } from './table.ts'

/** How a script calls a table and its columns, where other than their declaration does. */
export interface TableNames<S extends TableSpec> {
  readonly table?: string | undefined
  readonly columns?: Readonly<Partial<Record<ColumnName<S>, string>>>
  /** Do not look at the table's version. */
  readonly skipsVersion?: boolean
}

/** An open database. */
export class Database {
  readonly #store: Store
  readonly #log: Log
  readonly #versionTable: string

  constructor(store: Store, log: Log, versionTable: string) {
    this.#store = store
    this.#log = log
    this.#versionTable = versionTable
  }

  /**
   * Opens a table. Columns it lacks read as their defaults, with a warning each; rejects with a DatabaseError where one
   * has no default, where there is no such table, or where it follows another version of the declaration.
   */
  async table<S extends TableSpec>(spec: S, names: TableNames<S> = {}): Promise<Table<S>> {
    const name = names.table ?? spec.name
    const physical = this.#physicalNames(spec, names)
    const found = new Set(await this.#store.columns(name))
    if (names.skipsVersion !== true) await this.#checkVersion(name, spec)
    const missing = Object.entries<ColumnSpec>(spec.columns).filter(([key]) => !found.has(physical.get(key) ?? key))
    for (const [key, column] of missing) {
      const called = physical.get(key) ?? key
      if (!column.nullable && column.default === undefined)
        throw new DatabaseError('E_DB_COLUMN', `table ${name} has no column ${called}`)
      this.#log.warn('a table lacks a column: its default is used', { table: name, column: called })
    }
    return new Table({ store: this.#store, name, spec, physical, missing: new Set(missing.map(([key]) => key)) })
  }

  /** Makes an empty table and enters its version, making the table of versions as well where there is none. */
  async create<S extends TableSpec>(spec: S, names: TableNames<S> = {}): Promise<void> {
    const name = names.table ?? spec.name
    const physical = this.#physicalNames(spec, names)
    const columns = Object.entries<ColumnSpec>(spec.columns).map(
      ([key, column]) => [physical.get(key) ?? key, column] as const,
    )
    await this.#store.create(name, Object.fromEntries(columns))
    if (!(await this.#has(this.#versionTable))) await this.#store.create(this.#versionTable, VERSION_COLUMNS)
    await this.#store.delete(this.#versionTable, [['table_name', '=', name]])
    await this.#store.insert(this.#versionTable, { table_name: name, table_version: spec.version })
  }

  #physicalNames<S extends TableSpec>(spec: S, names: TableNames<S>): ReadonlyMap<string, string> {
    const columns: Readonly<Record<string, string | undefined>> = names.columns ?? {}
    const physical = new Map(Object.keys(spec.columns).map(key => [key, columns[key] ?? key]))
    for (const name of [names.table ?? spec.name, ...physical.values()])
      if (!isPlainName(name)) throw new DatabaseError('E_DB_TABLE', `"${name}" is no name of a table or column`)
    return physical
  }

  async #checkVersion(name: string, { version, formerVersions = [] }: TableSpec): Promise<void> {
    const found = await this.#versionOf(name)
    if (found !== null && [version, ...formerVersions].includes(found)) return
    const isOld = found === null || found < version
    if (!this.#store.isHandMade || !isOld)
      throw new DatabaseError(
        'E_DB_VERSION',
        `table ${name}: expected version ${version} in table ${this.#versionTable}, got ${found ?? 'none'}`,
      )
    this.#log.warn('a table is of another version', { table: name, expected: version, found: found ?? 'none' })
  }

  async #versionOf(name: string): Promise<number | null> {
    if (!(await this.#has(this.#versionTable))) return null
    const rows = await this.#store.select(this.#versionTable, {
      columns: ['table_version'],
      where: [['table_name', '=', name]],
      orderBy: [],
    })
    const version = rows[0]?.['table_version']
    return version === undefined || version === null ? null : Number(version)
  }

  async #has(table: string): Promise<boolean> {
    try {
      await this.#store.columns(table)
      return true
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'E_DB_TABLE') return false
      throw error
    }
  }
}
