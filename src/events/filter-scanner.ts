/** A filter that cannot be used: says what was wrong, at which offset, and what was expected there. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  /** Offset in the filter's text. */
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~' | 'in'

/** Reads a filter's text from left to right. All of it throws FilterError. */
export class Scanner {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length
  }

  skipSeparators(): void {
    this.#skip(';')
  }

  key(): string {
    const found = /[^\s;=!<>~()"',]+/y
    found.lastIndex = this.at
    const key = found.exec(this.#text)?.[0]
    if (key === undefined) throw this.#expected('the name of a field')
    this.at += key.length
    return key
  }

  operator(): Operator {
    this.#skip('')
    for (const operator of ['!=', '<=', '>=', '=', '<', '>', '~'] as const) {
      if (!this.#text.startsWith(operator, this.at)) continue
      this.at += operator.length
      return operator
    }
    const list = /in\s*\(/y
    list.lastIndex = this.at
    const found = list.exec(this.#text)
    if (found === null) throw this.#expected('one of = != < <= > >= ~ in(')
    this.at = list.lastIndex
    return 'in'
  }

  list(): readonly string[] {
    const items: string[] = []
    for (;;) {
      this.#skip('')
      items.push(this.value(',); \t\r\n'))
      this.#skip('')
      const next = this.#text[this.at]
      if (next !== ',' && next !== ')') throw this.#expected('"," or ")"')
      this.at++
      if (next === ')') return items
    }
  }

  /** A quoted or plain value that ends before one of `stops`. */
  value(stops: string): string {
    const quote = this.#text[this.at]
    if (quote === '"' || quote === "'") return this.#quotedValue(quote, stops)
    const from = this.at
    while (!this.atEnd && !stops.includes(this.#text.charAt(this.at))) this.at += this.#text[this.at] === '\\' ? 2 : 1
    this.at = Math.min(this.at, this.#text.length)
    if (this.at === from) throw this.#expected('a value (write "" for empty text)')
    return this.#text.slice(from, this.at)
  }

  #quotedValue(quote: string, stops: string): string {
    const from = this.at++
    let value = ''
    for (; this.#text[this.at] !== quote; this.at++) {
      if (this.atEnd) throw new FilterError(`the value that starts at ${from} has no closing ${quote}`, from)
      if (this.#text[this.at] === '\\' && this.#text[this.at + 1] === quote) this.at++
      value += this.#text[this.at]
    }
    this.at++
    if (!this.atEnd && !stops.includes(this.#text.charAt(this.at))) throw this.#expected('";" or a blank')
    return value
  }

  #skip(more: string): void {
    while (!this.atEnd && (/\s/.test(this.#text.charAt(this.at)) || more === this.#text[this.at])) this.at++
  }

  #expected(what: string): FilterError {
    const found = this.atEnd ? 'the end' : `"${this.#text.slice(this.at, this.at + 12)}"`
    return new FilterError(`expected ${what} at offset ${this.at}, found ${found}`, this.at)
  }
}
