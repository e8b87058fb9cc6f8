import type { Log } from '../log/log.ts'
import type { ColumnSpec, Condition, DbValue, Order } from './schema.ts'

/** A row as stored: physical column names. */
export type StoredRow = Readonly<Record<string, DbValue>>

/** Which rows are wanted, of them which columns, in which order; without an order, that of insertion. */
export interface StoredQuery {
  readonly columns: readonly string[]
  readonly where: readonly Condition[]
  readonly orderBy: readonly Order[]
}

/**
 * An open database as its driver provides it; modules see it as a {@link Database}. Names are physical and were checked
 * to exist. Every method rejects with a DatabaseError.
 */
export interface Store {
  /** Tables kept by hand: a version that is missing or too old is only warned about. */
  readonly isHandMade: boolean
  /** Names of the columns of a table. Rejects with E_DB_TABLE when there is no such table. */
  columns(table: string): Promise<readonly string[]>
  select(table: string, query: StoredQuery): Promise<readonly StoredRow[]>
  /** Columns not given get NULL, or the next number where they are numbered. */
  insert(table: string, row: StoredRow): Promise<void>
  /** Gives how many rows were changed. */
  update(table: string, values: StoredRow, where: readonly Condition[]): Promise<number>
  /** Gives how many rows were deleted; without conditions that is all. */
  delete(table: string, where: readonly Condition[]): Promise<number>
  /** Makes an empty table. Rejects with E_DB_TABLE when there is one. */
  create(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void>
  /** Gives an existing table further columns; rows that are there get the default, or NULL. */
  addColumns(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void>
  /**
   * Runs a statement in the language of the database. Gives its rows, of each the values in the order of the columns; none of
   * a statement that gives none. Absent where the database has no language.
   */
  query?(text: string): Promise<readonly (readonly DbValue[])[]>
  /** Writes what is not on disk yet and releases everything. Idempotent. */
  close(): Promise<void>
}

/** What a driver is given to work with. */
export interface DriverHost {
  readonly log: Log
  /** Relative paths start here: the folder of the configuration file. */
  readonly directory: string
}

/** A kind of database, by the schemes of its URLs. */
export interface Driver {
  readonly schemes: readonly string[]
  /** Opens what stands behind `scheme://` in a URL. Throws or rejects with a DatabaseError. */
  open(location: string, host: DriverHost): Store | Promise<Store>
}

/** Names that can be a table or a column: they become file names and parts of queries. */
export const isPlainName = (name: string): boolean => /^[A-Za-z_][\w.-]*$/.test(name)
