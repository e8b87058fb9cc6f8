import type { Log } from '../log/log.ts'
import { DatabaseError } from './database-error.ts'
import { isPlainName, type Store } from './driver.ts'
import { type ColumnName, type ColumnSpec, type DbValue, type TableSpec, VERSION_COLUMNS } from './schema.ts'
import { Table } from './table.ts'

/** How a script calls a table and its columns, where other than their declaration does. */
export interface TableNames<S extends TableSpec> {
  readonly table?: string | undefined
  readonly columns?: Readonly<Partial<Record<ColumnName<S>, string>>>
  /** Do not look at the table's version. */
  readonly skipsVersion?: boolean
}

/** What there is of a table. */
export interface TableState {
  readonly exists: boolean
  /** Null where the table of versions says nothing. */
  readonly version: number | null
  /** Declared columns that are not there. */
  readonly missing: readonly string[]
  /** It is as it was declared. */
  readonly isReady: boolean
}

/** An open database. */
export class Database {
  readonly #store: Store
  readonly #log: Log
  readonly #versionTable: string
  readonly #url: string

  /** `url` as it may be shown: without a password. */
  constructor(store: Store, log: Log, versionTable: string, url: string) {
    this.#store = store
    this.#log = log
    this.#versionTable = versionTable
    this.#url = url
  }

  /**
   * Opens a table. Columns it lacks read as their defaults, with a warning each; rejects with a DatabaseError where one
   * has no default, where there is no such table, or where it follows another version of the declaration.
   */
  async table<S extends TableSpec>(spec: S, names: TableNames<S> = {}): Promise<Table<S>> {
    const name = names.table ?? spec.name
    const physical = this.#physicalNames(spec, names)
    const found = await this.#columnsOf(name)
    if (found === null)
      throw new DatabaseError('E_DB_TABLE', `there is no table ${name} in ${this.#url}; ${this.#cure(spec, name)}`)
    if (names.skipsVersion !== true) await this.#checkVersion(name, spec)
    const missing = Object.entries<ColumnSpec>(spec.columns).filter(([key]) => !found.has(physical.get(key) ?? key))
    for (const [key, column] of missing) {
      const called = physical.get(key) ?? key
      if (!column.nullable && column.default === undefined)
        throw new DatabaseError('E_DB_COLUMN', `table ${name} has no column ${called}; ${this.#cure(spec, name)}`)
      this.#log.warn('a table lacks a column: its default is used', { table: name, column: called })
    }
    return new Table({ store: this.#store, name, spec, physical, missing: new Set(missing.map(([key]) => key)) })
  }

  /** Names of the columns of a table. Rejects with E_DB_TABLE where there is no such table. */
  columns(table: string): Promise<readonly string[]> {
    if (!isPlainName(table)) throw new DatabaseError('E_DB_TABLE', `"${table}" is no name of a table`)
    return this.#store.columns(table)
  }

  /**
   * Runs a statement in the language of the database, and gives its rows, of each the values in the order of the columns.
   * Rejects with E_DB_QUERY where the database has no language.
   */
  async query(text: string): Promise<readonly (readonly DbValue[])[]> {
    return this.#store.query?.(text) ?? this.requireQueries()
  }

  /** Throws a DatabaseError E_DB_QUERY where the database has no language. */
  requireQueries(): never[] {
    if (this.#store.query !== undefined) return []
    throw new DatabaseError('E_DB_QUERY', `${this.#url} takes no SQL: use a database that does, such as sqlite://`)
  }

  /** Makes an empty table and enters its version, making the table of versions as well where there is none. */
  async create<S extends TableSpec>(spec: S, names: TableNames<S> = {}): Promise<void> {
    const name = names.table ?? spec.name
    const physical = this.#physicalNames(spec, names)
    const columns = Object.entries<ColumnSpec>(spec.columns).map(
      ([key, column]) => [physical.get(key) ?? key, column] as const,
    )
    await this.#store.create(name, Object.fromEntries(columns))
    await this.#enterVersion(name, spec.version)
  }

  /** What there is of a table, for those who check databases. Only names of tables can be given: columns have their own. */
  async state(spec: TableSpec, name: string = spec.name): Promise<TableState> {
    const found = await this.#columnsOf(name)
    if (found === null) return { exists: false, version: null, missing: [], isReady: false }
    const version = await this.#versionOf(name)
    const missing = Object.keys(spec.columns).filter(column => !found.has(column))
    return { exists: true, version, missing, isReady: version === spec.version && missing.length === 0 }
  }

  /**
   * Makes a table, or gives one that is there what it lacks: columns and the row of its version. Its rows stay. Rejects with
   * E_DB_VERSION where the table follows a newer declaration than this one.
   */
  async prepare(spec: TableSpec, name: string = spec.name): Promise<'made' | 'completed' | 'ready'> {
    const { exists, version, missing, isReady } = await this.state(spec, name)
    if (isReady) return 'ready'
    if (!exists) {
      await this.create(spec, { table: name })
      return 'made'
    }
    if (version !== null && version > spec.version)
      throw new DatabaseError(
        'E_DB_VERSION',
        `table ${name}: expected version ${spec.version}, got ${version}, which is newer: it is left as it is`,
      )
    const columns = Object.entries<ColumnSpec>(spec.columns).filter(([column]) => missing.includes(column))
    const needed = columns.find(([, column]) => !column.nullable && column.default === undefined)
    if (needed !== undefined)
      throw new DatabaseError(
        'E_DB_COLUMN',
        `table ${name} has no column ${needed[0]}, and its rows cannot do without: rename the table, then make it anew`,
      )
    if (columns.length > 0) await this.#store.addColumns(name, Object.fromEntries(columns))
    await this.#enterVersion(name, spec.version)
    return 'completed'
  }

  async #enterVersion(name: string, version: number): Promise<void> {
    if ((await this.#columnsOf(this.#versionTable)) === null)
      await this.#store.create(this.#versionTable, VERSION_COLUMNS)
    await this.#store.delete(this.#versionTable, [['table_name', '=', name]])
    await this.#store.insert(this.#versionTable, { table_name: name, table_version: version })
  }

  #cure(spec: TableSpec, name: string): string {
    return `to cure it, run: fanfare db create --url ${this.#url} ${name === spec.name ? name : `${spec.name}=${name}`}`
  }

  #physicalNames<S extends TableSpec>(spec: S, names: TableNames<S>): ReadonlyMap<string, string> {
    const columns: Readonly<Record<string, string | undefined>> = names.columns ?? {}
    const physical = new Map(Object.keys(spec.columns).map(key => [key, columns[key] ?? key]))
    for (const name of [names.table ?? spec.name, ...physical.values()])
      if (!isPlainName(name)) throw new DatabaseError('E_DB_TABLE', `"${name}" is no name of a table or column`)
    return physical
  }

  async #checkVersion(name: string, spec: TableSpec): Promise<void> {
    const { version, formerVersions = [] } = spec
    const found = await this.#versionOf(name)
    if (found !== null && [version, ...formerVersions].includes(found)) return
    const isOld = found === null || found < version
    if (!this.#store.isHandMade || !isOld)
      throw new DatabaseError(
        'E_DB_VERSION',
        `table ${name} in ${this.#url}: expected version ${version} in table ${this.#versionTable}, got ${found ?? 'none'}; ${
          isOld ? this.#cure(spec, name) : 'it was made for a newer program'
        }`,
      )
    this.#log.warn('a table is of another version', { table: name, expected: version, found: found ?? 'none' })
  }

  async #versionOf(name: string): Promise<number | null> {
    if ((await this.#columnsOf(this.#versionTable)) === null) return null
    const rows = await this.#store.select(this.#versionTable, {
      columns: ['table_version'],
      where: [['table_name', '=', name]],
      orderBy: [],
    })
    const version = rows[0]?.['table_version']
    return version === undefined || version === null ? null : Number(version)
  }

  /** Null: there is no such table. */
  async #columnsOf(table: string): Promise<ReadonlySet<string> | null> {
    try {
      return new Set(await this.#store.columns(table))
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'E_DB_TABLE') return null
      throw error
    }
  }
}
