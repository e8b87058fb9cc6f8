import type { Condition, DbValue, Operator } from '../../db/schema.ts'

/** A condition of a script; other than the databases it knows `!=`. */
export interface Clause {
  readonly column: string
  readonly operator: Operator | '!='
  readonly value: DbValue
}

const OPERATORS: ReadonlySet<string> = new Set(['=', '!=', '<', '>', '<=', '>='])

/** `["a", "b"]`. Throws an Error that says what is wrong. */
export function parseColumns(text: string): readonly string[] {
  const columns = parse(text, 'columns')
  if (Array.isArray(columns) && columns.every(column => typeof column === 'string')) return columns
  throw new Error(`columns ${text}: expected ["name", …]`)
}

/** `[{"column": value}, …]`: what is written. Throws an Error that says what is wrong. */
export function parseValues(text: string): Readonly<Record<string, DbValue>> {
  const values = members(parse(text, 'columns')).map(([column, value]) => [column, scalar(value, text)] as const)
  if (values.length === 0) throw new Error(`columns ${text}: expected [{"name": value}, …]`)
  return Object.fromEntries(values)
}

/** `[{"column": value}, {"column": {"<": value}}, …]`: all must hold. Throws an Error that says what is wrong. */
export function parseFilter(text: string): readonly Clause[] {
  return members(parse(text, 'filter')).map(([column, test]) => {
    if (typeof test !== 'object' || test === null) return { column, operator: '=', value: scalar(test, text) }
    const [only, ...more] = Object.entries(test)
    if (only === undefined || more.length > 0 || !OPERATORS.has(only[0]))
      throw new Error(`filter ${text}: expected one of ${[...OPERATORS].join(' ')} for column ${column}`)
    return { column, operator: only[0] as Clause['operator'], value: scalar(only[1], text) }
  })
}

/** What the database can decide by itself. */
export const conditionsOf = (clauses: readonly Clause[]): readonly Condition[] =>
  clauses.flatMap(({ column, operator, value }) => (operator === '!=' ? [] : [[column, operator, value] as const]))

/** Whether a row is one that the conditions with `!=` leave; NULL equals nothing and differs from nothing. */
export function passes(clauses: readonly Clause[], row: Readonly<Record<string, DbValue>>): boolean {
  return clauses.every(({ column, operator, value }) => {
    if (operator !== '!=') return true
    const found = row[column] ?? null
    if (value === null) return found !== null
    return found !== null && String(found) !== String(value)
  })
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${what} ${text}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Of an object, or of the objects in a list. */
function members(json: unknown): readonly (readonly [string, unknown])[] {
  const list: readonly unknown[] = Array.isArray(json) ? json : [json]
  return list.flatMap(one => {
    if (typeof one === 'object' && one !== null && !Array.isArray(one)) return Object.entries(one)
    throw new Error(`${JSON.stringify(one)}: expected {"column": value}`)
  })
}

function scalar(value: unknown, text: string): DbValue {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'number') return value
  throw new Error(`${text}: expected a text, a number or null, got ${JSON.stringify(value)}`)
}
