import { compileEre, EreError } from '../../script/ere.ts'

/** Most patterns that are kept compiled: a message may bring a new one each time. */
const MOST = 100

/** Regular expressions (POSIX extended) compiled while the script runs. */
export class PatternCache {
  readonly #patterns = new Map<string, RegExp | undefined>()

  /** Undefined where the text is no regular expression. */
  get(pattern: string, isIgnoringCase: boolean): RegExp | undefined {
    const key = `${isIgnoringCase ? 'i' : '-'}${pattern}`
    if (!this.#patterns.has(key)) {
      if (this.#patterns.size >= MOST) this.#patterns.clear()
      this.#patterns.set(key, compileOrNothing(pattern, isIgnoringCase))
    }
    return this.#patterns.get(key)
  }
}

function compileOrNothing(pattern: string, isIgnoringCase: boolean): RegExp | undefined {
  try {
    return compileEre(pattern, { ignoreCase: isIgnoringCase, newline: false })
  } catch (error) {
    if (error instanceof EreError) return undefined
    throw error
  }
}
