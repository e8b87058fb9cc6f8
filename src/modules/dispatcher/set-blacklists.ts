import { type BlacklistRule, type Blacklists, parseBlacklistRule } from '../../proxy/blacklists.ts'
import { NOWHERE } from '../../script/source.ts'
import { parseNumbers } from './params.ts'
import type { Partition } from './partition.ts'

interface Definition {
  readonly name: string
  readonly sets: ReadonlySet<number>
}

/** Blacklists of the addresses of sets (`ds_define_blacklist`). They follow each load. */
export class SetBlacklists {
  readonly #blacklists: Blacklists
  readonly #definitions: readonly Definition[]
  #rules: readonly { readonly name: string; readonly rule: BlacklistRule }[] = []

  /** Defines the lists, empty. Throws an Error that says what is wrong with a definition. */
  constructor(blacklists: Blacklists, texts: readonly string[]) {
    this.#blacklists = blacklists
    this.#definitions = texts.map(parseDefinition)
    for (const { name } of this.#definitions) blacklists.define({ name, flags: [], rules: [], place: NOWHERE })
  }

  /** Puts the addresses the partition's destinations have now into the lists. */
  update(partition: Partition): void {
    for (const { name, rule } of this.#rules) this.#blacklists.find(name)?.remove(rule)
    this.#rules = this.#definitions.flatMap(({ name, sets }) =>
      partition.destinations
        .filter(({ data }) => sets.has(data.setId))
        .flatMap(({ addresses }) => addresses)
        .map(({ proto, address, port }) => ({
          name,
          rule: parseBlacklistRule(`(${proto}, ${address}, ${port}, "")`, null),
        })),
    )
    for (const { name, rule } of this.#rules) this.#blacklists.find(name)?.add(rule)
  }
}

/** Reads `name = set, set`. */
function parseDefinition(text: string): Definition {
  const [, name, list = ''] = /^\s*([\w.-]+)\s*=\s*(.*)$/s.exec(text) ?? []
  if (name === undefined || list.trim() === '')
    throw new Error(`ds_define_blacklist "${text}": expected name = set, set`)
  return { name, sets: new Set(parseNumbers('ds_define_blacklist', list)) }
}
