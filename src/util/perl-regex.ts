import { setFlagsFromString } from 'node:v8'

// Patterns meet texts that an attacker chose: where going back takes too long, the engine turns to its linear-time matcher.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** How a Perl-compatible pattern is read; all off by default. */
export interface PerlOptions {
  /** PCRE_CASELESS */
  readonly ignoreCase?: boolean
  /** PCRE_MULTILINE */
  readonly multiline?: boolean
  /** PCRE_DOTALL */
  readonly dotAll?: boolean
  /** PCRE_EXTENDED: blanks, and comments from `#` to the end of a line, mean nothing. */
  readonly extended?: boolean
}

/** Longest pattern. */
const MAX_PATTERN = 16_384

/**
 * Compiles what PCRE and JavaScript have in common, with `(?i)` and its like in front, `(?P<name>…)`, `\A`, `\z`, `\Z`, `\h`
 * and POSIX classes within brackets. Throws an Error that says what is wrong.
 */
export function compilePerlRegex(pattern: string, options: PerlOptions = {}): RegExp {
  if (pattern.length > MAX_PATTERN) throw new Error(`the pattern is longer than ${MAX_PATTERN} characters`)
  const [, letters = '', rest = pattern] = /^\(\?([imsx]+)\)(.*)$/s.exec(pattern) ?? []
  const isExtended = options.extended === true || letters.includes('x')
  const flags = [
    options.ignoreCase === true || letters.includes('i') ? 'i' : '',
    options.multiline === true || letters.includes('m') ? 'm' : '',
    options.dotAll === true || letters.includes('s') ? 's' : '',
  ].join('')
  return new RegExp(translate(rest, isExtended), flags)
}

const TOKEN = /\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\(\?P<|\s+|#[^\n]*|./gsu
const ANCHORS: Readonly<Record<string, string>> = {
  '\\A': '(?<![^])',
  '\\z': '(?![^])',
  '\\Z': '(?=\\n?(?![^]))',
  '\\h': '[ \\t]',
}
const POSIX: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  xdigit: 'A-Fa-f0-9',
  punct: '!-\\/:-@\\[-`{-~',
  word: '\\w',
}

function translate(pattern: string, isExtended: boolean): string {
  return pattern.replaceAll(TOKEN, token => {
    if (token.startsWith('\\')) return ANCHORS[token] ?? token
    if (token.length > 1 && token.startsWith('[')) return translateClass(token)
    if (token === '(?P<') return '(?<'
    return isExtended && (/^\s/.test(token) || token.startsWith('#')) ? '' : token
  })
}

function translateClass(text: string): string {
  // A bracket that comes first stands for itself.
  const opened = text.replace(/^(\[\^?)\]/, '$1\\]')
  return opened.replaceAll(/\[:(\w+):\]/g, (whole, name: string) => {
    const known = POSIX[name]
    if (known === undefined) throw new Error(`there is no class ${whole}`)
    return known
  })
}
