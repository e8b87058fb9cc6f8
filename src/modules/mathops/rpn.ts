import { ExpressionError } from './expression.ts'
import { roundHalfAway, roundHalfEven } from './rounding.ts'

/** Most values on the stack: expressions may come from messages. */
const MAX_STACK = 1000

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['e', Math.E],
  ['pi', Math.PI],
])
const UNARY: ReadonlyMap<string, (x: number) => number> = new Map([
  ['neg', x => -x],
  ['exp', Math.exp],
  ['ln', Math.log],
  ['log10', Math.log10],
  ['abs', Math.abs],
  ['sqrt', Math.sqrt],
  ['cbrt', Math.cbrt],
  ['floor', Math.floor],
  ['ceil', Math.ceil],
  ['round', roundHalfAway],
  ['nearbyint', roundHalfEven],
  ['trunc', Math.trunc],
])
const BINARY: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['mod', (a, b) => a % b],
  ['pow', (a, b) => a ** b],
])

/**
 * The value of an expression in reverse Polish notation, `1 2 + sqrt`: what is on top of the stack at its end
 * (mathops reference). Throws {@link ExpressionError}. May give NaN or an infinity.
 */
export function evaluateRpn(text: string): number {
  const stack: number[] = []
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    const pop = (): number => {
      const value = stack.pop()
      if (value === undefined) throw new ExpressionError(`too few values for "${word}"`, index)
      return value
    }
    if (!apply(word.toLowerCase(), stack, pop)) throw new ExpressionError(`unknown word "${word}"`, index)
    if (stack.length > MAX_STACK) throw new ExpressionError(`more than ${MAX_STACK} values`, index)
  }
  const value = stack.at(-1)
  if (value === undefined) throw new ExpressionError('there is no result', text.length)
  return value
}

function apply(word: string, stack: number[], pop: () => number): boolean {
  const unary = UNARY.get(word)
  const binary = BINARY.get(word)
  const value = CONSTANTS.get(word) ?? Number(word)
  if (unary !== undefined) stack.push(unary(pop()))
  else if (binary !== undefined) {
    const b = pop()
    stack.push(binary(pop(), b))
  } else if (word === 'drop') pop()
  else if (word === 'dup') {
    const top = pop()
    stack.push(top, top)
  } else if (word === 'swap') {
    const b = pop()
    const a = pop()
    stack.push(b, a)
  } else if (!Number.isNaN(value)) stack.push(value)
  else return false
  return true
}
