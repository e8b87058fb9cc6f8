/** Deepest nesting of parentheses and signs: expressions may come from messages. */
const MAX_DEPTH = 100

const FUNCTIONS: ReadonlyMap<string, (x: number) => number> = new Map([
  ['abs', Math.abs],
  ['acos', Math.acos],
  ['asin', Math.asin],
  ['atan', Math.atan],
  ['ceil', Math.ceil],
  ['cos', Math.cos],
  ['cosh', Math.cosh],
  ['exp', Math.exp],
  ['floor', Math.floor],
  ['ln', Math.log],
  ['log', Math.log10],
  ['sin', Math.sin],
  ['sinh', Math.sinh],
  ['sqrt', Math.sqrt],
  ['tan', Math.tan],
  ['tanh', Math.tanh],
])
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['e', Math.E],
  ['pi', Math.PI],
])
/** A number, a name or a sign of its own. */
const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/%^()]))/y

/** Why a text is no expression, and where in it. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  readonly offset: number
  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`)
    this.offset = offset
  }
}

/**
 * The value of an infix expression (mathops reference):
 *
 *     sum    = term   { ("+" | "-") term }
 *     term   = factor { ("*" | "/" | "%") factor }
 *     factor = signed { "^" signed }                  from the left
 *     signed = { "+" | "-" } base
 *     base   = NUMBER | CONSTANT | FUNCTION signed | "(" sum ")"
 *
 * Throws {@link ExpressionError}. May give NaN or an infinity.
 */
export function evaluate(text: string): number {
  return new Evaluator(text).run()
}

class Evaluator {
  readonly #text: string
  #at = 0
  #end = 0
  #depth = 0
  /** The token under the cursor; empty at the end. */
  #token = ''

  constructor(text: string) {
    this.#text = text
    this.#next()
  }

  run(): number {
    const value = this.#sum()
    if (this.#token !== '') this.#fail(`unexpected "${this.#token}"`)
    return value
  }

  #sum(): number {
    let value = this.#term()
    for (;;) {
      if (this.#accept('+')) value += this.#term()
      else if (this.#accept('-')) value -= this.#term()
      else return value
    }
  }

  #term(): number {
    let value = this.#factor()
    for (;;) {
      if (this.#accept('*')) value *= this.#factor()
      else if (this.#accept('/')) value /= this.#factor()
      else if (this.#accept('%')) value %= this.#factor()
      else return value
    }
  }

  #factor(): number {
    let value = this.#signed()
    while (this.#accept('^')) value **= this.#signed()
    return value
  }

  #signed(): number {
    if (++this.#depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`)
    const value = this.#accept('-') ? -this.#signed() : this.#accept('+') ? this.#signed() : this.#base()
    this.#depth--
    return value
  }

  #base(): number {
    const token = this.#token
    if (token === '(') {
      this.#next()
      const value = this.#sum()
      if (!this.#accept(')')) this.#fail('expected ")"')
      return value
    }
    const value = /^[\d.]/.test(token) ? Number(token) : CONSTANTS.get(token.toLowerCase())
    if (value !== undefined) {
      this.#next()
      return value
    }
    const calculate = FUNCTIONS.get(token.toLowerCase())
    if (calculate === undefined) return this.#fail('expected a number, a function or "("')
    this.#next()
    return calculate(this.#signed())
  }

  #accept(token: string): boolean {
    if (this.#token !== token) return false
    this.#next()
    return true
  }

  #next(): void {
    this.#at = this.#end
    TOKEN.lastIndex = this.#end
    const found = TOKEN.exec(this.#text)
    if (found === null && this.#text.slice(this.#end).trim() !== '')
      this.#fail('expected a number, a name or an operator')
    this.#token = found?.[0].trim() ?? ''
    this.#end += found?.[0].length ?? 0
  }

  #fail(message: string): never {
    throw new ExpressionError(message, this.#at)
  }
}
