import { isArray, isObject, type Json } from './json-value.ts'

/** How a value is written. */
export interface JsonStyle {
  /** Behind the opening bracket, before the closing one, and between members. */
  readonly gap: (depth: number) => string
  readonly afterColon: string
  readonly escapesSlash: boolean
}

/** `{ "a": 1, "b": [ 2 ] }` */
export const SPACED: JsonStyle = { gap: () => ' ', afterColon: ' ', escapesSlash: true }
/** A member a line. */
export const PRETTY: JsonStyle = { gap: depth => `\n${'  '.repeat(depth)}`, afterColon: '', escapesSlash: true }
/** `{"a":1,"b":[2]}` */
export const COMPACT: JsonStyle = { gap: () => '', afterColon: '', escapesSlash: true }
/** The same, where a slash stays a slash. */
export const COMPACT_NOESCAPE: JsonStyle = { ...COMPACT, escapesSlash: false }

/** The JSON text of a value. */
export function writeJson(json: Json, style: JsonStyle): string {
  const parts: string[] = []
  write(json, style, 1, parts)
  return parts.join('')
}

function write(json: Json, style: JsonStyle, depth: number, parts: string[]): void {
  if (isArray(json)) {
    list('[', ']', json, style, depth, parts, item => write(item, style, depth + 1, parts))
  } else if (isObject(json)) {
    list('{', '}', [...json], style, depth, parts, ([name, value]) => {
      parts.push(quoted(name, style), ':', style.afterColon)
      write(value, style, depth + 1, parts)
    })
  } else parts.push(scalar(json, style))
}

function list<T>(
  opener: string,
  closer: string,
  items: readonly T[],
  { gap }: JsonStyle,
  depth: number,
  parts: string[],
  element: (item: T) => void,
): void {
  parts.push(opener)
  for (const [i, item] of items.entries()) {
    parts.push(i === 0 ? '' : ',', gap(depth))
    element(item)
  }
  parts.push(gap(depth - 1), closer)
}

function scalar(json: Exclude<Json, Json[] | Map<string, Json>>, style: JsonStyle): string {
  if (typeof json === 'string') return quoted(json, style)
  if (typeof json === 'object' && json !== null) return json.float
  return String(json)
}

function quoted(text: string, { escapesSlash }: JsonStyle): string {
  const whole = JSON.stringify(text)
  return escapesSlash && whole.includes('/') ? whole.replaceAll('/', '\\/') : whole
}
