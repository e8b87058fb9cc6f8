import type { Condition, DbValue, Operator } from '../schema.ts'

/**
 * Order of two values of one column (db_text reference, query semantics): negative, 0 or positive. Texts without regard to
 * case; NULL equals NULL only and is below everything else.
 */
export function compareValues(a: DbValue, b: DbValue): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  const x = typeof a === 'string' ? a.toLowerCase() : a
  const y = typeof b === 'string' ? b.toLowerCase() : b
  return x < y ? -1 : x > y ? 1 : 0
}

function holds(operator: Operator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    case '<=':
      return order <= 0
    case '>=':
      return order >= 0
  }
}

/** A test for rows; `indexOf` gives where a column stands. */
export function rowTest(
  where: readonly Condition[],
  indexOf: (column: string) => number,
): (row: readonly DbValue[]) => boolean {
  const tests = where.map(([column, operator, value]) => ({ at: indexOf(column), operator, value }))
  return row => tests.every(({ at, operator, value }) => holds(operator, compareValues(row[at] ?? null, value)))
}
