import { DatabaseError, type DatabaseErrorCode } from '../database-error.ts'
import type { Store, StoredQuery, StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition, DbValue } from '../schema.ts'
import type { MysqlConnection } from './connection.ts'
import { MysqlRefusal, type Result } from './result.ts'
import {
  addColumn,
  createTable,
  type Dialect,
  literal,
  NO_FACTS,
  orderClause,
  quoted,
  selected,
  type TableFacts,
  whereClause,
} from './sql.ts'

/** Most rows a query of a script may give: they are kept in memory. */
const MAX_ROWS = 10_000

/** What the server's error numbers mean here; all others are E_DB_STORAGE. */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  1048: 'E_DB_VALUE', // NULL where there must be none
  1054: 'E_DB_COLUMN',
  1062: 'E_DB_VALUE', // a key that is there already
  1064: 'E_DB_QUERY',
  1146: 'E_DB_TABLE',
  1264: 'E_DB_VALUE', // out of range
  1292: 'E_DB_VALUE', // no date
  1364: 'E_DB_VALUE', // no value, and no default
  1366: 'E_DB_VALUE', // no number
  1406: 'E_DB_VALUE', // too long
}
/** Types of columns that hold dates. */
const TIMES = new Set(['datetime', 'timestamp', 'date'])
/** Stands for the tables that tell of tables. */
const CATALOGUE = ''
const READS = /^\s*(?:select|show|with|explain|describe)\b/i

/** One way to the server. Statements on one lane are done in the order they were asked for. */
export interface Lane {
  /** The connection, made anew where it was lost. Rejects with MysqlRefusal or ConnectionLost. */
  connection(): Promise<MysqlConnection>
  close(): void
}

interface StoreParts {
  /** Of the server, for messages: without a password. */
  readonly name: string
  /** What changes data goes one way, so that its order is kept. */
  readonly writing: Lane
  readonly reading: readonly Lane[]
}

/** A database on a MySQL or MariaDB server. */
export class MysqlStore implements Store {
  readonly isHandMade = false
  readonly #parts: StoreParts
  /** Of tables that were looked at. */
  readonly #facts = new Map<string, TableFacts>([[CATALOGUE, NO_FACTS]])
  #nextReader = 0

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  columns(table: string): Promise<readonly string[]> {
    return this.#describe(table)
  }

  async select(table: string, { columns, where, orderBy }: StoredQuery): Promise<readonly StoredRow[]> {
    const { rows } = await this.#run(this.#reader(), table, dialect => {
      const list = columns.map(column => selected(column, dialect)).join(', ')
      return `SELECT ${list} FROM ${quoted(table)}${whereClause(where, dialect)}${orderClause(orderBy, dialect)}`
    })
    return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])))
  }

  async insert(table: string, row: StoredRow): Promise<void> {
    const entries = Object.entries(row)
    await this.#run(this.#parts.writing, table, dialect => {
      const names = entries.map(([name]) => quoted(name)).join(', ')
      const values = entries.map(([name, value]) => literal(value, name, dialect)).join(', ')
      return `INSERT INTO ${quoted(table)} (${names}) VALUES (${values})`
    })
  }

  async update(table: string, row: StoredRow, where: readonly Condition[]): Promise<number> {
    const { affected } = await this.#run(this.#parts.writing, table, dialect => {
      const list = Object.entries(row).map(([name, value]) => `${quoted(name)} = ${literal(value, name, dialect)}`)
      return `UPDATE ${quoted(table)} SET ${list.join(', ')}${whereClause(where, dialect)}`
    })
    return affected
  }

  async delete(table: string, where: readonly Condition[]): Promise<number> {
    const { affected } = await this.#run(
      this.#parts.writing,
      table,
      dialect => `DELETE FROM ${quoted(table)}${whereClause(where, dialect)}`,
    )
    return affected
  }

  async create(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    this.#facts.delete(table)
    try {
      await this.#statement(this.#parts.writing, createTable(table, columns))
    } catch (error) {
      const isThere = error instanceof DatabaseError && (error.cause as MysqlRefusal | undefined)?.number === 1050
      throw isThere
        ? new DatabaseError('E_DB_TABLE', `there is a table ${table} already in ${this.#parts.name}`)
        : error
    }
  }

  async addColumns(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    this.#facts.delete(table)
    for (const [name, spec] of Object.entries(columns))
      await this.#statement(this.#parts.writing, addColumn(table, name, spec))
  }

  async query(text: string): Promise<readonly (readonly DbValue[])[]> {
    const { rows } = await this.#statement(READS.test(text) ? this.#reader() : this.#parts.writing, text, MAX_ROWS)
    return rows
  }

  async close(): Promise<void> {
    for (const lane of [this.#parts.writing, ...this.#parts.reading]) lane.close()
  }

  #reader(): Lane {
    const { reading, writing } = this.#parts
    return reading[this.#nextReader++ % Math.max(1, reading.length)] ?? writing
  }

  /** Runs a statement on a table whose columns are known by then. */
  async #run(lane: Lane, table: string, write: (dialect: Dialect) => string): Promise<Result> {
    const facts = this.#facts.get(table) ?? (await this.#factsOf(table))
    return this.#attempt(async () => {
      const connection = await lane.connection()
      return connection.query(write({ ...facts, hasPlainBackslashes: connection.hasPlainBackslashes }))
    })
  }

  #statement(lane: Lane, text: string, maxRows?: number): Promise<Result> {
    return this.#attempt(async () => (await lane.connection()).query(text, maxRows))
  }

  async #factsOf(table: string): Promise<TableFacts> {
    await this.#describe(table)
    return this.#facts.get(table) ?? NO_FACTS
  }

  /** The columns of a table. Rejects with E_DB_TABLE where there is none. */
  async #describe(table: string): Promise<readonly string[]> {
    const { rows } = await this.#run(this.#reader(), CATALOGUE, dialect =>
      [
        'SELECT COLUMN_NAME, DATA_TYPE, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()',
        `AND TABLE_NAME = ${literal(table, '', dialect)} ORDER BY ORDINAL_POSITION`,
      ].join(' '),
    )
    if (rows.length === 0) throw new DatabaseError('E_DB_TABLE', `there is no table ${table} in ${this.#parts.name}`)
    const columns = rows.map(([name, type, extra]) => ({
      name: String(name),
      isTime: TIMES.has(String(type).toLowerCase()),
      isNumber: String(extra).includes('auto_increment'),
    }))
    this.#facts.set(table, {
      times: new Set(columns.filter(({ isTime }) => isTime).map(({ name }) => name)),
      number: columns.find(({ isNumber }) => isNumber)?.name,
    })
    return columns.map(({ name }) => name)
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const code = cause instanceof MysqlRefusal ? (CODES[cause.number] ?? 'E_DB_STORAGE') : 'E_DB_STORAGE'
      throw new DatabaseError(code, `${this.#parts.name}: ${reason}`, { cause })
    }
  }
}
