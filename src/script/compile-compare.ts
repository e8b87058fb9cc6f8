import type { Value } from '../util/spec.ts'
import type { CompareNode, ComparisonOperator } from './ast.ts'
import { compilePattern, PatternCache } from './compile-args.ts'
import type { RouteContext } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { addressBytes, isInNetwork, parseNetwork } from './ip-network.ts'
import type { CompiledVariable } from './text-compiler.ts'
import type { Unit } from './unit.ts'
import { compareText, holds, textOf } from './values.ts'

/** What a condition gives: 1 true, 0 false, −1 it could not be evaluated, which counts as false. */
export type Truth = number
export const TRUE: Truth = 1
export const FALSE: Truth = 0
export const FAULT: Truth = -1

type Comparison = (m: RouteContext) => Truth

const truth = (is: boolean): Truth => (is ? TRUE : FALSE)
/** NULL against something else: only "differs" is true. */
const isDifference = (op: ComparisonOperator): boolean => op === '!=' || op === '!~'

/** Compiles a comparison (script reference, expressions). Throws ScriptError. */
export function compileComparison(unit: Unit, node: CompareNode): Comparison {
  const left = unit.texts.variable(node.left.text, node.left.place)
  const { op, right } = node
  switch (right.type) {
    case 'null': {
      const wanted = op === '=='
      return m => truth((left.get(m) === null) === wanted)
    }
    case 'number':
      return withNumber(unit, node, left, right.value)
    case 'string':
      return op === '=~' || op === '!~' ? withPattern(node, left, right.value) : withText(op, left, right.value)
    case 'network':
      return withNetwork(unit, node, left, right.text)
    case 'variable':
      return withVariable(unit, node, left, unit.texts.variable(right.text, right.place))
  }
}

function withNumber(unit: Unit, node: CompareNode, left: CompiledVariable, right: number): Comparison {
  const { op, place } = node
  const ifNull = truth(isDifference(op))
  return m => {
    const value = left.get(m)
    if (typeof value === 'number') return truth(holds(op, value - right))
    if (value === null) return ifNull
    unit.warn('comparison of a text with a number', place, { variable: left.text, hint: 'use {s.int}' })
    return FAULT
  }
}

function withText(op: ComparisonOperator, left: CompiledVariable, right: string): Comparison {
  const ifNull = truth(isDifference(op))
  const lower = right.toLowerCase()
  if (op === '==' || op === '!=') {
    const wanted = op === '=='
    return m => {
      const value = left.get(m)
      if (value === null) return ifNull
      const text = textOf(value)
      return truth((text === right || text.toLowerCase() === lower) === wanted)
    }
  }
  return m => {
    const value = left.get(m)
    return value === null ? ifNull : truth(holds(op, compareText(textOf(value), right)))
  }
}

function withPattern({ op, right }: CompareNode, left: CompiledVariable, pattern: string): Comparison {
  const regex = compilePattern(pattern, right.place)
  const wanted = op === '=~'
  const ifNull = truth(!wanted)
  return m => {
    const value = left.get(m)
    return value === null ? ifNull : truth(regex.test(textOf(value)) === wanted)
  }
}

function withNetwork(unit: Unit, node: CompareNode, left: CompiledVariable, text: string): Comparison {
  const network = parseNetwork(text)
  if (network === undefined) throw new ScriptError('E_SYNTAX', node.right.place, `${text} is no network`)
  const wanted = node.op === '=='
  return m => {
    const value = left.get(m)
    if (value === null) return truth(!wanted)
    const bytes = addressBytes(textOf(value))
    if (bytes !== undefined) return truth(isInNetwork(bytes, network) === wanted)
    unit.warn('comparison of a text that is no address', node.place, { variable: left.text, value })
    return FAULT
  }
}

function withVariable(unit: Unit, node: CompareNode, left: CompiledVariable, right: CompiledVariable): Comparison {
  const { op, place } = node
  const isMatch = op === '=~' || op === '!~'
  const patterns = isMatch ? new PatternCache() : undefined
  return m => {
    const a = left.get(m)
    const b = right.get(m)
    if (a === null || b === null) return compareNull(op, a, b)
    if (patterns === undefined) return truth(holds(op, compareValues(a, b)))
    const regex = patterns.get(textOf(b))
    if (regex !== undefined) return truth(regex.test(textOf(a)) === (op === '=~'))
    unit.warn('not a regular expression', place, { pattern: b })
    return FAULT
  }
}

function compareNull(op: ComparisonOperator, a: Value, b: Value): Truth {
  return truth(a === null && b === null ? op === '==' || op === '=~' : isDifference(op))
}

function compareValues(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareText(textOf(a), textOf(b))
}
