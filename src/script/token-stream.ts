import type { Diagnostics, ScriptCode } from './diagnostic.ts'
import type { Token, TokenKind } from './lex.ts'
import type { Place } from './source.ts'

/** Thrown inside the parser, after the fault was reported, to get to the next statement. */
export const SYNTAX_FAULT: unique symbol = Symbol('syntax fault')

/** The tokens of a script, read from front to back. */
export class TokenStream {
  readonly diagnostics: Diagnostics
  readonly #tokens: readonly Token[]
  readonly #end: Token
  #at = 0

  /** `tokens` ends with `eof`. */
  constructor(tokens: readonly Token[], diagnostics: Diagnostics) {
    const end = tokens.at(-1)
    if (end === undefined) throw new RangeError('expected at least the token that marks the end')
    this.#tokens = tokens
    this.#end = end
    this.diagnostics = diagnostics
  }

  get token(): Token {
    return this.#tokens[this.#at] ?? this.#end
  }

  get position(): number {
    return this.#at
  }

  /** The token read last. */
  get previous(): Token {
    return this.#tokens[this.#at - 1] ?? this.token
  }

  peek(ahead = 1): Token {
    return this.#tokens[this.#at + ahead] ?? this.#end
  }

  next(): Token {
    const token = this.token
    if (token.kind !== 'eof') this.#at++
    return token
  }

  /** Whether the current token is this operator, bracket or word. */
  is(text: string): boolean {
    return isSymbol(this.token, text)
  }

  isAny(...texts: readonly string[]): boolean {
    return texts.some(text => this.is(text))
  }

  isKind(...kinds: readonly TokenKind[]): boolean {
    return kinds.includes(this.token.kind)
  }

  /** Reads the token if it is this one. */
  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.next()
    return true
  }

  expect(text: string, where: string): Token {
    if (this.is(text)) return this.next()
    // What is missing belongs behind the token before, not at the start of a later line.
    if (text === ';' || (text === ')' && this.token.startsLine))
      return this.fail(`expected "${text}" ${where}`, this.behind())
    return this.fail(`expected "${text}" ${where}, got ${describe(this.token)}`)
  }

  /** Reports a fault, by default at the current token, and leaves the statement. */
  fail(message: string, place: Place = this.token.place, hint?: string, code: ScriptCode = 'E_SYNTAX'): never {
    this.diagnostics.error(code, place, message, hint)
    throw SYNTAX_FAULT
  }

  unexpected(expected: string, hint?: string): never {
    return this.fail(`expected ${expected}, got ${describe(this.token)}`, this.token.place, hint)
  }

  /** The place right behind the token read last. */
  behind(): Place {
    const { place } = this.previous
    return { ...place, column: place.column + place.length, offset: place.offset + place.length, length: 1 }
  }

  /** Whether nothing stands between the token read last and the current one. */
  get isAdjacent(): boolean {
    const { place } = this.previous
    return place.file === this.token.place.file && place.offset + place.length === this.token.place.offset
  }
}

export function isSymbol(token: Token, text: string): boolean {
  return token.text === text && (token.kind === 'punct' || token.kind === 'ident')
}

/** A token for a message. */
export function describe(token: Token): string {
  if (token.kind === 'eof') return 'the end of the file'
  if (token.kind === 'string')
    return `the string ${JSON.stringify(token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text)}`
  return `"${token.text}"`
}
