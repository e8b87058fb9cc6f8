import type { Json } from './json-value.ts'

/** Deepest nesting that is read. */
export const MAX_DEPTH = 100

const BLANK = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const CONTROL = /[\0-\x1f]/
const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/** Reads a JSON text (RFC 8259). Throws a SyntaxError that says what was expected, and where. */
export function parseJson(text: string): Json {
  const reader = new Reader(text)
  const json = reader.value(0)
  reader.end()
  return json
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail(`nesting of at most ${MAX_DEPTH}`)
    this.#skip()
    const char = this.#text[this.#at]
    if (char === '{') return this.#object(depth)
    if (char === '[') return this.#array(depth)
    if (char === '"') return this.#string()
    for (const [word, json] of WORDS)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return json
      }
    return this.#number()
  }

  end(): void {
    this.#skip()
    if (this.#at < this.#text.length) this.#fail('the end')
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>()
    this.#list('}', () => {
      this.#skip()
      if (this.#text[this.#at] !== '"') this.#fail('a name in quotes')
      const name = this.#string()
      this.#skip()
      if (this.#text[this.#at] !== ':') this.#fail('":"')
      this.#at++
      members.set(name, this.value(depth + 1))
    })
    return members
  }

  #array(depth: number): Json {
    const items: Json[] = []
    this.#list(']', () => void items.push(this.value(depth + 1)))
    return items
  }

  /** What stands between the bracket here and its closer, separated by commas. */
  #list(closer: string, element: () => void): void {
    this.#at++
    this.#skip()
    if (this.#text[this.#at] === closer) {
      this.#at++
      return
    }
    for (;;) {
      element()
      this.#skip()
      const char = this.#text[this.#at]
      if (char !== ',' && char !== closer) this.#fail(`"," or "${closer}"`)
      this.#at++
      if (char === closer) return
    }
  }

  #string(): string {
    const start = this.#at
    let end = this.#text.indexOf('"', start + 1)
    while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    if (end < 0) this.#fail('the end of this text in quotes')
    const inner = this.#text.slice(start + 1, end)
    const hasEscapes = inner.includes('\\')
    if (!hasEscapes && CONTROL.test(inner)) this.#fail('a text without control characters')
    const value = hasEscapes ? this.#unescape(inner) : inner
    this.#at = end + 1
    return value
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let count = 0
    while (this.#text[at - 1 - count] === '\\') count++
    return count % 2 === 1
  }

  #unescape(inner: string): string {
    try {
      return String(JSON.parse(`"${inner}"`))
    } catch {
      return this.#fail('a text with JSON escapes')
    }
  }

  #number(): Json {
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)
    if (found === null) return this.#fail('a value')
    const [written, fraction, exponent] = found
    this.#at += written.length
    if (fraction !== undefined || exponent !== undefined) return { float: written }
    const number = Number(written)
    if (Number.isSafeInteger(number)) return number
    // Exact, but not for digits without end: that takes time without bound.
    return written.length <= 400 ? BigInt(written) : { float: written }
  }

  #skip(): void {
    BLANK.lastIndex = this.#at
    BLANK.exec(this.#text)
    this.#at = Math.max(this.#at, BLANK.lastIndex)
  }

  #fail(wanted: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 20)
    throw new SyntaxError(
      `expected ${wanted} at character ${this.#at + 1}, got ${rest === '' ? 'the end' : JSON.stringify(rest)}`,
    )
  }
}
