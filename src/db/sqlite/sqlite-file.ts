import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { DatabaseError } from '../database-error.ts'
import type { StoredQuery, StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition, DbValue } from '../schema.ts'
import { addColumn, createTable, orderClause, quoted, whereClause } from './sql.ts'

/** Prepared statements beyond this are forgotten: their number depends on the columns modules ask for, not on data. */
const MAX_STATEMENTS = 200

/** Most rows a query of a script may give: they are kept in memory. */
const MAX_ROWS = 10_000

/** An open SQLite file. Statements run at once, in the thread that asks. Every method throws a DatabaseError. */
export class SqliteFile {
  readonly #database: DatabaseSync
  readonly #path: string
  /** Asked between the rows of a query: whether nobody waits for them any more. */
  readonly #isGivenUp: () => boolean
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync, path: string, isGivenUp: () => boolean) {
    this.#database = database
    this.#path = path
    this.#isGivenUp = isGivenUp
  }

  columns(table: string): readonly string[] {
    const rows = this.#all('SELECT name FROM pragma_table_info(?)', [table])
    if (rows.length === 0) throw new DatabaseError('E_DB_TABLE', `there is no table ${table} in ${this.#path}`)
    return rows.map(row => String(row['name']))
  }

  select(table: string, { columns, where, orderBy }: StoredQuery): readonly StoredRow[] {
    const { sql, values } = whereClause(where)
    const list = columns.map(quoted).join(', ')
    return this.#all(`SELECT ${list} FROM ${quoted(table)}${sql}${orderClause(orderBy)}`, values)
  }

  insert(table: string, row: StoredRow): void {
    const names = Object.keys(row)
    if (names.length === 0) this.#run(`INSERT INTO ${quoted(table)} DEFAULT VALUES`, [])
    else {
      const places = names.map(() => '?').join(', ')
      this.#run(`INSERT INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES (${places})`, Object.values(row))
    }
  }

  update(table: string, row: StoredRow, where: readonly Condition[]): number {
    const { sql, values } = whereClause(where)
    const assignments = Object.keys(row).map(name => `${quoted(name)} = ?`)
    return this.#run(`UPDATE ${quoted(table)} SET ${assignments.join(', ')}${sql}`, [...Object.values(row), ...values])
  }

  delete(table: string, where: readonly Condition[]): number {
    const { sql, values } = whereClause(where)
    return this.#run(`DELETE FROM ${quoted(table)}${sql}`, values)
  }

  create(table: string, columns: Readonly<Record<string, ColumnSpec>>): void {
    try {
      this.#database.exec(createTable(table, columns))
    } catch (cause) {
      const isThere = this.#all('SELECT name FROM pragma_table_info(?)', [table]).length > 0
      throw isThere
        ? new DatabaseError('E_DB_TABLE', `there is a table ${table} already in ${this.#path}`, { cause })
        : this.#failure(cause)
    }
  }

  addColumns(table: string, columns: Readonly<Record<string, ColumnSpec>>): void {
    for (const [name, spec] of Object.entries(columns))
      this.#attempt(() => this.#database.exec(addColumn(table, name, spec)))
  }

  query(text: string): readonly (readonly DbValue[])[] {
    return this.#attempt(() => {
      // Not kept: scripts make their texts of what messages hold.
      const statement = this.#database.prepare(text)
      statement.setReadBigInts(true)
      if (statement.columns().length === 0) {
        statement.run()
        return []
      }
      statement.setReturnArrays(true)
      const rows: (readonly DbValue[])[] = []
      for (const row of statement.iterate()) {
        if (this.#isGivenUp()) throw new Error('the query took too long')
        if (rows.length >= MAX_ROWS)
          throw new Error(`the query gives more than ${MAX_ROWS} rows: limit it by LIMIT or WHERE`)
        rows.push(Object.values(row).map(asDbValue))
      }
      return rows
    })
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #all(sql: string, values: readonly DbValue[]): readonly StoredRow[] {
    return this.#attempt(() =>
      this.#prepare(sql)
        .all(...inputs(values))
        .map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, asDbValue(value)]))),
    )
  }

  #run(sql: string, values: readonly DbValue[]): number {
    return this.#attempt(() => Number(this.#prepare(sql).run(...inputs(values)).changes))
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    // Otherwise an integer that no number holds exactly would throw.
    statement.setReadBigInts(true)
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear()
    this.#statements.set(sql, statement)
    return statement
  }

  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #failure(cause: unknown): DatabaseError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const isConstraint = /constraint failed|datatype mismatch/i.test(reason)
    return new DatabaseError(isConstraint ? 'E_DB_VALUE' : 'E_DB_STORAGE', `${this.#path}: ${reason}`, { cause })
  }
}

const inputs = (values: readonly DbValue[]): SQLInputValue[] => [...values]

function asDbValue(value: unknown): DbValue {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'string' || typeof value === 'number' ? value : null
}
