import type { Value } from '../util/spec.ts'
import type { EventType } from './catalogue.ts'
import { Comparison, type Condition, Exclusion, equalOrAlike, OneOf, RegexCondition } from './filter-conditions.ts'
import { FilterError, Scanner } from './filter-scanner.ts'

/*
 * The filter of a subscription: conditions that must all hold.
 *
 *     filter    = condition { ( ";" | blank ) condition }
 *     condition = key ( "=" | "!=" ) pattern
 *               | key ( "<" | "<=" | ">" | ">=" ) number
 *               | key "~" regex
 *               | key "in" "(" pattern { "," pattern } ")"
 *     pattern   = word | '"' … '"' | "'" … "'"
 *
 * A word ends at a blank or `;` (in a list also at `,` or `)`). Quotes are needed around blanks, `;` and empty text; in
 * quotes a backslash protects the quote. A pattern is a shell wildcard over the whole value: `*`, `?`, `[abc]`, `[a-z]`,
 * `[!x]`, `\` before a character that stands for itself. Keys are field names in any case; values keep their case.
 * Integers are compared through their decimal text, except by `<` and its kin, which compare numbers. A field that is
 * absent or NULL meets no condition but `!=`. Where a name occurs twice, the first counts.
 */

/** A parsed filter. Immutable. There may be a million: the most common kind has one condition, and no array for it. */
export class Filter {
  readonly #conditions: Condition | readonly Condition[]

  constructor(conditions: readonly Condition[]) {
    const [only, ...others] = conditions
    this.#conditions = only !== undefined && others.length === 0 ? only : conditions
  }

  get conditions(): readonly Condition[] {
    return 'holds' in this.#conditions ? [this.#conditions] : this.#conditions
  }

  /** The canonical text: parses to an equal filter; equal texts mean the same filter. */
  get text(): string {
    return this.conditions.map(condition => condition.text).join(';')
  }

  matches(names: readonly string[] | null, values: readonly (Value | undefined)[]): boolean {
    const conditions = this.#conditions
    if ('holds' in conditions) return conditions.holds(fieldValue(names, values, conditions.key))
    for (const condition of conditions) if (!condition.holds(fieldValue(names, values, condition.key))) return false
    return true
  }
}

/** The value of the first field of this name (any case); undefined when there is none or it is unset. */
export function fieldValue(
  names: readonly string[] | null,
  values: readonly (Value | undefined)[],
  key: string,
): Value | undefined {
  if (names === null) return undefined
  let at = names.indexOf(key)
  if (at < 0) at = names.findIndex(name => name.length === key.length && name.toLowerCase() === key.toLowerCase())
  return at < 0 ? undefined : values[at]
}

/**
 * Parses a filter for an event, or for any event when `type` is null. Throws FilterError, also for a key that is not a
 * field of the event (unless the event can carry others) and for a filter without any condition.
 */
export function parseFilter(text: string, type: EventType | null): Filter {
  const scanner = new Scanner(text)
  const conditions: Condition[] = []
  for (scanner.skipSeparators(); !scanner.atEnd; scanner.skipSeparators())
    conditions.push(parseCondition(scanner, type))
  if (conditions.length === 0) throw new FilterError('expected a condition such as key=value, found nothing', 0)
  return new Filter(conditions)
}

function parseCondition(scanner: Scanner, type: EventType | null): Condition {
  const at = scanner.at
  const key = resolveKey(scanner.key(), type, at)
  const operator = scanner.operator()
  if (operator === 'in') return new OneOf(key, scanner.list())
  const valueAt = scanner.at
  const value = scanner.value('; \t\r\n')
  switch (operator) {
    case '=':
      return equalOrAlike(key, value)
    case '!=':
      return new Exclusion(key, value)
    case '~':
      return new RegexCondition(key, value, valueAt)
    default:
      return new Comparison(key, operator, value, valueAt)
  }
}

/** The wire name of the field a key stands for. Throws FilterError, with the names there are, when it stands for none. */
function resolveKey(key: string, type: EventType | null, at: number): string {
  if (type === null) return key
  const wanted = key.toLowerCase()
  const declared = type.fieldNames.find(name => name.toLowerCase() === wanted)
  if (declared !== undefined) return declared
  for (const [former, present] of Object.entries(type.spec?.formerFields ?? {})) {
    if (former.toLowerCase() === wanted && type.fieldNames.includes(present)) return present
    if (present.toLowerCase() === wanted && type.fieldNames.includes(former)) return former
  }
  if (type.isOpen) return key
  throw new FilterError(`${type.name} has no field "${key}"; its fields are ${type.fieldNames.join(', ')}`, at)
}
