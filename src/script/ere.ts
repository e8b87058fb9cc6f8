import { setFlagsFromString } from 'node:v8'

/**
 * POSIX extended regular expressions (IEEE 1003.1 §9.4, with the GNU operators `\w \W \s \S \b \B \< \>`) as JavaScript
 * ones.
 *
 * A pattern may meet text that an attacker chose, and JavaScript tries alternatives one after the other, which some
 * patterns turn into exponential time. So the engine is told to fall back to its linear-time matcher when it has gone
 * back too often. That matcher does not know back references, which are therefore refused, nor ignoring case: letters
 * are written out as classes here.
 */

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** Longest pattern. */
const MAX_PATTERN = 4096
/** Highest count of an interval expression (RE_DUP_MAX), and of nested ones multiplied. */
const MAX_REPEAT = 255
const MAX_NESTED_REPEAT = 5000

export interface EreOptions {
  /** Match letters of either case. */
  readonly ignoreCase: boolean
  /** Let `.` and `[^x]` stop at a newline, and `^` and `$` match at lines (REG_NEWLINE). */
  readonly newline: boolean
  /** Find every match (for replacing). */
  readonly global?: boolean
}

/** Says why a text is no regular expression, and where in it. */
export class EreError extends Error {
  override readonly name = 'EreError'
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Deepest nesting of groups. */
const MAX_GROUP_DEPTH = 200

/** Steps that a text may cost before the guarded form of a pattern is used: about a millisecond. */
const PLAIN_STEPS = 1e6

/** Compiles a pattern. Throws {@link EreError}. */
export function compileEre(pattern: string, options: EreOptions): RegExp {
  if (pattern.length > MAX_PATTERN)
    throw new EreError(`the pattern is longer than ${MAX_PATTERN} characters`, MAX_PATTERN)
  const plain = new EreTranslator(pattern, options, false)
  const source = plain.translate()
  const flags = `${options.newline ? 'm' : ''}${options.global === true ? 'g' : ''}`
  try {
    if (plain.singleLoops === 0) return new RegExp(source, flags)
    const guard = new RegExp(new EreTranslator(pattern, options, true).translate(), flags)
    return new GuardedRegExp(source, flags, guard, Math.floor(PLAIN_STEPS ** (1 / (plain.singleLoops + 1))))
  } catch (error) {
    // What is well-formed may still be too large for the engine.
    throw new EreError(error instanceof Error ? error.message : String(error), 0)
  }
}

/**
 * The engine does not count its steps in a loop over a single character, so such loops take time that grows with a power of
 * the length of the text. Beyond a length a form of the pattern is used that is counted, at half the speed.
 */
class GuardedRegExp extends RegExp {
  readonly #guard: RegExp
  readonly #longestPlain: number

  constructor(source: string, flags: string, guard: RegExp, longestPlain: number) {
    super(source, flags)
    this.#guard = guard
    this.#longestPlain = longestPlain
  }

  /** What `split` and `matchAll` make of it is an ordinary one. */
  static override get [Symbol.species](): RegExpConstructor {
    return RegExp
  }

  override exec(text: string): RegExpExecArray | null {
    if (text.length <= this.#longestPlain) return super.exec(text)
    this.#guard.lastIndex = this.lastIndex
    const found = this.#guard.exec(text)
    this.lastIndex = this.#guard.lastIndex
    return found
  }
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: ' \\t\\n\\v\\f\\r',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  cntrl: '\\x00-\\x1f\\x7f',
  print: ' -~',
  graph: '!-~',
  xdigit: '0-9A-Fa-f',
}
const ESCAPED: Readonly<Record<string, string>> = {
  w: '[A-Za-z0-9_]',
  W: '[^A-Za-z0-9_]',
  s: '[ \\t\\n\\v\\f\\r]',
  S: '[^ \\t\\n\\v\\f\\r]',
  b: '\\b',
  B: '\\B',
  '<': '\\b',
  '>': '\\b',
}

/** A translated part, and how often its innermost part can be repeated. */
interface Part {
  readonly source: string
  readonly repeats: number
}

/** How often what stands before it is repeated. */
interface Quantifier {
  readonly text: string
  readonly least: number
  /** For the bound of nested repetitions; 1 for one without an end. */
  readonly most: number
  readonly isEndless: boolean
}

/** The same as `X*`, `X+` or `X{n,}`, in a form whose steps the engine counts. */
const countedLoop = (source: string, least: number): string =>
  `(?:${least === 0 ? '' : `${source}{${least}}`}(?:${source}|)*)`

/** Recursive descent over the pattern, writing the JavaScript source as it goes. */
class EreTranslator {
  readonly #pattern: string
  readonly #options: EreOptions
  readonly #isGuarded: boolean
  #at = 0
  #depth = 0
  /** Loops without an end over a single character. */
  singleLoops = 0

  constructor(pattern: string, options: EreOptions, isGuarded: boolean) {
    this.#pattern = pattern
    this.#options = options
    this.#isGuarded = isGuarded
  }

  translate(): string {
    const { source } = this.#alternatives()
    if (this.#at < this.#pattern.length) throw new EreError('")" without "("', this.#at)
    return source === '' ? '(?:)' : source
  }

  #alternatives(): Part {
    let { source, repeats } = this.#branch()
    while (this.#pattern[this.#at] === '|') {
      this.#at++
      const next = this.#branch()
      source += `|${next.source}`
      repeats = Math.max(repeats, next.repeats)
    }
    return { source, repeats }
  }

  #branch(): Part {
    let source = ''
    let repeats = 1
    for (;;) {
      const char = this.#pattern[this.#at]
      if (char === undefined || char === '|' || char === ')') return { source, repeats }
      const part = this.#quantified()
      source += part.source
      repeats = Math.max(repeats, part.repeats)
    }
  }

  #quantified(): Part {
    const start = this.#at
    const isSingle = this.#pattern[start] !== '('
    let { source, repeats } = this.#atom()
    let isQuantified = false
    for (let bounds = this.#quantifier(); bounds !== undefined; bounds = this.#quantifier()) {
      repeats *= bounds.most
      if (repeats > MAX_NESTED_REPEAT) throw new EreError('the repetitions multiply to too many', start)
      const isLoop = bounds.isEndless && !isQuantified && isSingle
      if (isLoop) this.singleLoops++
      if (isLoop && this.#isGuarded) source = countedLoop(source, bounds.least)
      // A second quantifier repeats what the first one made; in JavaScript it would change the first one.
      else source = `${isQuantified ? `(?:${source})` : source}${bounds.text}`
      isQuantified = true
    }
    return { source, repeats }
  }

  #atom(): Part {
    const char = this.#pattern[this.#at++] ?? ''
    if (char === '(') return this.#group()
    return { source: this.#single(char), repeats: 1 }
  }

  #single(char: string): string {
    switch (char) {
      case '[':
        return this.#bracket()
      case '.':
        return this.#options.newline ? '[^\\n]' : '[^]'
      case '^':
      case '$':
        return char
      case '\\':
        return this.#escape()
      default:
        return this.#literal(char)
    }
  }

  #group(): Part {
    const start = this.#at - 1
    if (++this.#depth > MAX_GROUP_DEPTH)
      throw new EreError(`groups are nested more than ${MAX_GROUP_DEPTH} deep`, start)
    const { source, repeats } = this.#alternatives()
    this.#depth--
    if (this.#pattern[this.#at] !== ')') throw new EreError('"(" without ")"', start)
    this.#at++
    return { source: `(${source})`, repeats }
  }

  #escape(): string {
    const char = this.#pattern[this.#at++]
    if (char === undefined) throw new EreError('a backslash stands at the end', this.#at - 2)
    if (/[1-9]/.test(char)) throw new EreError(`the back reference \\${char} is not supported`, this.#at - 2)
    return ESCAPED[char] ?? this.#literal(char)
  }

  #literal(char: string): string {
    if (this.#options.ignoreCase) {
      const lower = char.toLowerCase()
      const upper = char.toUpperCase()
      if (lower !== upper && lower.length === 1 && upper.length === 1) return `[${lower}${upper}]`
    }
    return escapeLiteral(char)
  }

  /** `*`, `+`, `?` or `{m,n}`; a brace that starts no interval is an ordinary character. */
  #quantifier(): Quantifier | undefined {
    const char = this.#pattern[this.#at]
    if (char === '*' || char === '+' || char === '?') {
      this.#at++
      return { text: char, least: char === '+' ? 1 : 0, most: 1, isEndless: char !== '?' }
    }
    const interval = /^\{(\d*)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at, this.#at + 12))
    if (interval === null) return undefined
    const [text, low = '', comma, high = ''] = interval
    if (low === '' && comma === '') return undefined
    const least = Number(low)
    const most = comma === '' ? least : high === '' ? null : Number(high)
    if (least > MAX_REPEAT || (most ?? 0) > MAX_REPEAT || (most !== null && most < least))
      throw new EreError(`${text}: expected counts from 0 to ${MAX_REPEAT}, the lower one first`, this.#at)
    this.#at += text.length
    const counts = most === least ? `{${least}}` : `{${least},${most ?? ''}}`
    return { text: counts, least, most: Math.max(1, most ?? least), isEndless: most === null }
  }

  /** Behind `[`. A backslash is an ordinary character here, `]` in first place too. */
  #bracket(): string {
    const start = this.#at - 1
    const isNegated = this.#pattern[this.#at] === '^'
    if (isNegated) this.#at++
    let inner = ''
    for (let isFirst = true; ; isFirst = false) {
      const char = this.#pattern[this.#at]
      if (char === undefined) throw new EreError('"[" without "]"', start)
      if (char === ']' && !isFirst) break
      inner += this.#bracketItem()
    }
    this.#at++
    return `[${isNegated ? '^' : ''}${inner}${isNegated && this.#options.newline ? '\\n' : ''}]`
  }

  #bracketItem(): string {
    const special = /^\[([:=.])(.*?)\1\]/.exec(this.#pattern.slice(this.#at, this.#at + 16))
    if (special?.[1] === ':') return this.#characterClass(special[2] ?? '', special[0].length)
    const from = this.#bracketChar()
    const next = this.#pattern[this.#at + 1]
    if (this.#pattern[this.#at] !== '-' || next === ']' || next === undefined) return this.#range(from, from)
    this.#at++
    const start = this.#at
    const to = this.#bracketChar()
    if (to < from) throw new EreError(`the range ${from}-${to} is upside down`, start)
    return this.#range(from, to)
  }

  #characterClass(name: string, length: number): string {
    const found = CLASSES[name]
    if (found === undefined) throw new EreError(`unknown class [:${name}:]`, this.#at)
    this.#at += length
    return this.#options.ignoreCase && (name === 'upper' || name === 'lower') ? 'A-Za-z' : found
  }

  /** One character, also as `[.x.]` or `[=x=]`. */
  #bracketChar(): string {
    const named = /^\[([=.])([^\]])\1\]/.exec(this.#pattern.slice(this.#at, this.#at + 5))
    const char = named?.[2] ?? this.#pattern[this.#at] ?? ''
    this.#at += named?.[0].length ?? 1
    return char
  }

  #range(from: string, to: string): string {
    const text = from === to ? escapeInBracket(from) : `${escapeInBracket(from)}-${escapeInBracket(to)}`
    return this.#options.ignoreCase ? text + otherCase(from, to) : text
  }
}

/** The part of a range that is letters, in the other case. */
function otherCase(from: string, to: string): string {
  const shifted = (low: number, high: number, by: number): string => {
    const start = Math.max(from.charCodeAt(0), low)
    const end = Math.min(to.charCodeAt(0), high)
    return start > end ? '' : `${String.fromCharCode(start + by)}-${String.fromCharCode(end + by)}`
  }
  return shifted(0x41, 0x5a, 0x20) + shifted(0x61, 0x7a, -0x20)
}

const escapeLiteral = (char: string): string =>
  /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char === '\n' ? '\\n' : char === '\r' ? '\\r' : char
const escapeInBracket = (char: string): string =>
  /[\\\]^[-]/.test(char) ? `\\${char}` : char === '\n' ? '\\n' : char === '\r' ? '\\r' : char
