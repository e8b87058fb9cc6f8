import { didYouMean } from '../../script/nearest.ts'
import type { StepPlace } from '../failure.ts'
import { TestFileError } from './test-file-error.ts'

/** A word of a line: bare, between double quotes, or a regular expression between slashes. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'regex'
  /** Of a quoted one what stands between the quotes, escapes resolved; of an expression all of it. */
  readonly text: string
  /** From 1. */
  readonly column: number
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** One line of a test file, read word by word. What it does not expect it refuses with a TestFileError. */
export class Line {
  readonly file: string
  /** From 1. */
  readonly number: number
  /** How many blanks it begins with. */
  readonly indent: number
  /** Without the blanks around it. */
  readonly text: string
  readonly #raw: string
  #at: number

  constructor(file: string, number: number, raw: string) {
    this.file = file
    this.number = number
    this.#raw = raw.trimEnd()
    this.text = this.#raw.trim()
    this.indent = this.#raw.length - this.#raw.trimStart().length
    this.#at = this.indent
  }

  /** Nothing but blanks, or a comment. */
  get isEmpty(): boolean {
    return this.text === '' || this.text.startsWith('#')
  }

  /** Where it begins. */
  get place(): StepPlace {
    return this.placeAt(this.indent + 1)
  }

  placeAt(column: number): StepPlace {
    return { file: this.file, line: this.number, column }
  }

  error(message: string, column = this.#at + 1): TestFileError {
    return new TestFileError(this.placeAt(column), message)
  }

  /** The next word, which stays the next one; null at the end of the line. */
  peek(): Token | null {
    const before = this.#at
    const token = this.next()
    this.#at = before
    return token
  }

  /** The next word; null at the end of the line, or where a comment begins. */
  next(): Token | null {
    this.#skipBlanks()
    const first = this.#raw[this.#at]
    if (first === undefined || first === '#') return null
    if (first === '"') return this.#quoted()
    const start = this.#at
    while (this.#at < this.#raw.length && !/\s/.test(this.#raw[this.#at] ?? '')) this.#at += 1
    return { kind: 'word', text: this.#raw.slice(start, this.#at), column: start + 1 }
  }

  /** Takes the next word if it is this one. */
  takes(word: string): boolean {
    const token = this.peek()
    if (token?.kind !== 'word' || token.text !== word) return false
    this.next()
    return true
  }

  /** The next word, of any kind; `what` says what it is to be. */
  value(what: string): Token {
    const token = this.next()
    if (token === null) throw this.error(`expected ${what}, and the line ends`)
    return token
  }

  /** One of these words. */
  oneOf(words: readonly string[]): string {
    const { text, column } = this.value(listed(words))
    if (words.includes(text)) return text
    const hint = didYouMean(text, words)
    throw this.error(`expected ${listed(words)}, not "${text}"${hint === undefined ? '' : `; ${hint}`}`, column)
  }

  /** A regular expression between slashes, with flags. */
  regex(): RegExp {
    this.#skipBlanks()
    const start = this.#at
    const found = /^\/((?:[^\\/]|\\.)+)\/([a-z]*)/.exec(this.#raw.slice(start))
    if (found === null) throw this.error('expected a regular expression between slashes, as in /^sip:/')
    this.#at += found[0].length
    try {
      return new RegExp(found[1] ?? '', found[2])
    } catch (error) {
      throw this.error(error instanceof Error ? error.message : String(error), start + 1)
    }
  }

  /** All that is left of the line, comments too. */
  rest(): Token {
    this.#skipBlanks()
    const column = this.#at + 1
    const text = this.#raw.slice(this.#at)
    this.#at = this.#raw.length
    return { kind: 'word', text, column }
  }

  /** Refuses whatever is left. */
  end(): void {
    const token = this.next()
    if (token !== null) throw this.error(`"${token.text}" is one word too many here`, token.column)
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#raw[this.#at] ?? '')) this.#at += 1
  }

  #quoted(): Token {
    const column = this.#at + 1
    let text = ''
    for (let at = this.#at + 1; at < this.#raw.length; at++) {
      const char = this.#raw[at] ?? ''
      if (char === '"') {
        this.#at = at + 1
        return { kind: 'quoted', text, column }
      }
      if (char !== '\\') {
        text += char
        continue
      }
      at += 1
      text += ESCAPES[this.#raw[at] ?? ''] ?? this.#raw[at] ?? ''
    }
    throw this.error('the closing quote is missing', column)
  }
}

/** `a, b or c`. */
export function listed(words: readonly string[]): string {
  const head = words.slice(0, -1).join(', ')
  return head === '' ? (words[0] ?? '') : `${head} or ${words.at(-1)}`
}
