import type { Value } from '../../util/spec.ts'

type Known = Exclude<Value, null>

/** Values as the column `vars` holds them: `name#text|name##integer|`; `\`, `#` and `|` within are behind a backslash. */
export function formatValues(values: ReadonlyMap<string, Known>): string | null {
  if (values.size === 0) return null
  const text = Array.from(
    values,
    ([name, value]) => `${escaped(name)}#${typeof value === 'number' ? '#' : ''}${escaped(String(value))}|`,
  )
  return text.join('') || null
}

/** Reads them; what is no pair is left out. */
export function parseValues(text: string | null): readonly (readonly [string, Known])[] {
  return splitPairs(text).flatMap(([name, value, isNumber]): (readonly [string, Known])[] => {
    if (!isNumber) return [[name, value]]
    return Number.isFinite(Number(value)) ? [[name, Number(value)]] : []
  })
}

/** Profiles as the column `profiles` holds them: `name#value|`, one for each time a dialog is in. */
export function formatMemberships(pairs: Iterable<readonly [name: string, value: string]>): string | null {
  return Array.from(pairs, ([name, value]) => `${escaped(name)}#${escaped(value)}|`).join('') || null
}

/** Reads them. */
export function parseMemberships(text: string | null): readonly (readonly [name: string, value: string])[] {
  return splitPairs(text).map(([name, value]) => [name, value] as const)
}

const escaped = (text: string): string => text.replace(/[\\#|]/g, '\\$&')
const unescaped = (text: string): string => text.replace(/\\([\s\S])/g, '$1')

function splitPairs(text: string | null): readonly (readonly [name: string, value: string, isNumber: boolean])[] {
  const pairs = (text ?? '').matchAll(/((?:[^\\#|]|\\[\s\S])*)#(#?)((?:[^\\#|]|\\[\s\S])*)\|/g)
  return Array.from(
    pairs,
    ([, name = '', mark, value = '']) => [unescaped(name), unescaped(value), mark === '#'] as const,
  )
}
