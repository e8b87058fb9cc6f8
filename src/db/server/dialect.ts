import type { DatabaseErrorCode } from '../database-error.ts'
import type { ColumnType, DbValue } from '../schema.ts'

/** What a column holds, where values are written in a way of their own: dates, or bytes. */
export type ColumnKind = 'time' | 'bytes' | undefined

/** How statements are written for one kind of server. */
export interface Dialect {
  /** The name as it stands in a statement. */
  quoted(name: string): string
  /** A value as it stands in a statement, for a column of this kind. Throws a DatabaseError for one that cannot be written. */
  literal(value: DbValue, kind: ColumnKind): string
  /** What reads a column of dates as seconds since 1970, those before as 0. */
  asSeconds(name: string): string
  /** Behind an order, so that NULL is below everything else. */
  readonly directions: { readonly ascending: string; readonly descending: string }
  /** Gives of each column of a table its name, its type, and 1 where it numbers the rows; no rows for no table. */
  catalogue(table: string): string
  /** Types of columns that hold dates, and bytes. */
  readonly kinds: Readonly<Record<string, ColumnKind>>
  readonly types: Readonly<Record<ColumnType, string>>
  /** Type of a column that numbers the rows. */
  readonly numbering: string
  /** Behind the definition of a table. */
  readonly tableOptions: string
  /** What refusals mean; all others are E_DB_STORAGE. */
  readonly refusals: Readonly<Record<string, DatabaseErrorCode>>
  /** The refusal to make a table that there is. */
  readonly tableExists: string
}

/** Seconds since 1970, as a number or as text. */
const SECONDS = /^\d{1,11}$/

export const isSeconds = (value: DbValue): boolean => SECONDS.test(String(value))

/** What statements on a table depend on beside their values. */
export interface TableFacts {
  readonly kinds: ReadonlyMap<string, ColumnKind>
  /** The column that numbers the rows, if there is one. */
  readonly number: string | undefined
}
