import { PrefixTree } from '../../util/prefix-tree.ts'
import { isInHours, type WeekHours } from './week-hours.ts'

/** What is compared with thresholds, as events name it, in the order in which it is. */
export const MONITORED = ['calls-per-minute', 'total-calls', 'concurrent-calls', 'sequential-calls'] as const
export type Monitored = (typeof MONITORED)[number] | 'call-duration'

/** From which value on a call is suspicious; 0: never. */
export interface Threshold {
  readonly warning: number
  readonly critical: number
}

/** Thresholds for the calls of a profile to the numbers of a prefix. */
export interface Rule {
  readonly id: number
  readonly profile: number
  readonly prefix: string
  readonly hours: WeekHours
  readonly thresholds: Readonly<Record<Monitored, Threshold>>
}

/** Characters that prefixes may have beside digits. */
export const EXTRA_CHARS = '+*#'

/** The rules of every profile. */
export class Rules {
  readonly #profiles = new Map<number, PrefixTree<Rule[]>>()

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const tree = this.#profiles.get(rule.profile) ?? new PrefixTree<Rule[]>(EXTRA_CHARS)
      this.#profiles.set(rule.profile, tree)
      const others = tree.get(rule.prefix)
      if (others === undefined) tree.set(rule.prefix, [rule])
      else others.push(rule)
    }
  }

  /** The rule for a number at a wall time: of those that hold then, the one with the longest prefix. */
  find(profile: number, number: string, wallMs: number): Rule | undefined {
    for (const rules of this.#profiles.get(profile)?.match(number) ?? []) {
      const found = rules.find(({ hours }) => isInHours(hours, wallMs))
      if (found !== undefined) return found
    }
    return undefined
  }
}
