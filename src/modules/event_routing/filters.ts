import type { EventType } from '../../events/catalogue.ts'
import { Filter, parseFilter } from '../../events/filter.ts'
import type { Condition } from '../../events/filter-conditions.ts'
import { FilterError } from '../../events/filter-scanner.ts'
import type { Value } from '../../util/spec.ts'

/** What becomes of a filter that cannot be met: an error, or, as in OpenSIPS, it counts for nothing. */
export type Strictness = 'strict' | 'compat'

/** The filter that the values of an AVP ask for, and what was wrong with some of them. */
export interface FilterReading {
  /** Null: every event matches. Undefined: nothing may be subscribed with these values. */
  readonly filter: Filter | null | undefined
  readonly faults: readonly string[]
}

/**
 * Reads values `key=pattern`, all of which an event must match (events reference §4.2). A key is a field name in any case,
 * a pattern a shell wildcard over the whole value. What `isFromPeer` says the message brought is no pattern when strict: a
 * caller who dials `*` must not be rung through to whoever registers next.
 */
export function readFilter(
  values: readonly Value[],
  type: EventType,
  strictness: Strictness,
  isFromPeer: (text: string) => boolean,
): FilterReading {
  const conditions: Condition[] = []
  const faults: string[] = []
  for (const value of values) {
    const read = strictness === 'strict' ? strictCondition(value, type, isFromPeer) : lenientCondition(value, type)
    if (typeof read === 'string') faults.push(read)
    else if (read !== null) conditions.push(read)
  }
  if (faults.length > 0 && strictness === 'strict') return { filter: undefined, faults }
  return { filter: conditions.length === 0 ? null : new Filter(conditions), faults }
}

/** A condition, or what is wrong with it. */
function strictCondition(value: Value, type: EventType, isFromPeer: (text: string) => boolean): Condition | string {
  const parts = split(value)
  if (typeof parts === 'string') return parts
  if (parts.key === '') return `"${value}": expected the name of a field before "="`
  const { key, pattern } = parts
  const isLiteral = WILDCARDS.test(pattern) && isFromPeer(pattern)
  return build(isLiteral ? { key, pattern: pattern.replaceAll(/[*?[\\]/g, '\\$&') } : parts, type)
}

const WILDCARDS = /[*?[\\]/

/**
 * As OpenSIPS reads it: what is no text is passed over, and so is a key that the event does not carry. Only a field that
 * every event of the type has can lead an index to the condition.
 */
function lenientCondition(value: Value, type: EventType): Condition | string | null {
  if (typeof value !== 'string') return null
  const parts = split(value)
  if (typeof parts === 'string') return parts
  // Blanks are part of the key, so that it is the name of no field.
  const condition = /^$|^\s|\s$/.test(parts.key) ? 'no field' : build(parts, type)
  if (typeof condition === 'string') return null
  const field = type.spec?.fields[condition.key]
  if (field !== undefined && !field.optional) return condition
  const { key, text } = condition
  return { key, text, equals: null, holds: found => found === undefined || condition.holds(found) }
}

interface Parts {
  readonly key: string
  readonly pattern: string
}

function split(value: Value): Parts | string {
  if (typeof value !== 'string') return `${value}: expected text of the form key=pattern`
  const at = value.indexOf('=')
  if (at < 0) return `"${value}": expected key=pattern, found no "="`
  if (at === value.length - 1) return `"${value}": expected a pattern behind "=", found nothing`
  return { key: value.slice(0, at), pattern: value.slice(at + 1) }
}

function build({ key, pattern }: Parts, type: EventType): Condition | string {
  try {
    const [condition] = parseFilter(`${key}="${pattern.replaceAll('"', '\\"')}"`, type).conditions
    return condition ?? `"${key}=${pattern}": no condition`
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    return `"${key}=${pattern}": ${error.message}`
  }
}
