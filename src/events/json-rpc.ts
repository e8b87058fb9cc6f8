import type { Value } from '../util/spec.ts'
import type { EventData, PlainCodec } from './transport.ts'

/**
 * The modern payload (events reference §3.0): one compact JSON object, nothing behind it.
 *
 *     {"jsonrpc":"2.0","method":EVENT[,"params":{NAME:VALUE,…}|[VALUE,…]]}
 *
 * Keys keep the order of the event and may repeat. A parameter that is unset is left out; `params` is left out when the
 * event has none at all, and `{}` for an object of none. Strings escape `"`, `\`, \b \f \n \r \t and other bytes under 0x20 as \u00xx; half surrogate
 * pairs become U+FFFD.
 */
export const jsonRpc: PlainCodec = {
  name: 'jsonrpc',
  contentType: 'application/json',
  encode: event => Buffer.from(notification(event)),
}

function notification(event: EventData): string {
  const head = `{"jsonrpc":"2.0","method":${quoted(event.name)}`
  if (event.values.length === 0) return event.names === null ? `${head}}` : `${head},"params":{}}`
  return `${head},"params":${encodeParams(event)}}`
}

/** The parameters as JSON: an object of those that have names, else an array. Unset ones are left out. */
export function encodeParams({ names, values }: EventData): string {
  return names === null ? list(values) : (object(names, values) ?? members(names, values))
}

function list(values: readonly (Value | undefined)[]): string {
  const texts = values.filter(value => value !== undefined).map(encodeJsonValue)
  return `[${texts.join(',')}]`
}

/**
 * The members by way of an object, which is several times faster. Undefined where that would not give the same: names
 * that repeat or that objects put first (`1`), half surrogate pairs.
 */
function object(names: readonly string[], values: readonly (Value | undefined)[]): string | undefined {
  if (names.length !== values.length || !areKeys(names)) return undefined
  const record: Record<string, Value | undefined> = {}
  for (let i = 0; i < names.length; i++) record[names[i] ?? ''] = values[i]
  const text = JSON.stringify(record)
  return text.includes('\\ud') ? undefined : text
}

function members(names: readonly string[], values: readonly (Value | undefined)[]): string {
  const texts: string[] = []
  for (const [i, value] of values.entries())
    if (value !== undefined) texts.push(`${quoted(names[i] ?? '')}:${encodeJsonValue(value)}`)
  return `{${texts.join(',')}}`
}

/** Lists of names that objects keep as they are. Module events use the same list again and again. */
const keyLists = new WeakMap<readonly string[], boolean>()

function areKeys(names: readonly string[]): boolean {
  let are = keyLists.get(names)
  if (are === undefined) {
    are = new Set(names).size === names.length && !names.some(name => /^\d+$/.test(name) || name === '__proto__')
    keyLists.set(names, are)
  }
  return are
}

/** Text as a JSON string, in the escapes above. */
export const encodeJsonText = (text: string): string => quoted(text)

/** A value as JSON: an integer in decimal, a string escaped as above, NULL as `null`. */
export function encodeJsonValue(value: Value): string {
  if (typeof value === 'string') return quoted(value)
  return value !== null && Number.isFinite(value) ? String(value) : 'null'
}

// JSON.stringify has exactly the escapes wanted, but would write half a surrogate pair as \udxxx, which many readers refuse.
function quoted(text: string): string {
  return JSON.stringify(text.isWellFormed() ? text : text.toWellFormed())
}
