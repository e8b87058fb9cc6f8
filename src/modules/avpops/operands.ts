import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'

/** `$avp(x)/g`: a variable, and the flags behind it. */
export interface Operand {
  readonly variable: PvarRef
  readonly flags: string
}

/** Cuts `$avp(a)/$avp(b)/gd` at the slashes that are not inside of a variable. */
export function cutOperands(text: string): readonly string[] {
  const parts = ['']
  let depth = 0
  for (const char of text) {
    if (char === '(') depth++
    else if (char === ')') depth--
    if (char === '/' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts.map(part => part.trim())
}

/** Reads `$avp(x)` or `$avp(x)/flags`. Throws an Error that says what is wrong. */
export function parseOperand(text: string, variable: (text: string) => PvarRef): Operand {
  const [name = '', flags = '', ...more] = cutOperands(text)
  if (!name.startsWith('$') || more.length > 0) throw new Error(`expected $avp(name) or $avp(name)/flags, got ${text}`)
  return { variable: variable(name), flags }
}

/** Takes the values of a variable away, with `g` all of them, else the newest. */
export function removeValues({ variable, flags }: Operand, m: RouteContext): void {
  variable.set(m, null, flags.includes('g'))
}

/** Gives a variable these values in the place of those it has; the first one is to be the newest. */
export function replaceValues(variable: PvarRef, m: RouteContext, values: readonly Value[]): boolean {
  variable.set(m, null, true)
  return values.toReversed().every(value => variable.set(m, value))
}

const INTEGER = /^\s*[+-]?\d+\s*$/

/** The value as an integer; null where it is none. */
export function integerOf(value: Value): number | null {
  if (typeof value === 'number') return value
  return value !== null && INTEGER.test(value) ? Number(value) : null
}

/** What stands as a value in a script: `$var(x)`, `s:text`, `i:12`, or text. */
export function valueReader(text: string, variable: (text: string) => PvarRef): (m: RouteContext) => Value {
  if (text.startsWith('$')) {
    const ref = variable(text)
    return m => ref.get(m)
  }
  const [, kind, rest = ''] = /^([si]):(.*)$/s.exec(text) ?? [undefined, undefined, text]
  const value = kind === 'i' ? integerOf(/^0x[\da-f]+$/i.test(rest) ? Number(rest) : rest) : rest
  if (value === null) throw new Error(`"${text}": expected a number behind i:`)
  return () => value
}
