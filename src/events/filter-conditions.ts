import { ownText } from '../util/own-text.ts'
import type { Value } from '../util/spec.ts'
import { type WildcardMatcher, wildcardMatcher } from '../util/wildcard.ts'
import { FilterError, type Operator } from './filter-scanner.ts'

/** One condition of a filter. Immutable. */
export interface Condition {
  /** The field's name: as it is on the wire for declared fields, lower case otherwise. */
  readonly key: string
  /** Texts of which the value must be one, where that is all there is to it: what an index finds it by. */
  readonly equals: readonly string[] | null
  /** The canonical text. */
  readonly text: string
  holds(value: Value | undefined): boolean
}

/** `key=pattern`, by far the most common; without wildcards it keeps nothing but two texts. */
export function equalOrAlike(key: string, pattern: string): Condition {
  const matcher = wildcardMatcher(pattern)
  return matcher.literal === null ? new Likeness(key, pattern, matcher) : new Equality(key, matcher.literal)
}

class Equality implements Condition {
  readonly key: string
  readonly #literal: string

  constructor(key: string, literal: string) {
    this.key = key
    this.#literal = ownText(literal)
  }

  get equals(): readonly string[] {
    return [this.#literal]
  }
  get text(): string {
    return `${this.key}=${quoted(this.#literal.replace(/[*?[\\]/g, '\\$&'))}`
  }
  holds(value: Value | undefined): boolean {
    return value !== undefined && value !== null && asText(value) === this.#literal
  }
}

/** A value that meets a wildcard. */
class Likeness implements Condition {
  readonly key: string
  readonly equals = null
  readonly #pattern: string
  readonly #matcher: WildcardMatcher

  constructor(key: string, pattern: string, matcher: WildcardMatcher) {
    this.key = key
    this.#pattern = pattern
    this.#matcher = matcher
  }

  get text(): string {
    return `${this.key}=${quoted(this.#pattern)}`
  }
  holds(value: Value | undefined): boolean {
    return value !== undefined && value !== null && this.#matcher.matches(asText(value))
  }
}

/** `key!=pattern`: also met by a value that is not there. */
export class Exclusion implements Condition {
  readonly key: string
  readonly equals = null
  readonly #pattern: string
  readonly #matcher: WildcardMatcher

  constructor(key: string, pattern: string) {
    this.key = key
    this.#pattern = pattern
    this.#matcher = wildcardMatcher(pattern)
  }

  get text(): string {
    return `${this.key}!=${quoted(this.#pattern)}`
  }
  holds(value: Value | undefined): boolean {
    return value === undefined || value === null || !this.#matcher.matches(asText(value))
  }
}

/** `key in(pattern,…)`. */
export class OneOf implements Condition {
  readonly key: string
  readonly equals: readonly string[] | null
  readonly #patterns: readonly string[]
  readonly #matchers: readonly WildcardMatcher[]

  constructor(key: string, patterns: readonly string[]) {
    this.key = key
    this.#patterns = patterns
    this.#matchers = patterns.map(wildcardMatcher)
    const literals = this.#matchers.map(matcher => matcher.literal).filter(literal => literal !== null)
    this.equals = literals.length === patterns.length ? [...new Set(literals)] : null
  }

  get text(): string {
    return `${this.key} in(${this.#patterns.map(quoted).join(',')})`
  }
  holds(value: Value | undefined): boolean {
    if (value === undefined || value === null) return false
    const text = asText(value)
    return this.#matchers.some(matcher => matcher.matches(text))
  }
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/

const COMPARE = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
} as const

/** `key<number` and its kin. */
export class Comparison implements Condition {
  readonly key: string
  readonly equals = null
  readonly #operator: keyof typeof COMPARE
  readonly #bound: string

  /** `at`: offset of the number, for the error. Throws FilterError. */
  constructor(key: string, operator: Exclude<Operator, '=' | '!=' | '~' | 'in'>, bound: string, at: number) {
    if (!NUMBER.test(bound)) throw new FilterError(`expected a number after ${key}${operator}, found "${bound}"`, at)
    this.key = key
    this.#operator = operator
    this.#bound = bound
  }

  get text(): string {
    return `${this.key}${this.#operator}${this.#bound}`
  }
  holds(value: Value | undefined): boolean {
    const number = asNumber(value)
    return number !== undefined && COMPARE[this.#operator](number, Number(this.#bound))
  }
}

/** A regular expression can be slow on long text, and the text comes from the network. */
const LONGEST_MATCHED = 4096

/** `key~regex`. */
export class RegexCondition implements Condition {
  readonly key: string
  readonly equals = null
  readonly #source: string
  readonly #regex: RegExp

  /** `at`: offset of the expression, for the error. Throws FilterError. */
  constructor(key: string, source: string, at: number) {
    this.key = key
    this.#source = source
    try {
      this.#regex = new RegExp(source, 'u')
    } catch (cause) {
      throw new FilterError(`"${source}" is not a regular expression: ${(cause as Error).message}`, at)
    }
  }

  get text(): string {
    return `${this.key}~${quoted(this.#source)}`
  }
  holds(value: Value | undefined): boolean {
    return value !== undefined && value !== null && this.#regex.test(asText(value).slice(0, LONGEST_MATCHED))
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
