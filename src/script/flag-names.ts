import { ScriptError } from './diagnostic.ts'
import { NOWHERE } from './source.ts'

/** Most flags of one kind: they are kept in the bits of one integer. */
const MAX_FLAGS = 32

/** The names of message flags, or of branch flags, and the bit each was given. Any word is a name, a number too. */
export class FlagNames {
  readonly #kind: string
  readonly #bits = new Map<string, number>()

  /** `kind` is for messages. */
  constructor(kind: 'message' | 'branch') {
    this.#kind = kind
  }

  /** The mask of one flag, made on first use. Throws ScriptError when all bits are taken. */
  bit(name: string): number {
    const known = this.#bits.get(name)
    if (known !== undefined) return known
    if (this.#bits.size === MAX_FLAGS)
      throw new ScriptError(
        'E_FLAG',
        NOWHERE,
        `"${name}" would be the ${MAX_FLAGS + 1}th ${this.#kind} flag: there can be ${MAX_FLAGS}`,
      )
    const bit = 1 << this.#bits.size
    this.#bits.set(name, bit)
    return bit
  }

  /** The names of the flags set in a mask, blank-separated. */
  names(mask: number): string {
    return [...this.#bits].flatMap(([name, bit]) => ((mask & bit) === 0 ? [] : [name])).join(' ')
  }
}
