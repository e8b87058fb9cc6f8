import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'
import { cutOperands, integerOf, valueReader } from './operands.ts'
import { PatternCache } from './pattern-cache.ts'

type Compare = (value: Value, wanted: Value, isIgnoringCase: boolean) => boolean

const byOrder =
  (holds: (order: number) => boolean): Compare =>
  (value, wanted, isIgnoringCase) => {
    if (value === null || wanted === null) return false
    const [a, b] = [integerOf(value), integerOf(wanted)]
    if (a !== null && b !== null && (typeof value === 'number' || typeof wanted === 'number')) return holds(a - b)
    const [x, y] = [value, wanted].map(one => (isIgnoringCase ? String(one).toLowerCase() : String(one)))
    return holds(x === y ? 0 : (x ?? '') < (y ?? '') ? -1 : 1)
  }
const byBits =
  (combine: (a: number, b: number) => number): Compare =>
  (value, wanted) => {
    const [a, b] = [integerOf(value), integerOf(wanted)]
    return a !== null && b !== null && combine(a, b) !== 0
  }

const COMPARISONS: Readonly<Record<string, Compare>> = {
  eq: byOrder(order => order === 0),
  ne: byOrder(order => order !== 0),
  lt: byOrder(order => order < 0),
  le: byOrder(order => order <= 0),
  gt: byOrder(order => order > 0),
  ge: byOrder(order => order >= 0),
  re: (value, pattern, isIgnoringCase) => matches(value, pattern, isIgnoringCase),
  fm: (value, glob) => value !== null && glob !== null && wildcardMatcher(String(glob)).matches(String(value)),
  and: byBits((a, b) => a & b),
  or: byBits((a, b) => a | b),
  xor: byBits((a, b) => a ^ b),
}

const patterns = new PatternCache()

/** What is no pattern matches nothing. */
function matches(value: Value, pattern: Value, isIgnoringCase: boolean): boolean {
  if (value === null || pattern === null) return false
  return patterns.get(String(pattern), isIgnoringCase)?.test(String(value)) ?? false
}

/**
 * Compiles the test of avp_check: `op/value/flags`, with `g` for all values and `i` for any case. Throws an Error that says
 * what is wrong.
 */
export function compileCheck(
  text: string,
  variable: (text: string) => PvarRef,
): (values: readonly Value[], m: RouteContext) => boolean {
  const [op = '', ...rest] = cutOperands(text)
  const compare = Object.hasOwn(COMPARISONS, op) ? COMPARISONS[op] : undefined
  if (compare === undefined)
    throw new Error(`"${op}": expected one of ${Object.keys(COMPARISONS).join(', ')}, as in eq/value/gi`)
  const hasFlags = rest.length > 1 && /^[gi]{0,2}$/i.test(rest.at(-1) ?? '')
  const flags = hasFlags ? (rest.at(-1) ?? '').toLowerCase() : ''
  const read = valueReader(rest.slice(0, hasFlags ? -1 : undefined).join('/'), variable)
  return (values, m) => {
    const value = read(m)
    const tested = flags.includes('g') ? values : values.slice(0, 1)
    return tested.some(one => compare(one, value, flags.includes('i')))
  }
}
