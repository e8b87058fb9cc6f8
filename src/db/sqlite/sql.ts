import type { ColumnSpec, ColumnType, Condition, DbValue, Order } from '../schema.ts'

/** A statement and the values of its placeholders. */
export interface Statement {
  readonly sql: string
  readonly values: readonly DbValue[]
}

/** The name in double quotes. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** ` WHERE …`, or nothing without conditions. NULL equals NULL only and is below everything else. */
export function whereClause(where: readonly Condition[]): Statement {
  const tests = where.map(test)
  if (tests.length === 0) return { sql: '', values: [] }
  return { sql: ` WHERE ${tests.map(({ sql }) => sql).join(' AND ')}`, values: tests.flatMap(({ values }) => values) }
}

function test([column, operator, value]: Condition): Statement {
  const name = quoted(column)
  if (operator === '=') return { sql: `${name} IS ?`, values: [value] }
  if (value === null) return { sql: againstNull(name, operator), values: [] }
  if (operator === '<' || operator === '<=')
    return { sql: `(${name} ${operator} ? OR ${name} IS NULL)`, values: [value] }
  return { sql: `${name} ${operator} ?`, values: [value] }
}

function againstNull(name: string, operator: '<' | '>' | '<=' | '>='): string {
  if (operator === '<=') return `${name} IS NULL`
  if (operator === '>') return `${name} IS NOT NULL`
  return operator === '>=' ? '1' : '0'
}

/** ` ORDER BY …`; rows that are equal, or all without an order, come as they were inserted. */
export function orderClause(orderBy: readonly Order[]): string {
  const orders = orderBy.map(([column, direction]) => `${quoted(column)} ${direction === 'ascending' ? 'ASC' : 'DESC'}`)
  return ` ORDER BY ${[...orders, 'rowid'].join(', ')}`
}

/** `CREATE TABLE …` */
export function createTable(table: string, columns: Readonly<Record<string, ColumnSpec>>): string {
  const definitions = Object.entries(columns).map(([name, { type, nullable, auto }]) => {
    const constraint = auto ? ' PRIMARY KEY AUTOINCREMENT NOT NULL' : nullable ? '' : ' NOT NULL'
    return `${quoted(name)} ${SQL_TYPES[type]}${constraint}`
  })
  return `CREATE TABLE ${quoted(table)} (${definitions.join(', ')})`
}

/** `ALTER TABLE … ADD COLUMN …`: of rows that are there the column gets its default. */
export function addColumn(table: string, name: string, { type, nullable, default: value }: ColumnSpec): string {
  const literal = typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value ?? 0)
  const constraint = nullable ? '' : ` NOT NULL DEFAULT ${literal}`
  return `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} ${SQL_TYPES[type]}${constraint}`
}

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  int: 'INTEGER',
  bigint: 'INTEGER',
  double: 'REAL',
  str: 'TEXT',
  any: 'TEXT',
  blob: 'TEXT',
  time: 'INTEGER',
}
