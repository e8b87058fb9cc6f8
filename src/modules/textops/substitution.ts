import { EreError } from '../../script/ere.ts'
import { compile, fromBytes, toBytes } from './byte-pattern.ts'

/** A `/pattern/replacement/flags` expression, made ready for texts in byte form. */
export interface Substitution {
  readonly pattern: RegExp
  /** Every match, not only the first. */
  readonly isGlobal: boolean
  /** What takes the place of a match, in byte form. */
  replacement(match: RegExpExecArray): string
}

/**
 * Reads a sed-like expression with any delimiter; flags `i` any case, `g` every match, `s` the dot matches line ends.
 * Gives a text that says what is wrong.
 */
export function parseSubstitution(text: string): Substitution | string {
  const delimiter = text.charAt(0)
  const parts = split(text)
  if (delimiter === '' || parts === null) return 'expected "/pattern/replacement/flags"'
  const [source, replacement, flags] = parts
  if (!/^[igs]*$/.test(flags)) return `expected flags of "igs", found "${flags}"`
  const isGlobal = flags.includes('g')
  const pattern = compile(source, { ignoreCase: flags.includes('i'), newline: !flags.includes('s'), global: isGlobal })
  if (pattern instanceof EreError) return pattern.message
  return { pattern, isGlobal, replacement: replacementOf(toBytes(replacement)) }
}

/** The text with the replacements made, or null when nothing matched. Texts are ordinary strings. */
export function substitute(text: string, { pattern, replacement }: Substitution): string | null {
  const bytes = toBytes(text)
  let isFound = false
  const edited = bytes.replace(pattern, (...args) => {
    isFound = true
    const groups = args.slice(
      0,
      args.findIndex(arg => typeof arg === 'number'),
    )
    return replacement(Object.assign(groups, { index: 0, input: bytes }) as RegExpExecArray)
  })
  return isFound ? fromBytes(edited) : null
}

/** Pattern, replacement and flags; a backslash keeps a delimiter from ending its part. */
function split(text: string): [string, string, string] | null {
  const delimiter = text.charAt(0)
  const parts = ['']
  for (let i = 1; i < text.length; i++) {
    const one = text.charAt(i)
    if (one === '\\' && i + 1 < text.length) {
      const next = text.charAt(++i)
      parts[parts.length - 1] += next === delimiter ? next : one + next
    } else if (one === delimiter && parts.length < 3) parts.push('')
    else parts[parts.length - 1] += one
  }
  const [pattern, replacement, flags] = parts
  return pattern === undefined || pattern === '' || replacement === undefined || flags === undefined
    ? null
    : [pattern, replacement, flags]
}

/** `\0` … `\9` are the match and its groups, `\n \r \t` line ends and tab; any other escaped character is itself. */
function replacementOf(text: string): (match: RegExpExecArray) => string {
  return match =>
    text.replace(/\\(.)/gs, (_whole, one: string) => {
      if (one >= '0' && one <= '9') return match[Number(one)] ?? ''
      return { n: '\n', r: '\r', t: '\t' }[one] ?? one
    })
}
