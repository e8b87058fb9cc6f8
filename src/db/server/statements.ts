import type { StoredQuery, StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition, Order } from '../schema.ts'
import type { Dialect, TableFacts } from './dialect.ts'

/** Statements on one table, in the dialect of its server. */
export class TableStatements {
  readonly #table: string
  readonly #facts: TableFacts
  readonly #dialect: Dialect

  constructor(dialect: Dialect, table: string, facts: TableFacts) {
    this.#dialect = dialect
    this.#table = dialect.quoted(table)
    this.#facts = facts
  }

  select({ columns, where, orderBy }: StoredQuery): string {
    const list = columns.map(column => this.#selected(column)).join(', ')
    return `SELECT ${list} FROM ${this.#table}${this.#where(where)}${this.#order(orderBy)}`
  }

  insert(row: StoredRow): string {
    const names = Object.keys(row).map(name => this.#dialect.quoted(name))
    const values = Object.entries(row).map(([name, value]) => this.#literal(name, value))
    return `INSERT INTO ${this.#table} (${names.join(', ')}) VALUES (${values.join(', ')})`
  }

  update(row: StoredRow, where: readonly Condition[]): string {
    const list = Object.entries(row).map(
      ([name, value]) => `${this.#dialect.quoted(name)} = ${this.#literal(name, value)}`,
    )
    return `UPDATE ${this.#table} SET ${list.join(', ')}${this.#where(where)}`
  }

  delete(where: readonly Condition[]): string {
    return `DELETE FROM ${this.#table}${this.#where(where)}`
  }

  #literal(column: string, value: StoredRow[string]): string {
    return this.#dialect.literal(value, this.#facts.kinds.get(column))
  }

  #selected(column: string): string {
    const name = this.#dialect.quoted(column)
    return this.#facts.kinds.get(column) === 'time' ? `${this.#dialect.asSeconds(name)} AS ${name}` : name
  }

  /** ` WHERE …`, or nothing without conditions. NULL equals NULL only and is below everything else. */
  #where(where: readonly Condition[]): string {
    const tests = where.map(([column, operator, value]) => {
      const name = this.#dialect.quoted(column)
      if (value === null) return againstNull(name, operator)
      const test = `${name} ${operator} ${this.#literal(column, value)}`
      return operator === '<' || operator === '<=' ? `(${test} OR ${name} IS NULL)` : test
    })
    return tests.length === 0 ? '' : ` WHERE ${tests.join(' AND ')}`
  }

  /** ` ORDER BY …`; rows that are equal, or all without an order, come by their number where the table numbers them. */
  #order(orderBy: readonly Order[]): string {
    const { quoted, directions } = this.#dialect
    const orders = orderBy.map(([column, direction]) => `${quoted(column)} ${directions[direction]}`)
    if (this.#facts.number !== undefined) orders.push(quoted(this.#facts.number))
    return orders.length === 0 ? '' : ` ORDER BY ${orders.join(', ')}`
  }
}

function againstNull(name: string, operator: Condition[1]): string {
  if (operator === '=' || operator === '<=') return `${name} IS NULL`
  if (operator === '>') return `${name} IS NOT NULL`
  return operator === '>=' ? 'TRUE' : 'FALSE'
}

/** `CREATE TABLE …` */
export function createTable(
  { quoted, types, numbering, tableOptions }: Dialect,
  table: string,
  columns: Readonly<Record<string, ColumnSpec>>,
): string {
  const definitions = Object.entries(columns).map(([name, { type, nullable, auto }]) => {
    if (auto) return `${quoted(name)} ${numbering}`
    return `${quoted(name)} ${types[type]} ${nullable ? 'NULL' : 'NOT NULL'}`
  })
  return `CREATE TABLE ${quoted(table)} (${definitions.join(', ')})${tableOptions}`
}

/** `ALTER TABLE … ADD COLUMN …`: of rows that are there the column gets its default. */
export function addColumn(
  { quoted, types, literal }: Dialect,
  table: string,
  name: string,
  { type, nullable, default: value }: ColumnSpec,
): string {
  // Texts and dates have no default that every server takes but NULL, which reads as ours.
  const isNumber = type === 'int' || type === 'bigint' || type === 'double'
  const constraint = nullable || !isNumber ? 'NULL' : `NOT NULL DEFAULT ${literal(value ?? 0, undefined)}`
  return `ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} ${types[type]} ${constraint}`
}
