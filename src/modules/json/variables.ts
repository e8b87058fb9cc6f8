import type { Log } from '../../log/log.ts'
import type { PvarHandler, PvarSite } from '../../module/define.ts'
import type { PvarRef } from '../../script/args.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { isArray, isObject, type Json } from './json-value.ts'
import { parseJson } from './parse-json.ts'
import { follow, type JsonPath, parsePath, placesOf, put, remove } from './path.ts'
import { type JsonStyle, writeJson } from './write-json.ts'

/** The values of one running script, by name. */
const values = messageSlot<Map<string, Json>>()

export function valuesOf(m: RouteContext): Map<string, Json> {
  const known = values.get(m)
  if (known !== undefined) return known
  const fresh = new Map<string, Json>()
  values.set(m, fresh)
  return fresh
}

export interface VariableParts {
  readonly log: Log
  /** Compiles the name of a variable. Throws when it is none. */
  readonly variable: (text: string) => PvarRef
  /** Integers beyond 32 bits are given as text. */
  readonly quotesLong: boolean
  /** Longest text that is read, characters. */
  readonly maxText: number
}

/** `$json(…)` and its like at one place of the script. */
export function jsonHandler(site: PvarSite, parts: VariableParts, style: JsonStyle): PvarHandler {
  const { kind } = site.index
  const text = site.inner?.text ?? ''
  const part = kind === 'all' ? /\.(keys|values)$/.exec(text)?.[1] : undefined
  const path = compilePath(site, part === undefined ? text : text.slice(0, -part.length - 1), parts.variable)
  const show = (json: Json): Value => shown(json, style, parts.quotesLong)
  const find = (m: RouteContext): Json | undefined => lookUp(m, path, site, parts.log)
  const all = (m: RouteContext): readonly Value[] => {
    const found = find(m)
    if (isArray(found)) return found.map(show)
    if (!isObject(found)) return found === undefined ? [] : [show(found)]
    return part === 'keys' ? [...found.keys()] : [...found.values()].map(show)
  }
  return {
    all,
    get: m => {
      if (part !== undefined) return all(m).join(', ') || null
      const found = find(m)
      return found === undefined ? null : show(found)
    },
    set: (m, value, replace) => assign(m, path, value, replace, parts),
  }
}

function compilePath(site: PvarSite, text: string, variable: (text: string) => PvarRef): JsonPath {
  const { index } = site
  // `$(json(x)[0])` is the element that `$json(x[0])` is.
  if (index.kind === 'append') return site.reject('write $json(name[]) to append')
  const suffix = index.kind === 'at' ? `[${index.at.text}]` : ''
  try {
    return parsePath(text + suffix, variable)
  } catch (error) {
    return site.reject(error instanceof Error ? error.message : String(error))
  }
}

function lookUp(m: RouteContext, path: JsonPath, site: PvarSite, log: Log): Json | undefined {
  const places = placesOf(path, m)
  const found = places === null ? undefined : follow(valuesOf(m).get(path.name), places)
  if (found === undefined && path.steps.length > 0)
    log.notice('there is no such JSON value', { path: site.inner?.text })
  return found
}

const INT_MAX = 0x7fff_ffff

/** As a script sees it: text raw, integers as integers, everything else as JSON text; null is NULL. */
function shown(json: Json, style: JsonStyle, quotesLong: boolean): Value {
  if (json === null || typeof json === 'string') return json
  if (typeof json === 'number') return quotesLong && (json > INT_MAX || json < -INT_MAX - 1) ? String(json) : json
  return writeJson(json, style)
}

/** `=` stores a text or an integer, `:=` what the text says; NULL takes away. */
function assign(m: RouteContext, path: JsonPath, value: Value, parses: boolean, parts: VariableParts): boolean {
  const json = parses && value !== null ? parsed(String(value), parts) : value
  if (json === undefined) return false
  const places = placesOf(path, m)
  const last = places?.at(-1)
  const all = valuesOf(m)
  if (places !== null && last === undefined) {
    if (json === null && value === null) all.delete(path.name)
    else all.set(path.name, json)
    return true
  }
  const parent = places === null ? undefined : follow(all.get(path.name), places.slice(0, -1))
  const isDone = last !== undefined && (value === null ? remove(parent, last) : put(parent, last, json))
  if (!isDone) parts.log.error('there is no place in the JSON value to write to', { name: path.name })
  return isDone
}

/** The value a text says; undefined, with a line in the log, where it is no JSON. */
export function parsed(text: string, { log, maxText }: VariableParts): Json | undefined {
  if (text.length > maxText) {
    log.often().error('a JSON text is too long', { characters: text.length, max_text_size: maxText })
    return undefined
  }
  try {
    return parseJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    log.often().error('a text is no JSON', { reason: error.message })
    return undefined
  }
}

/** Makes one variable another name for what a second one holds: what is written to one is seen in both. */
export function link(target: JsonPath, source: JsonPath, m: RouteContext): boolean {
  const all = valuesOf(m)
  const from = placesOf(source, m)
  const to = placesOf(target, m)
  const found = from === null ? undefined : follow(all.get(source.name), from)
  if (found === undefined || to === null) return false
  const last = to.at(-1)
  if (last !== undefined)
    return !isWithin(found, all.get(target.name)) && put(follow(all.get(target.name), to.slice(0, -1)), last, found)
  all.set(target.name, found)
  return true
}

/** A value that held itself could not be written. */
function isWithin(holder: Json, sought: Json | undefined): boolean {
  if (holder === sought) return true
  const inside = isArray(holder) ? holder : isObject(holder) ? [...holder.values()] : []
  return inside.some(json => isWithin(json, sought))
}
