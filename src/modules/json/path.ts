import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { isArray, isContainer, isObject, type Json } from './json-value.ts'

/** One step into a value. */
type PathStep =
  | { readonly kind: 'key'; readonly key: string | PvarRef }
  | { readonly kind: 'index'; readonly index: number | PvarRef }
  | { readonly kind: 'append' }

/** `name/key[0]/…` as it stands in the script. */
export interface JsonPath {
  readonly name: string
  readonly steps: readonly PathStep[]
}

/** Where a step leads in one message. */
export type Place = { readonly key: string } | { readonly index: number } | { readonly append: true }

/** Reads a path. `variable` compiles those in it. Throws an Error that says what is wrong. */
export function parsePath(text: string, variable: (text: string) => PvarRef): JsonPath {
  const name = /^\s*([^/[\]]*)/.exec(text)?.[1]?.trim() ?? ''
  if (name === '' || name.includes('$')) throw new Error('expected name, name/key or name[index]')
  const steps: PathStep[] = []
  let at = text.search(/[/[]/)
  if (at < 0) return { name, steps }
  while (at < text.length) {
    const end = text[at] === '[' ? closingBracket(text, at) : endOfKey(text, at + 1)
    if (end < 0) throw new Error(`a "[" in ${text} is not closed`)
    const inner = text.slice(at + 1, end)
    steps.push(text[at] === '[' ? indexStep(inner.trim(), variable) : keyStep(inner, variable))
    at = text[at] === '[' ? end + 1 : end
    if (at < text.length && text[at] !== '/' && text[at] !== '[') throw new Error(`unexpected "${text.slice(at)}"`)
  }
  return { name, steps }
}

function keyStep(text: string, variable: (text: string) => PvarRef): PathStep {
  return { kind: 'key', key: text.startsWith('$') ? variable(text) : text }
}

function indexStep(text: string, variable: (text: string) => PvarRef): PathStep {
  if (text === '') return { kind: 'append' }
  if (/^-?\d+$/.test(text)) return { kind: 'index', index: Number(text) }
  if (text.startsWith('$')) return { kind: 'index', index: variable(text) }
  throw new Error(`[${text}]: expected a number, a variable or nothing as index`)
}

/** A key ends before `/` or `[`, unless that is inside the parentheses of a variable. */
function endOfKey(text: string, from: number): number {
  for (let at = from, depth = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '(' && text[from] === '$') depth++
    else if (char === ')' && text[from] === '$') depth--
    else if (depth === 0 && (char === '/' || char === '[')) return at
  }
  return text.length
}

function closingBracket(text: string, open: number): number {
  for (let at = open, depth = 0; at < text.length; at++) {
    if (text[at] === '[') depth++
    else if (text[at] === ']' && --depth === 0) return at
  }
  return -1
}

/** Where the steps lead in this message; null where a variable in them has no usable value. */
export function placesOf({ steps }: JsonPath, m: RouteContext): readonly Place[] | null {
  const places: Place[] = []
  for (const step of steps) {
    const place = placeOf(step, m)
    if (place === null) return null
    places.push(place)
  }
  return places
}

function placeOf(step: PathStep, m: RouteContext): Place | null {
  if (step.kind === 'append') return { append: true }
  if (step.kind === 'key') {
    const key = typeof step.key === 'string' ? step.key : step.key.get(m)
    return key === null ? null : { key: String(key) }
  }
  const index = typeof step.index === 'number' ? step.index : integer(step.index.get(m))
  return index === null ? null : { index }
}

function integer(value: Value): number | null {
  if (typeof value === 'number') return value
  return value !== null && /^-?\d+$/.test(value) ? Number(value) : null
}

/** What is at a place; undefined: nothing. */
export function child(json: Json | undefined, place: Place): Json | undefined {
  if ('key' in place) return isObject(json) ? json.get(place.key) : undefined
  return 'index' in place && isArray(json) ? json.at(place.index) : undefined
}

/** What the places lead to; undefined: nothing. */
export function follow(json: Json | undefined, places: readonly Place[]): Json | undefined {
  let found = json
  for (const place of places) {
    if (found === undefined) return undefined
    found = child(found, place)
  }
  return found
}

/** Puts a value at a place. False: there can be none. */
export function put(parent: Json | undefined, place: Place, value: Json): boolean {
  if (!isContainer(parent)) return false
  if (isObject(parent)) {
    if (!('key' in place)) return false
    parent.set(place.key, value)
    return true
  }
  if ('key' in place) return false
  const at = 'append' in place ? parent.length : place.index < 0 ? place.index + parent.length : place.index
  if (at < 0 || at > parent.length) return false
  parent[at] = value
  return true
}

/** Takes away what is at a place; nothing is fine, too. False: the parent is nothing that has places. */
export function remove(parent: Json | undefined, place: Place): boolean {
  if (isObject(parent) && 'key' in place) {
    parent.delete(place.key)
    return true
  }
  if (!isArray(parent) || !('index' in place)) return false
  const at = place.index < 0 ? place.index + parent.length : place.index
  if (at >= 0 && at < parent.length) parent.splice(at, 1)
  return true
}
