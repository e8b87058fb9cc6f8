import type { WildcardMatcher } from '../../util/wildcard.ts'

/** One row: what it lets pass. */
export interface AddressRule {
  /** 0: every group. */
  readonly group: number
  /** 4 or 16 bytes, of which the first `bits` bits count. */
  readonly bytes: readonly number[]
  readonly bits: number
  /** 0: any. */
  readonly port: number
  /** In lower case, or `any`. */
  readonly proto: string
  /** Shell wildcard as written. Null: any text. */
  readonly pattern: string | null
  readonly matcher: WildcardMatcher | null
  readonly info: string | null
}

/** What is asked about. */
export interface AddressQuestion {
  /** 0: any. */
  readonly group: number
  readonly bytes: readonly number[]
  /** 0: any. */
  readonly port: number
  /** In lower case, or `any`. */
  readonly proto: string
  /** Null: rows with a pattern match as well. */
  readonly text: string | null
}

/** Addresses and networks, found by as many lookups as there are lengths of prefixes, however many rows there are. */
export class AddressBook {
  readonly rules: readonly AddressRule[]
  readonly #groups: ReadonlySet<number>
  readonly #byPrefix = new Map<string, AddressRule[]>()
  /** Lengths of prefixes by the size of addresses, the longest first: a single address goes before its network. */
  readonly #lengths: ReadonlyMap<number, readonly number[]>

  constructor(rules: readonly AddressRule[]) {
    this.rules = rules
    this.#groups = new Set(rules.map(({ group }) => group))
    const lengths = new Map<number, Set<number>>()
    for (const rule of rules) {
      const { bytes, bits } = rule
      const key = prefixKey(bytes, bits)
      const same = this.#byPrefix.get(key)
      if (same === undefined) this.#byPrefix.set(key, [rule])
      else same.push(rule)
      lengths.set(bytes.length, (lengths.get(bytes.length) ?? new Set()).add(bits))
    }
    this.#lengths = new Map([...lengths].map(([size, set]) => [size, [...set].sort((a, b) => b - a)]))
  }

  /** Whether a row names this group; there always is group 0. */
  hasGroup(group: number): boolean {
    return group === 0 || this.#groups.has(group)
  }

  /** The first rule that fits, of those for the smallest network; undefined when none does. */
  find(question: AddressQuestion): AddressRule | undefined {
    for (const bits of this.#lengths.get(question.bytes.length) ?? []) {
      const found = this.#byPrefix.get(prefixKey(question.bytes, bits))?.find(rule => fits(rule, question))
      if (found !== undefined) return found
    }
    return undefined
  }
}

function fits(rule: AddressRule, { group, port, proto, text }: AddressQuestion): boolean {
  if (group !== 0 && rule.group !== 0 && rule.group !== group) return false
  if (port !== 0 && rule.port !== 0 && rule.port !== port) return false
  if (proto !== 'any' && rule.proto !== 'any' && rule.proto !== proto) return false
  return text === null || rule.matcher === null || rule.matcher.matches(text)
}

function prefixKey(bytes: readonly number[], bits: number): string {
  const kept = bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 - (bits - i * 8)))) & 0xff)
  return `${bits}/${kept.join('.')}`
}
