import type { Value } from '../util/spec.ts'
import type { BinaryNode, ComplementNode, ConditionNode, ValueNode } from './ast.ts'
import type { Truth } from './compile-compare.ts'
import type { RouteContext } from './context.ts'
import type { Place } from './source.ts'
import type { Unit } from './unit.ts'
import { calculate, hasNoValue, type NoValue } from './values.ts'

/** A value to assign, at one place of the script. */
export interface CompiledValue {
  /** Set when it is known at load. */
  readonly constant: Value | undefined
  /** Undefined: the expression has no value, which was logged. */
  read(m: RouteContext): Value | undefined
}

/** How a comparison inside a value is compiled; it never waits. */
export type CompileTruth = (node: ConditionNode) => (m: RouteContext) => Truth

/** Compiles what stands behind `=` or in `[…]`. Constants are computed at load. Throws ScriptError. */
export function compileValue(unit: Unit, node: ValueNode, compileTruth: CompileTruth): CompiledValue {
  switch (node.type) {
    case 'number':
      return constant(node.value)
    case 'null':
      return constant(null)
    case 'string': {
      const text = unit.texts.format(node.value, node.place)
      return text.constant === undefined ? { constant: undefined, read: m => text.read(m) } : constant(text.constant)
    }
    case 'variable': {
      const variable = unit.texts.variable(node.text, node.place)
      return { constant: undefined, read: m => variable.get(m) }
    }
    case 'truth': {
      const test = compileTruth(node.condition)
      return { constant: undefined, read: m => (test(m) === 1 ? 1 : 0) }
    }
    case 'complement':
      return complement(unit, node, compileTruth)
    case 'binary':
      return binary(unit, node, compileTruth)
  }
}

const constant = (value: Value): CompiledValue => ({ constant: value, read: () => value })

function binary(unit: Unit, node: BinaryNode, compileTruth: CompileTruth): CompiledValue {
  const left = compileValue(unit, node.left, compileTruth)
  const right = compileValue(unit, node.right, compileTruth)
  const { op, place } = node
  if (left.constant !== undefined && right.constant !== undefined) {
    const folded = calculate(op, left.constant, right.constant)
    if (!hasNoValue(folded)) return constant(folded)
  }
  return {
    constant: undefined,
    read: m => {
      const a = left.read(m)
      const b = a === undefined ? undefined : right.read(m)
      if (a === undefined || b === undefined) return undefined
      return valueOrFault(unit, calculate(op, a, b), op, place)
    },
  }
}

function complement(unit: Unit, node: ComplementNode, compileTruth: CompileTruth): CompiledValue {
  const operand = compileValue(unit, node.operand, compileTruth)
  if (typeof operand.constant === 'number') return constant(~operand.constant)
  return {
    constant: undefined,
    read: m => {
      const value = operand.read(m)
      if (typeof value === 'number') return ~value
      if (value !== undefined)
        unit.fail('expression has no value', node.place, { operator: '~', reason: 'a text is no number' })
      return undefined
    },
  }
}

/** The value, or undefined after logging why there is none. */
export function valueOrFault(unit: Unit, result: Value | NoValue, operator: string, place: Place): Value | undefined {
  if (!hasNoValue(result)) return result
  unit.fail('expression has no value', place, { operator, reason: result.fault })
  return undefined
}
