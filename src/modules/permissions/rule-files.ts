import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Log } from '../../log/log.ts'
import { matchesRules, parseRules, type Rule } from './rules.ts'

/** A pair of URIs that rules are asked about. */
export type UriPair = readonly [left: string, right: string]

/** Rules that allow and rules that deny. */
export class RuleSet {
  readonly #allow: readonly Rule[]
  readonly #deny: readonly Rule[]

  constructor(allow: readonly Rule[], deny: readonly Rule[]) {
    this.#allow = allow
    this.#deny = deny
  }

  /** What is allowed passes, of the rest what is denied does not, and what no rule speaks of does. */
  permits(pairs: readonly UriPair[]): boolean {
    if (pairs.every(([left, right]) => matchesRules(this.#allow, left, right))) return true
    return !pairs.some(([left, right]) => matchesRules(this.#deny, left, right))
  }
}

/** Most files that are kept; management may ask for any name. */
const MOST_KEPT = 100

/** Files of rules, each read once. */
export class RuleFiles {
  readonly #directory: string
  readonly #log: Log
  readonly #read = new Map<string, readonly Rule[]>()

  /** Relative names start at `directory`. */
  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  /** The rules of two files. Throws an Error where one cannot be read; one that is not there has no rules. */
  open(allowFile: string, denyFile: string): RuleSet {
    return new RuleSet(this.#rules(allowFile), this.#rules(denyFile))
  }

  #rules(name: string): readonly Rule[] {
    const path = resolve(this.#directory, name)
    const known = this.#read.get(path)
    if (known !== undefined) return known
    const rules = parseRules(this.#text(path), path)
    if (this.#read.size < MOST_KEPT) this.#read.set(path, rules)
    return rules
  }

  #text(path: string): string {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error
      this.#log.notice('a file of rules is not there: it counts as empty', { file: path })
      return ''
    }
  }
}
