import type { Value } from '../util/spec.ts'
import { wildcardMatcher } from '../util/wildcard.ts'
import type { EventType } from './catalogue.ts'

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

/** A filter that cannot be used: says what was wrong, at which offset, and what was expected there. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  /** Offset in the filter's text. */
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~' | 'in'

/** One condition of a filter. */
export interface Condition {
  /** The field's name: as it is on the wire for declared fields, lower case otherwise. */
  readonly key: string
  /** Texts of which the value must be one, where that is all there is to it: what an index finds it by. */
  readonly equals: readonly string[] | null
  /** The canonical text. */
  readonly text: string
  holds(value: Value | undefined): boolean
}

/** A parsed filter. Immutable. */
export class Filter {
  readonly conditions: readonly Condition[]
  /** The canonical text: parses to an equal filter; equal texts mean the same filter. */
  readonly text: string

  constructor(conditions: readonly Condition[]) {
    this.conditions = conditions
    this.text = conditions.map(condition => condition.text).join(';')
  }

  matches(names: readonly string[] | null, values: readonly (Value | undefined)[]): boolean {
    for (const condition of this.conditions)
      if (!condition.holds(fieldValue(names, values, condition.key))) return false
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
  if (operator === 'in') return listCondition(key, scanner.list())
  const valueAt = scanner.at
  const value = scanner.value('; \t\r\n')
  switch (operator) {
    case '=':
      return patternCondition(key, value)
    case '!=':
      return exclusion(key, value)
    case '~':
      return regexCondition(key, value, valueAt)
    default:
      return comparison(key, operator, value, valueAt)
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

function patternCondition(key: string, pattern: string): Condition {
  const matcher = wildcardMatcher(pattern)
  return {
    key,
    equals: matcher.literal === null ? null : [matcher.literal],
    text: `${key}=${quoted(pattern)}`,
    holds: value => value !== undefined && value !== null && matcher.matches(asText(value)),
  }
}

function exclusion(key: string, pattern: string): Condition {
  const matcher = wildcardMatcher(pattern)
  return {
    key,
    equals: null,
    text: `${key}!=${quoted(pattern)}`,
    holds: value => value === undefined || value === null || !matcher.matches(asText(value)),
  }
}

function listCondition(key: string, patterns: readonly string[]): Condition {
  const matchers = patterns.map(wildcardMatcher)
  const literals = matchers.map(matcher => matcher.literal).filter(literal => literal !== null)
  return {
    key,
    equals: literals.length === matchers.length ? [...new Set(literals)] : null,
    text: `${key} in(${patterns.map(quoted).join(',')})`,
    holds: value => value !== undefined && value !== null && matchers.some(matcher => matcher.matches(asText(value))),
  }
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/

function comparison(
  key: string,
  operator: Exclude<Operator, '=' | '!=' | '~' | 'in'>,
  text: string,
  at: number,
): Condition {
  if (!NUMBER.test(text)) throw new FilterError(`expected a number after ${key}${operator}, found "${text}"`, at)
  const bound = Number(text)
  const compare = COMPARE[operator]
  return {
    key,
    equals: null,
    text: `${key}${operator}${text}`,
    holds: value => {
      const number = asNumber(value)
      return number !== undefined && compare(number, bound)
    },
  }
}

const COMPARE = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
} as const

// A regular expression can be slow on long text, and the text comes from the network.
const LONGEST_MATCHED = 4096

function regexCondition(key: string, source: string, at: number): Condition {
  const regex = compileRegex(source, at)
  return {
    key,
    equals: null,
    text: `${key}~${quoted(source)}`,
    holds: value => value !== undefined && value !== null && regex.test(asText(value).slice(0, LONGEST_MATCHED)),
  }
}

function compileRegex(source: string, at: number): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch (cause) {
    throw new FilterError(`"${source}" is not a regular expression: ${(cause as Error).message}`, at)
  }
}

/** The text a value is matched by. */
export function asText(value: string | number): string {
  return typeof value === 'string' ? value : String(value)
}

function asNumber(value: Value | undefined): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined
}

function quoted(text: string): string {
  return /^[^\s;,()"'][^\s;,()]*$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`
}

class Scanner {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length
  }

  skipSeparators(): void {
    this.#skip(';')
  }

  key(): string {
    const found = /[^\s;=!<>~()"',]+/y
    found.lastIndex = this.at
    const key = found.exec(this.#text)?.[0]
    if (key === undefined) throw this.#expected('the name of a field')
    this.at += key.length
    return key
  }

  operator(): Operator {
    this.#skip('')
    for (const operator of ['!=', '<=', '>=', '=', '<', '>', '~'] as const) {
      if (!this.#text.startsWith(operator, this.at)) continue
      this.at += operator.length
      return operator
    }
    const list = /in\s*\(/y
    list.lastIndex = this.at
    const found = list.exec(this.#text)
    if (found === null) throw this.#expected('one of = != < <= > >= ~ in(')
    this.at = list.lastIndex
    return 'in'
  }

  list(): readonly string[] {
    const items: string[] = []
    for (;;) {
      this.#skip('')
      items.push(this.value(',); \t\r\n'))
      this.#skip('')
      const next = this.#text[this.at]
      if (next !== ',' && next !== ')') throw this.#expected('"," or ")"')
      this.at++
      if (next === ')') return items
    }
  }

  /** A quoted or plain value that ends before one of `stops`. */
  value(stops: string): string {
    const quote = this.#text[this.at]
    if (quote === '"' || quote === "'") return this.#quotedValue(quote, stops)
    const from = this.at
    while (!this.atEnd && !stops.includes(this.#text.charAt(this.at))) this.at += this.#text[this.at] === '\\' ? 2 : 1
    this.at = Math.min(this.at, this.#text.length)
    if (this.at === from) throw this.#expected('a value (write "" for empty text)')
    return this.#text.slice(from, this.at)
  }

  #quotedValue(quote: string, stops: string): string {
    const from = this.at++
    let value = ''
    for (; this.#text[this.at] !== quote; this.at++) {
      if (this.atEnd) throw new FilterError(`the value that starts at ${from} has no closing ${quote}`, from)
      if (this.#text[this.at] === '\\' && this.#text[this.at + 1] === quote) this.at++
      value += this.#text[this.at]
    }
    this.at++
    if (!this.atEnd && !stops.includes(this.#text.charAt(this.at))) throw this.#expected('";" or a blank')
    return value
  }

  #skip(more: string): void {
    while (!this.atEnd && (/\s/.test(this.#text.charAt(this.at)) || more === this.#text[this.at])) this.at++
  }

  #expected(what: string): FilterError {
    const found = this.atEnd ? 'the end' : `"${this.#text.slice(this.at, this.at + 12)}"`
    return new FilterError(`expected ${what} at offset ${this.at}, found ${found}`, this.at)
  }
}
