import { isIPv4, isIPv6 } from 'node:net'
import type { Diagnostics } from './diagnostic.ts'
import type { Place, Source } from './source.ts'

export type TokenKind =
  | 'ident'
  | 'number'
  /** `2.4`: only settings take it. */
  | 'decimal'
  | 'string'
  | 'variable'
  | 'ip'
  | 'ipnet'
  | 'punct'
  /** `include_file "path"` on a line of its own. */
  | 'include'
  | 'eof'

export interface Token {
  readonly kind: TokenKind
  /** As written; of a string the text between the quotes after escapes, of an include the path. */
  readonly text: string
  /** Of a number its value, else 0. */
  readonly value: number
  readonly place: Place
  /** Whether it is the first token of its line. */
  readonly startsLine: boolean
}

/** Words that stand for numbers (script reference, lexical rules). */
const WORD_VALUES: Readonly<Record<string, number>> = {
  yes: 1,
  true: 1,
  on: 1,
  enable: 1,
  no: 0,
  false: 0,
  off: 0,
  disable: 0,
}

const BLANK = /(?:[ \t\r\n\uFEFF]|\\\r?\n)+/y
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y
const IDENT = /[A-Za-z][A-Za-z0-9_]*/y
const HEX = /0x[0-9a-fA-F]+/y
const IPV4 = /\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/y
const IPV4_NET = /\d{1,3}(?:\.\d{1,3}){3}\/(?:\d{1,3}(?:\.\d{1,3}){3}|\d{1,2})(?![\w.])/y
const IPV6 = /(?:[0-9a-fA-F]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4})(?:\/\d{1,3})?(?![\w:])/y
const IPV6_BRACKETED = /\[[0-9a-fA-F:.]+\](?:\/\d{1,3})?/y
const DECIMAL = /\d+\.\d+(?![\w.])/y
const NUMBER = /\d+/y
const VARIABLE_NAME = /\$[A-Za-z0-9_.]*/y
const PUNCT = /:=|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|==|!=|>=|<=|=~|!~|&&|\|\||<<|>>|[=><!+\-*/%&|^~(){}[\],;:.@]/y
const INCLUDE = /(include_file|import_file)[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')[^\n]*/y
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', a: '\x07', t: '\t', '"': '"', '\\': '\\' }

/**
 * Cuts a script file into tokens; the last one is `eof`. Comments and blanks are gone. What cannot be a token is reported
 * and left out (script reference, lexical rules).
 */
export function lex(source: Source, diagnostics: Diagnostics): Token[] {
  return new Lexer(source, diagnostics).run()
}

class Lexer {
  readonly #source: Source
  readonly #text: string
  readonly #diagnostics: Diagnostics
  readonly #tokens: Token[] = []
  #at = 0
  #lineOfLast = 0

  constructor(source: Source, diagnostics: Diagnostics) {
    this.#source = source
    this.#text = source.text
    this.#diagnostics = diagnostics
  }

  run(): Token[] {
    while (this.#skipBlanks()) this.#token()
    this.#push('eof', '', this.#text.length, this.#text.length)
    return this.#tokens
  }

  /** Gives false at the end of the file. */
  #skipBlanks(): boolean {
    for (;;) {
      if (this.#take(BLANK) !== undefined || this.#take(LINE_COMMENT) !== undefined) continue
      if (!this.#text.startsWith('/*', this.#at)) break
      this.#blockComment()
    }
    return this.#at < this.#text.length
  }

  #blockComment(): void {
    const start = this.#at
    let depth = 0
    do {
      const open = this.#text.indexOf('/*', this.#at)
      const close = this.#text.indexOf('*/', this.#at)
      if (close < 0) {
        this.#unterminated(start, 2, 'comment', '*/')
        return
      }
      depth += open >= 0 && open < close ? 1 : -1
      this.#at = (open >= 0 && open < close ? open : close) + 2
    } while (depth > 0)
  }

  #token(): void {
    const start = this.#at
    const char = this.#text[start]!
    if (char === '"' || char === "'") this.#string(start, char)
    else if (char === '$') this.#variable(start)
    else if (!this.#address(start)) this.#word(start)
  }

  #word(start: number): void {
    const include = this.#startsLine(start) ? this.#match(INCLUDE) : null
    if (include !== null) {
      this.#at += include[0].length
      const path = include[2] ?? include[3] ?? ''
      this.#push('include', path, start, start + include[0].trimEnd().length, include[1] === 'include_file' ? 1 : 0)
      return
    }
    const ident = this.#take(IDENT)
    if (ident !== undefined) {
      const value = Object.hasOwn(WORD_VALUES, ident) ? WORD_VALUES[ident] : undefined
      this.#push(value === undefined ? 'ident' : 'number', ident, start, this.#at, value ?? 0)
      return
    }
    if (this.#number(start)) return
    const punct = this.#take(PUNCT)
    if (punct !== undefined) this.#push('punct', punct, start, this.#at)
    else this.#bad(start)
  }

  #number(start: number): boolean {
    const decimal = this.#take(DECIMAL)
    if (decimal !== undefined) {
      this.#push('decimal', decimal, start, this.#at)
      return true
    }
    const text = this.#take(HEX) ?? this.#take(NUMBER)
    if (text === undefined) return false
    const isOctal = /^0[0-7]+$/.test(text)
    // Values are 32-bit signed at run time.
    this.#push('number', text, start, this.#at, (isOctal ? Number.parseInt(text, 8) : Number(text)) | 0)
    return true
  }

  #address(start: number): boolean {
    const net = this.#match(IPV4_NET)?.[0]
    if (net !== undefined && isIPv4(net.slice(0, net.indexOf('/')))) return this.#accept('ipnet', net, start)
    const v4 = this.#match(IPV4)?.[0]
    if (v4 !== undefined && isIPv4(v4)) return this.#accept('ip', v4, start)
    const v6 = (this.#match(IPV6_BRACKETED) ?? this.#match(IPV6))?.[0]
    if (v6 === undefined) return false
    const [address = '', bits] = v6.replace(/[[\]]/g, '').split('/')
    return isIPv6(address) && this.#accept(bits === undefined ? 'ip' : 'ipnet', v6, start)
  }

  #accept(kind: TokenKind, text: string, start: number): true {
    this.#at = start + text.length
    this.#push(kind, text, start, this.#at)
    return true
  }

  #string(start: number, quote: string): void {
    this.#at++
    let value = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) {
        this.#unterminated(start, 1, 'string', quote)
        break
      }
      this.#at++
      if (char === quote) break
      value += char === '\\' && quote === '"' ? this.#escape() : char
    }
    this.#push('string', value, start, this.#at)
  }

  /** Behind a backslash. One octal digit is no escape, so that `\1` of a regular expression survives. */
  #escape(): string {
    const rest = this.#text.slice(this.#at, this.#at + 3)
    const numeric = /^x([0-9a-fA-F]{1,2})/.exec(rest) ?? /^([0-7]{2,3})/.exec(rest)
    if (numeric !== null) {
      this.#at += numeric[0].length
      return String.fromCharCode(Number.parseInt(numeric[1]!, rest.startsWith('x') ? 16 : 8) & 0xff)
    }
    const lineEnd = /^\r?\n/.exec(rest)
    if (lineEnd !== null) {
      this.#at += lineEnd[0].length
      return ''
    }
    const char = rest[0] ?? ''
    this.#at += char.length
    return ESCAPES[char] ?? `\\${char}`
  }

  /** Up to the parenthesis that closes the first one, whatever stands between them; else the name alone. */
  #variable(start: number): void {
    const name = this.#take(VARIABLE_NAME)!
    if (this.#text[this.#at] === '(') {
      let depth = 0
      do {
        const char = this.#text[this.#at]
        if (char === undefined) {
          this.#unterminated(start, name.length + 1, 'variable', ')')
          return
        }
        if (char === '(') depth++
        else if (char === ')') depth--
        this.#at++
      } while (depth > 0)
    } else if (name === '$') {
      this.#bad(start)
      return
    }
    this.#push('variable', this.#text.slice(start, this.#at), start, this.#at)
  }

  #startsLine(start: number): boolean {
    return this.#source.place(start, 0).line !== this.#lineOfLast
  }

  #push(kind: TokenKind, text: string, start: number, end: number, value = 0): void {
    const place = this.#source.place(start, end - start)
    this.#tokens.push({ kind, text, value, place, startsLine: place.line !== this.#lineOfLast })
    this.#lineOfLast = this.#source.place(Math.max(start, end - 1), 0).line
  }

  #bad(start: number): void {
    const char = String.fromCodePoint(this.#text.codePointAt(start)!)
    this.#at = start + char.length
    const message = `unexpected character ${JSON.stringify(char)}`
    this.#diagnostics.error('E_SYNTAX', this.#source.place(start, char.length), message)
  }

  #unterminated(start: number, length: number, what: string, closer: string): void {
    this.#at = this.#text.length
    const message = `the file ends inside this ${what}: expected ${closer}`
    this.#diagnostics.error('E_SYNTAX', this.#source.place(start, length), message)
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)
  }

  #take(pattern: RegExp): string | undefined {
    const text = this.#match(pattern)?.[0]
    if (text !== undefined) this.#at += text.length
    return text
  }
}
