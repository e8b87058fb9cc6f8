import type { ColumnSpec, ColumnType, Condition, DbValue, Order } from '../schema.ts'

/** What statements on a table depend on beside their values. */
export interface TableFacts {
  /** Columns that hold dates: there digits are seconds since 1970. */
  readonly times: ReadonlySet<string>
  /** The column that numbers the rows, if there is one. */
  readonly number: string | undefined
}

/** How statements are written for one server and table. */
export interface Dialect extends TableFacts {
  /** Backslashes in texts stand for themselves. */
  readonly hasPlainBackslashes: boolean
}

export const NO_FACTS: TableFacts = { times: new Set(), number: undefined }

/** The name in backquotes. */
export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** Seconds since 1970, as a number or as text. */
const SECONDS = /^\d{1,11}$/

/** A value as it stands in a statement. */
export function literal(value: DbValue, column: string, { hasPlainBackslashes, times }: Dialect): string {
  if (value === null) return 'NULL'
  if (times.has(column) && SECONDS.test(String(value))) return `FROM_UNIXTIME(${value})`
  if (typeof value === 'string') {
    const text = hasPlainBackslashes ? value : value.replaceAll('\\', '\\\\')
    return `'${text.replaceAll("'", "''")}'`
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return 'NULL'
  return String(value)
}

/** What is selected of a table: dates as seconds, those before 1970 as 0. */
export function selected(column: string, { times }: Pick<Dialect, 'times'>): string {
  const name = quoted(column)
  if (!times.has(column)) return name
  return `IF(${name} IS NULL, NULL, COALESCE(CAST(UNIX_TIMESTAMP(${name}) AS SIGNED), 0)) AS ${name}`
}

/** ` WHERE …`, or nothing without conditions. NULL equals NULL only and is below everything else. */
export function whereClause(where: readonly Condition[], dialect: Dialect): string {
  const tests = where.map(([column, operator, value]) => {
    const name = quoted(column)
    const written = literal(value, column, dialect)
    if (operator === '=') return `${name} <=> ${written}`
    if (value === null) return againstNull(name, operator)
    return operator === '<' || operator === '<='
      ? `(${name} ${operator} ${written} OR ${name} IS NULL)`
      : `${name} ${operator} ${written}`
  })
  return tests.length === 0 ? '' : ` WHERE ${tests.join(' AND ')}`
}

function againstNull(name: string, operator: '<' | '>' | '<=' | '>='): string {
  if (operator === '<=') return `${name} IS NULL`
  if (operator === '>') return `${name} IS NOT NULL`
  return operator === '>=' ? 'TRUE' : 'FALSE'
}

/** ` ORDER BY …`; rows that are equal, or all without an order, come by their number where the table numbers them. */
export function orderClause(orderBy: readonly Order[], { number }: Pick<Dialect, 'number'>): string {
  const orders = orderBy.map(([column, direction]) => `${quoted(column)} ${direction === 'ascending' ? 'ASC' : 'DESC'}`)
  if (number !== undefined) orders.push(quoted(number))
  return orders.length === 0 ? '' : ` ORDER BY ${orders.join(', ')}`
}

/** `CREATE TABLE …` */
export function createTable(table: string, columns: Readonly<Record<string, ColumnSpec>>): string {
  const definitions = Object.entries(columns).map(([name, { type, nullable, auto }]) => {
    if (auto) return `${quoted(name)} INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY`
    return `${quoted(name)} ${SQL_TYPES[type]} ${nullable ? 'NULL' : 'NOT NULL'}`
  })
  return `CREATE TABLE ${quoted(table)} (${definitions.join(', ')}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`
}

/** `ALTER TABLE … ADD COLUMN …`: of rows that are there the column gets its default. */
export function addColumn(table: string, name: string, { type, nullable, default: value }: ColumnSpec): string {
  const none: Dialect = { ...NO_FACTS, hasPlainBackslashes: false }
  // Texts and dates have no default that every server takes but NULL, which reads as ours.
  const isNumber = type === 'int' || type === 'bigint' || type === 'double'
  const constraint = nullable || !isNumber ? 'NULL' : `NOT NULL DEFAULT ${literal(value ?? 0, name, none)}`
  return `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} ${SQL_TYPES[type]} ${constraint}`
}

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  int: 'BIGINT',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  str: 'TEXT',
  any: 'TEXT',
  blob: 'MEDIUMTEXT',
  time: 'DATETIME',
}
