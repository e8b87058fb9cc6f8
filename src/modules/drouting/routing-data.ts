import { PrefixTree } from '../../util/prefix-tree.ts'
import type { TimeTest } from '../../util/recurrence-expression.ts'
import type { Carrier, Member, SortAlgorithm } from './destinations.ts'
import type { Gateway } from './gateway.ts'

/** Which destinations the numbers of a prefix have. */
export interface Rule {
  readonly id: number
  readonly groups: readonly number[]
  readonly prefix: string
  readonly priority: number
  /** When it holds; null: always. */
  readonly times: TimeTest | null
  /** Name of a route that runs before its destinations are used. */
  readonly routeName: string | null
  readonly members: readonly Member[]
  readonly sort: SortAlgorithm
  readonly attrs: string | null
}

/** How numbers are compared with prefixes. */
export interface Lookup {
  readonly group: number
  readonly number: string
  readonly timeMs: number
  /** The whole number must be the prefix. */
  readonly isStrict: boolean
}

/** Everything that was loaded for a partition. */
export class RoutingData {
  readonly gateways: ReadonlyMap<string, Gateway>
  readonly carriers: ReadonlyMap<string, Carrier>
  readonly #trees: ReadonlyMap<number, PrefixTree<readonly Rule[]>>

  constructor(
    gateways: ReadonlyMap<string, Gateway>,
    carriers: ReadonlyMap<string, Carrier>,
    trees: ReadonlyMap<number, PrefixTree<readonly Rule[]>> = new Map(),
  ) {
    this.gateways = gateways
    this.carriers = carriers
    this.#trees = trees
  }

  /** The rules for a number that hold now, the best first: by length of prefix, then priority, then order of the table. */
  *rulesFor({ group, number, timeMs, isStrict }: Lookup): Generator<Rule, undefined> {
    const tree = this.#trees.get(group)
    if (tree === undefined) return
    const lists = isStrict ? [tree.get(number) ?? []] : tree.match(number)
    for (const rules of lists) for (const rule of rules) if (rule.times === null || rule.times(timeMs)) yield rule
  }
}

/** Puts rules into a tree for each group, those of one prefix by priority, the highest first. */
export function buildTrees(
  rules: Iterable<Rule>,
  extraChars: string,
): ReadonlyMap<number, PrefixTree<readonly Rule[]>> {
  const trees = new Map<number, PrefixTree<Rule[]>>()
  for (const rule of rules)
    for (const group of rule.groups) {
      const tree = trees.get(group) ?? new PrefixTree<Rule[]>(extraChars)
      trees.set(group, tree)
      const known = tree.get(rule.prefix)
      if (known === undefined) tree.set(rule.prefix, [rule])
      else insert(known, rule)
    }
  return trees
}

function insert(rules: Rule[], rule: Rule): void {
  const at = rules.findIndex(({ priority }) => priority < rule.priority)
  rules.splice(at < 0 ? rules.length : at, 0, rule)
}
