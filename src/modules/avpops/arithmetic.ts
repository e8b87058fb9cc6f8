import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { cutOperands, integerOf, valueReader } from './operands.ts'

/** Integers are 32-bit signed and wrap around; null where there is no result. */
const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number | null>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => (b === 0 ? null : (a / b) | 0),
  mod: (a, b) => (b === 0 ? null : (a % b) | 0),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: a => ~a,
}

/** Compiles `op/value/flags` of avp_op, with `g` for all values and `d` to take the old ones away. Throws an Error. */
export function compileOperation(text: string, variable: (text: string) => PvarRef) {
  const [op = '', value = '', flags = ''] = cutOperands(text)
  const operate = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined
  if (operate === undefined)
    throw new Error(`"${op}": expected one of ${Object.keys(OPERATIONS).join(', ')}, as in add/i:5`)
  const read = op === 'not' ? () => 0 : valueReader(value, variable)
  return {
    flags,
    /** The result; null where a value is no integer or there is none. */
    run: (left: number | string | null, m: RouteContext): number | null => {
      const [a, b] = [integerOf(left), integerOf(read(m))]
      return a === null || b === null ? null : operate(a, b)
    },
  }
}
