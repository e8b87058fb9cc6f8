/** Deeper nesting than this is refused: no command takes any. */
const MAX_DEPTH = 256

const WHITE = /[ \t\r\n]/
const NUMBER = /[-+.\deE]/
const HEX = /[\da-fA-F]/
/** What must follow the first letter. */
const LITERALS: Readonly<Record<string, string>> = { t: 'rue', f: 'alse', n: 'ull' }

type Expected =
  | 'value'
  | 'value or ]'
  | 'key'
  | 'key or }'
  | ':'
  | ', or end'
  | 'string'
  | 'escape'
  | 'hex'
  | 'literal'
  | 'number'

/**
 * Finds where a JSON object or array ends in text that arrives in pieces, without building it. It notices at once
 * what cannot become JSON any more, so that half a request left by a dead writer does not swallow the next one.
 * Numbers are not checked; `JSON.parse` has the last word on the text found.
 */
export class JsonScanner {
  #state: 'incomplete' | 'complete' | 'invalid' = 'incomplete'
  #expected: Expected = 'value'
  /** One letter a level: `{` or `[`. */
  readonly #open: string[] = []
  #inKey = false
  /** Characters still owed: those of a literal, or as many as there are hexadecimal digits to come. */
  #rest = ''

  get state(): 'incomplete' | 'complete' | 'invalid' {
    return this.#state
  }

  /** Reads `text` from an offset until the value is complete or spoilt; gives the offset behind the last character read. */
  feed(text: string, from: number): number {
    let at = from
    while (at < text.length && this.#state === 'incomplete') {
      // Strings make up most of a request: their plain stretches are skipped in one go.
      if (this.#expected === 'string') at = endOfPlainText(text, at)
      if (at < text.length && !this.#fits(text.charAt(at++))) this.#state = 'invalid'
    }
    return at
  }

  /** Takes one character; false when it cannot stand there. */
  #fits(c: string): boolean {
    switch (this.#expected) {
      case 'string':
        return this.#fitsString(c)
      case 'escape':
        if (c === 'u') return this.#owe('hex', '0000')
        this.#expected = 'string'
        return '"\\/bfnrt'.includes(c)
      case 'hex':
        return HEX.test(c) && this.#pay('string')
      case 'literal':
        return this.#rest.startsWith(c) && this.#pay(', or end')
      case 'number':
        if (NUMBER.test(c)) return true
        this.#expected = ', or end'
    }
    return WHITE.test(c) || this.#fitsToken(c)
  }

  #fitsString(c: string): boolean {
    if (c === '\\') this.#expected = 'escape'
    else if (c === '"') this.#expected = this.#inKey ? ':' : ', or end'
    else return c >= ' '
    return true
  }

  #fitsToken(c: string): boolean {
    switch (this.#expected) {
      case 'value or ]':
        return c === ']' ? this.#close('[') : this.#beginValue(c)
      case 'value':
        return this.#beginValue(c)
      case 'key or }':
        return c === '}' ? this.#close('{') : this.#beginKey(c)
      case 'key':
        return this.#beginKey(c)
      case ':':
        this.#expected = 'value'
        return c === ':'
      default:
        if (c === '}') return this.#close('{')
        if (c === ']') return this.#close('[')
        this.#expected = this.#open.at(-1) === '{' ? 'key' : 'value'
        return c === ','
    }
  }

  #beginKey(c: string): boolean {
    this.#inKey = true
    this.#expected = 'string'
    return c === '"'
  }

  #beginValue(c: string): boolean {
    this.#inKey = false
    if (c === '{' || c === '[') {
      this.#open.push(c)
      this.#expected = c === '{' ? 'key or }' : 'value or ]'
      return this.#open.length <= MAX_DEPTH
    }
    // Only an object or an array shows where it ends.
    if (this.#open.length === 0) return false
    const literal = LITERALS[c]
    if (literal !== undefined) return this.#owe('literal', literal)
    this.#expected = c === '"' ? 'string' : 'number'
    return c === '"' || NUMBER.test(c)
  }

  #close(opener: string): boolean {
    this.#expected = ', or end'
    if (this.#open.pop() !== opener) return false
    if (this.#open.length === 0) this.#state = 'complete'
    return true
  }

  #owe(expected: 'literal' | 'hex', rest: string): true {
    this.#expected = expected
    this.#rest = rest
    return true
  }

  #pay(next: Expected): true {
    this.#rest = this.#rest.slice(1)
    if (this.#rest === '') this.#expected = next
    return true
  }
}

/** Offset of the first quote, backslash or control character from `at` on, or the length of the text. */
function endOfPlainText(text: string, at: number): number {
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === 0x22 || code === 0x5c || code < 0x20) break
    at++
  }
  return at
}
