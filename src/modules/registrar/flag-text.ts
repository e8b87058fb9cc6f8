/** What may stand behind a flag: nothing, digits, digits or a name (also in `<>`), or `/pattern/`. */
export type FlagValue = 'none' | 'number' | 'name' | 'pattern'

export interface FlagSpec {
  /** How 2.x writes it, before its value. */
  readonly letter: string
  readonly value: FlagValue
}
export type FlagTable = Readonly<Record<string, FlagSpec>>

const VALUE: Readonly<Record<FlagValue, RegExp>> = {
  none: /(?:)/y,
  number: /\d+/y,
  name: /<[^>]*>|[\w.-]+/y,
  pattern: /\/(?:\\.|[^\\/])*\//y,
}

/**
 * The flags of a call, by their long names, from `max-contacts=2,no-reply` or from the letters `c2r` of 2.x. Values
 * come without the signs around them. Gives a text that says what is wrong where it cannot be read.
 */
export function parseFlags<T extends FlagTable>(text: string, table: T): Map<keyof T & string, string> | string {
  const trimmed = text.trim()
  const long = parseLong(trimmed, table)
  return long instanceof Map ? long : (parseLetters(trimmed, table) ?? long)
}

function parseLong<T extends FlagTable>(text: string, table: T): Map<keyof T & string, string> | string {
  const flags = new Map<keyof T & string, string>()
  let at = 0
  while (at < text.length) {
    const name = matchAt(/[\w-]+/y, text, at)
    const spec = table[name]
    if (spec === undefined) return `unknown flag "${text.slice(at)}"`
    at += name.length
    if (spec.value !== 'none') {
      const value = text[at] === '=' ? matchAt(VALUE[spec.value], text, at + 1) : ''
      if (value === '') return `the flag "${name}" needs a value, "${name}=…"`
      flags.set(name, bare(value))
      at += value.length + 1
    } else flags.set(name, '')
    const separator = matchAt(/\s*(?:,\s*|$)/y, text, at)
    if (separator === '' && at < text.length) return `expected a comma before "${text.slice(at)}"`
    at += separator.length
  }
  return flags
}

/** Undefined where the text is not letters of this table. */
function parseLetters<T extends FlagTable>(text: string, table: T): Map<keyof T & string, string> | undefined {
  const flags = new Map<keyof T & string, string>()
  const specs = Object.entries(table)
  let at = 0
  while (at < text.length) {
    const found = specs.find(([, spec]) => text.startsWith(spec.letter, at))
    if (found === undefined) return undefined
    const [name, spec] = found
    at += spec.letter.length
    const value = matchAt(VALUE[spec.value], text, at)
    if (value === '' && spec.value !== 'none') return undefined
    flags.set(name, bare(value))
    at += value.length
  }
  return flags
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function bare(value: string): string {
  return /^(?:<.*>|\/.*\/)$/s.test(value) ? value.slice(1, -1) : value
}
