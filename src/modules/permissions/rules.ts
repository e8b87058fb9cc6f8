import { compileEre, EreError } from '../../script/ere.ts'

/** One side of a rule: URIs in the list that are not in the exceptions. */
interface Side {
  /** Null: all. */
  readonly patterns: readonly RegExp[] | null
  readonly exceptions: readonly RegExp[] | null | undefined
}

/** One line: `from : to`. */
export interface Rule {
  readonly left: Side
  readonly right: Side
}

/** Why a file of rules cannot be read: where, what was expected, what stands there. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
}

/** Whether one of the rules fits the pair. */
export function matchesRules(rules: readonly Rule[], left: string, right: string): boolean {
  return rules.some(rule => matchesSide(rule.left, left) && matchesSide(rule.right, right))
}

function matchesSide({ patterns, exceptions }: Side, uri: string): boolean {
  return matchesList(patterns, uri) && !(exceptions !== undefined && matchesList(exceptions, uri))
}

const matchesList = (patterns: readonly RegExp[] | null, uri: string): boolean =>
  patterns === null || patterns.some(pattern => pattern.test(uri))

/**
 * Reads rules, one a line: `list [EXCEPT list] : list [EXCEPT list]`, where a list is `ALL` or quoted regular expressions
 * (POSIX extended, in any case) divided by commas. `#` begins a comment. Throws {@link RuleError}: a rule that was passed
 * over would let somebody through.
 */
export function parseRules(text: string, file: string): readonly Rule[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const reader = new LineReader(line, `${file}:${i + 1}`)
    return reader.isAtEnd ? [] : [reader.rule()]
  })
}

/** Takes one line apart. */
class LineReader {
  readonly #line: string
  readonly #place: string
  #at = 0

  constructor(line: string, place: string) {
    this.#line = line
    this.#place = place
    this.#skipBlanks()
  }

  /** Whether nothing but a comment is left. */
  get isAtEnd(): boolean {
    return this.#at >= this.#line.length || this.#line[this.#at] === '#'
  }

  rule(): Rule {
    const left = this.#side()
    if (!this.#take(':')) throw this.#error('":" between the two sides')
    const right = this.#side()
    if (!this.isAtEnd) throw this.#error('the end of the line')
    return { left, right }
  }

  #side(): Side {
    const patterns = this.#list()
    return { patterns, exceptions: this.#take('EXCEPT') ? this.#list() : undefined }
  }

  #list(): readonly RegExp[] | null {
    if (this.#take('ALL')) return null
    const patterns = [this.#pattern()]
    while (this.#take(',')) patterns.push(this.#pattern())
    return patterns
  }

  #pattern(): RegExp {
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(this.#line.slice(this.#at))
    if (quoted === null) throw this.#error('ALL or a quoted regular expression')
    const source = (quoted[1] ?? '').replace(/\\"/g, '"')
    try {
      const pattern = compileEre(source, { ignoreCase: true, newline: false })
      this.#at += quoted[0].length
      this.#skipBlanks()
      return pattern
    } catch (error) {
      if (!(error instanceof EreError)) throw error
      throw new RuleError(`${this.#place}: "${source}" is no regular expression: ${error.message}`)
    }
  }

  #take(word: string): boolean {
    const isWord = this.#line.slice(this.#at, this.#at + word.length).toUpperCase() === word
    // ALLOW is not ALL.
    if (!isWord || (word.length > 1 && /^\w/.test(this.#line.slice(this.#at + word.length)))) return false
    this.#at += word.length
    this.#skipBlanks()
    return true
  }

  #skipBlanks(): void {
    while (this.#line[this.#at] === ' ' || this.#line[this.#at] === '\t') this.#at++
  }

  #error(expected: string): RuleError {
    const rest = this.#line.slice(this.#at)
    return new RuleError(
      `${this.#place}: expected ${expected}, got ${rest === '' ? 'the end of the line' : `"${rest}"`}`,
    )
  }
}
