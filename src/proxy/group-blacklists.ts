import { NOWHERE } from '../script/source.ts'
import type { Hop } from '../sip/net/endpoint.ts'
import { parseNumbers } from '../util/parse-numbers.ts'
import { type BlacklistRule, type Blacklists, parseBlacklistRule } from './blacklists.ts'

interface Definition {
  readonly name: string
  readonly groups: ReadonlySet<number>
}

/** A destination as blacklists need it. */
export interface GroupMember {
  readonly group: number
  readonly addresses: readonly Hop[]
}

/** Blacklists of the addresses of groups of destinations, as several modules define them: `name = group, group`. */
export class GroupBlacklists {
  readonly #blacklists: Blacklists
  readonly #definitions: readonly Definition[]
  #rules: readonly { readonly name: string; readonly rule: BlacklistRule }[] = []

  /** Defines the lists, empty. Throws an Error that names the parameter and says what is wrong with a definition. */
  constructor(blacklists: Blacklists, param: string, texts: readonly string[]) {
    this.#blacklists = blacklists
    this.#definitions = texts.map(text => parseDefinition(param, text))
    for (const { name } of this.#definitions) blacklists.define({ name, flags: [], rules: [], place: NOWHERE })
  }

  /** Puts the addresses that the groups have now into the lists. */
  update(members: readonly GroupMember[]): void {
    for (const { name, rule } of this.#rules) this.#blacklists.find(name)?.remove(rule)
    this.#rules = this.#definitions.flatMap(({ name, groups }) =>
      members
        .filter(({ group }) => groups.has(group))
        .flatMap(({ addresses }) => addresses)
        .map(({ proto, address, port }) => ({
          name,
          rule: parseBlacklistRule(`(${proto}, ${address}, ${port}, "")`, null),
        })),
    )
    for (const { name, rule } of this.#rules) this.#blacklists.find(name)?.add(rule)
  }
}

/** Reads `name = group, group`. */
function parseDefinition(param: string, text: string): Definition {
  const [, name, list = ''] = /^\s*([\w.-]+)\s*=\s*(.*)$/s.exec(text) ?? []
  if (name === undefined || list.trim() === '') throw new Error(`${param} "${text}": expected name = number, number`)
  return { name, groups: new Set(parseNumbers(param, list)) }
}
