/** How tables are declared: once, as data, by the module that owns them. */

/** A stored value. Integers beyond what a number holds exactly are bigints; NULL is null. */
export type DbValue = string | number | bigint | null

/**
 * Types of columns and what their values are in TypeScript. `time` is in seconds since 1970. `any` is for reading columns
 * whose type is the database's own business: the value is as stored.
 */
export interface ColumnTypes {
  readonly any: DbValue
  readonly int: number
  readonly bigint: bigint
  readonly double: number
  readonly str: string
  readonly blob: string
  readonly time: number
}
export type ColumnType = keyof ColumnTypes

/** One column. */
export interface ColumnSpec<T extends ColumnType = ColumnType, N extends boolean = boolean> {
  readonly type: T
  readonly nullable: N
  /** Numbered by the database when a row is inserted without it. */
  readonly auto?: boolean
  /** Stands for the column in tables that do not have it, and for NULL where NULL is not allowed. */
  readonly default?: ColumnTypes[T]
}

/** A column that always has a value. With a default the table may lack it. */
export const column = <T extends ColumnType>(type: T, dflt?: ColumnTypes[T]): ColumnSpec<T, false> => ({
  type,
  nullable: false,
  ...(dflt === undefined ? {} : { default: dflt }),
})

/** A column that may be NULL. Tables may lack it. */
export const nullableColumn = <T extends ColumnType>(type: T): ColumnSpec<T, true> => ({ type, nullable: true })

/** An integer that the database numbers rows with. Tables may lack it. */
export const autoColumn: ColumnSpec<'int', false> = { type: 'int', nullable: false, auto: true, default: 0 }

/** A table as its module knows it. Keys of `columns` are the names the module uses; scripts may rename them. */
export interface TableSpec<C extends Readonly<Record<string, ColumnSpec>> = Readonly<Record<string, ColumnSpec>>> {
  readonly name: string
  readonly version: number
  /** Earlier versions that serve as well. */
  readonly formerVersions?: readonly number[]
  readonly columns: C
}

/** A row: every column of the spec. */
export type RowOf<S extends TableSpec> = {
  readonly [N in keyof S['columns']]: S['columns'][N] extends ColumnSpec<infer T, infer U>
    ? ColumnTypes[T] | (U extends true ? null : never)
    : never
}
export type ColumnName<S extends TableSpec> = keyof S['columns'] & string

/** How two values are compared. NULL equals NULL and is below everything else. */
export type Operator = '=' | '<' | '>' | '<=' | '>='
/** Holds for the rows whose column compares so; several conditions must all hold. */
export type Condition<N extends string = string> = readonly [column: N, operator: Operator, value: DbValue]
export type Order<N extends string = string> = readonly [column: N, direction: 'ascending' | 'descending']

/** The table that says which version of its declaration each table follows. */
export const VERSION_COLUMNS = { table_name: column('str'), table_version: column('int') } as const
