import type { Value } from '../util/spec.ts'
import type { ArithmeticOperator, AssignmentOperator, ComparisonOperator } from './ast.ts'

/** What NULL reads as inside a text (script reference, values). */
export const NULL_TEXT = '<null>'

/** Truth of a value: NULL, '' and 0 are false; the text "0" is true. */
export function isTrue(value: Value): boolean {
  return value !== null && value !== 0 && value !== ''
}

/** The value as a text shows it. */
export function textOf(value: Value): string {
  return value === null ? NULL_TEXT : typeof value === 'string' ? value : String(value)
}

/** Text that is an optional sign and digits, as a number; else undefined. */
export function integerFromText(text: string): number | undefined {
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) | 0 : undefined
}

/** Order of two texts, without regard to case: negative, 0 or positive. A shorter prefix is smaller. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const x = a.toLowerCase()
  const y = b.toLowerCase()
  return x === y ? 0 : x < y ? -1 : 1
}

/** Whether `order`, as of a comparison with 0, satisfies the operator. */
export function holds(op: ComparisonOperator, order: number): boolean {
  switch (op) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    case '<=':
      return order <= 0
    case '>=':
      return order >= 0
    default:
      return false
  }
}

/** Why an operation has no result. */
export type ArithmeticFault = 'a text is no number' | 'division by zero' | 'the operator does not take texts'
export interface NoValue {
  readonly fault: ArithmeticFault
}
const noValue = (fault: ArithmeticFault): NoValue => ({ fault })
const NOT_A_NUMBER = noValue('a text is no number')
const BY_ZERO = noValue('division by zero')
const NOT_FOR_TEXT = noValue('the operator does not take texts')

/** The result of an arithmetic operator (script reference, expressions): the kind of the left operand decides. */
export function calculate(op: ArithmeticOperator, left: Value, right: Value): Value | NoValue {
  if (typeof left === 'number' || (left === null && typeof right !== 'string')) {
    if (typeof right === 'string') return NOT_A_NUMBER
    return calculateIntegers(op, left ?? 0, right ?? 0)
  }
  const text = left ?? ''
  if (op === '+') return text + (right ?? '')
  if ((op === '&' || op === '|' || op === '^') && typeof right === 'string' && right.length === text.length)
    return bytewise(op, text, right)
  return NOT_FOR_TEXT
}

/** Integers are 32-bit signed and wrap around. */
function calculateIntegers(op: ArithmeticOperator, a: number, b: number): number | NoValue {
  switch (op) {
    case '+':
      return (a + b) | 0
    case '-':
      return (a - b) | 0
    case '*':
      return Math.imul(a, b)
    case '/':
      return b === 0 ? BY_ZERO : (a / b) | 0
    case '%':
      return b === 0 ? BY_ZERO : (a % b) | 0
    case '&':
      return a & b
    case '|':
      return a | b
    case '^':
      return a ^ b
    case '<<':
      return a << b
    case '>>':
      return a >> b
  }
}

function bytewise(op: '&' | '|' | '^', a: string, b: string): string {
  const left = Buffer.from(a, 'utf8')
  const right = Buffer.from(b, 'utf8')
  for (let i = 0; i < left.length; i++) {
    const x = left[i] ?? 0
    const y = right[i] ?? 0
    left[i] = op === '&' ? x & y : op === '|' ? x | y : x ^ y
  }
  return left.toString('utf8')
}

/** The value `+=` and its like assign. Unlike in an expression NULL and mixed kinds are faults. */
export function combine(op: Exclude<AssignmentOperator, '=' | ':='>, left: Value, right: Value): Value | NoValue {
  if (typeof left === 'number' && typeof right === 'number')
    return calculateIntegers(op.slice(0, -1) as ArithmeticOperator, left, right)
  if (op === '+=' && typeof left === 'string' && typeof right === 'string') return left + right
  return typeof left === 'string' && typeof right === 'string' ? NOT_FOR_TEXT : NOT_A_NUMBER
}

export function hasNoValue(result: Value | NoValue): result is NoValue {
  return typeof result === 'object' && result !== null
}
