import { type WildcardMatcher, wildcardMatcher } from '../util/wildcard.ts'

/** A command as rules look at it. */
export interface RuledCommand {
  /** Canonical, `group:local`. */
  readonly name: string
  readonly aliases: readonly string[]
}

/**
 * Which commands may be run, as a list of patterns: `usrloc:*, evi:list, !core:kill`. A pattern is a shell wildcard over the
 * canonical name or over a former one; with `!` in front it forbids, whatever else allows. Without a pattern that
 * allows, all is allowed that is not forbidden.
 */
export class CommandRules {
  /** The list as it was written. */
  readonly text: string
  readonly #allowed: readonly WildcardMatcher[]
  readonly #forbidden: readonly WildcardMatcher[]

  /** Throws an Error when a word cannot be a pattern of command names. */
  constructor(text: string) {
    this.text = text
    const words = text.split(/[\s,;]+/).filter(word => word !== '')
    for (const word of words) {
      if (!/^!?[\w:*?[\]-]+$/.test(word))
        throw new Error(`"${word}" is no pattern of command names: expected such as usrloc:*, evi:list or !core:kill`)
    }
    const isForbidding = (word: string): boolean => word.startsWith('!')
    this.#allowed = words.filter(word => !isForbidding(word)).map(wildcardMatcher)
    this.#forbidden = words.filter(isForbidding).map(word => wildcardMatcher(word.slice(1)))
  }

  allows({ name, aliases }: RuledCommand): boolean {
    const matches = (pattern: WildcardMatcher): boolean =>
      pattern.matches(name) || aliases.some(alias => pattern.matches(alias))
    if (this.#forbidden.some(matches)) return false
    return this.#allowed.length === 0 || this.#allowed.some(matches)
  }
}

/** The rules of a parameter; null, which allows everything, when it is not set. Throws as the constructor does. */
export const parseRules = (text: string | undefined): CommandRules | null =>
  text === undefined || text.trim() === '' ? null : new CommandRules(text)
