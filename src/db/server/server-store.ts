import { DatabaseError } from '../database-error.ts'
import type { Store, StoredQuery, StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition, DbValue } from '../schema.ts'
import { SqlRefusal, type SqlResult } from './connection.ts'
import type { Dialect, TableFacts } from './dialect.ts'
import type { Lane } from './lane.ts'
import { addColumn, createTable, TableStatements } from './statements.ts'

/** Most rows a query of a script may give: they are kept in memory. */
const MAX_ROWS = 10_000
const READS = /^\s*(?:select|show|with|explain|describe)\b/i

interface StoreParts {
  /** Of the server, for messages: without a password. */
  readonly name: string
  readonly dialect: Dialect
  /** What changes data goes one way, so that its order is kept. */
  readonly writing: Lane
  readonly reading: readonly Lane[]
}

interface TableDescription {
  readonly columns: readonly string[]
  readonly statements: TableStatements
}

/** A database on a server that speaks SQL. */
export class ServerStore implements Store {
  readonly isHandMade = false
  readonly #parts: StoreParts
  /** For tables that were looked at. */
  readonly #statements = new Map<string, TableStatements>()
  #nextReader = 0

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async columns(table: string): Promise<readonly string[]> {
    return (await this.#describe(table)).columns
  }

  async select(table: string, query: StoredQuery): Promise<readonly StoredRow[]> {
    const { rows } = await this.#on(table, this.#reader(), statements => statements.select(query))
    return rows.map(row => Object.fromEntries(query.columns.map((column, i) => [column, row[i] ?? null])))
  }

  async insert(table: string, row: StoredRow): Promise<void> {
    await this.#on(table, this.#parts.writing, statements => statements.insert(row))
  }

  async update(table: string, row: StoredRow, where: readonly Condition[]): Promise<number> {
    return (await this.#on(table, this.#parts.writing, statements => statements.update(row, where))).affected
  }

  async delete(table: string, where: readonly Condition[]): Promise<number> {
    return (await this.#on(table, this.#parts.writing, statements => statements.delete(where))).affected
  }

  async create(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    const { dialect, writing, name } = this.#parts
    this.#statements.delete(table)
    try {
      await this.#run(writing, createTable(dialect, table, columns))
    } catch (error) {
      const refusal = error instanceof DatabaseError ? error.cause : undefined
      throw refusal instanceof SqlRefusal && refusal.code === dialect.tableExists
        ? new DatabaseError('E_DB_TABLE', `there is a table ${table} already in ${name}`)
        : error
    }
  }

  async addColumns(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    this.#statements.delete(table)
    for (const [name, spec] of Object.entries(columns))
      await this.#run(this.#parts.writing, addColumn(this.#parts.dialect, table, name, spec))
  }

  async query(text: string): Promise<readonly (readonly DbValue[])[]> {
    return (await this.#run(READS.test(text) ? this.#reader() : this.#parts.writing, text, MAX_ROWS)).rows
  }

  async close(): Promise<void> {
    const { writing, reading } = this.#parts
    await Promise.all([writing, ...reading].map(lane => lane.close()))
  }

  #reader(): Lane {
    const { reading, writing } = this.#parts
    return reading[this.#nextReader++ % Math.max(1, reading.length)] ?? writing
  }

  /** Runs a statement on a table whose columns are known by then. */
  async #on(table: string, lane: Lane, write: (statements: TableStatements) => string): Promise<SqlResult> {
    const statements = this.#statements.get(table) ?? (await this.#describe(table)).statements
    return this.#run(lane, write(statements))
  }

  async #run(lane: Lane, sql: string, maxRows = Number.POSITIVE_INFINITY): Promise<SqlResult> {
    try {
      // A NUL ends a statement on the wire: the server would take what stands before it for the whole.
      if (sql.includes('\0')) throw new DatabaseError('E_DB_VALUE', 'a statement may hold no NUL character')
      return await lane.query(sql, maxRows)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new DatabaseError(this.#codeOf(cause), `${this.#parts.name}: ${reason}`, { cause })
    }
  }

  #codeOf(cause: unknown): DatabaseError['code'] {
    if (cause instanceof DatabaseError) return cause.code
    return (cause instanceof SqlRefusal ? this.#parts.dialect.refusals[cause.code] : undefined) ?? 'E_DB_STORAGE'
  }

  /** Rejects with E_DB_TABLE where there is no such table. */
  async #describe(table: string): Promise<TableDescription> {
    const { dialect, name } = this.#parts
    const { rows } = await this.#run(this.#reader(), dialect.catalogue(table))
    if (rows.length === 0) throw new DatabaseError('E_DB_TABLE', `there is no table ${table} in ${name}`)
    const facts: TableFacts = {
      kinds: new Map(rows.map(([column, type]) => [String(column), dialect.kinds[String(type).toLowerCase()]])),
      number: rows.flatMap(([column, , numbers]) => (numbers === 1 ? [String(column)] : []))[0],
    }
    const statements = new TableStatements(dialect, table, facts)
    this.#statements.set(table, statements)
    return { columns: rows.map(([column]) => String(column)), statements }
  }
}
