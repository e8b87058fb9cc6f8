import { quotedEnd, skipBlanks, trimBlanks } from './chars.ts'

/** From this many parameters on, lookups go through a map, so that a hostile list stays linear. */
const MAP_FROM = 12

/**
 * A list of `;name=value` parameters, as URIs and header values have them (RFC 3261 §25.1). Read on first use. Names are
 * looked up in any case; of repeated names the first counts. Empty elements (`;;`) are passed over, a `;` at the end is fine.
 */
export class Params {
  /** As written, with the leading `;`; '' when there are none. */
  readonly text: string
  #names: string[] | null = null
  #values: (string | null)[] = []
  #folded: string[] = []
  #index: Map<string, number> | null = null
  #malformed = false

  private constructor(text: string) {
    this.text = text
  }

  /** Never fails; a leading `;` may be absent. */
  static parse(text: string): Params {
    return text === '' ? Params.none : new Params(text)
  }

  /** No parameters. */
  static readonly none: Params = new Params('')

  /** How many there are. */
  get size(): number {
    return this.#load().length
  }

  /** Whether an element was empty, without a name, or had a quoted value that does not end. */
  get malformed(): boolean {
    this.#load()
    return this.#malformed
  }

  has(name: string): boolean {
    return this.#find(name) >= 0
  }

  /** The value without quotes, '' when the parameter has none; null when there is no such parameter. */
  get(name: string): string | null {
    const raw = this.raw(name)
    return raw === null || raw.charCodeAt(0) !== 34 ? raw : unquote(raw)
  }

  /** The value as written, quotes included; '' when it has none; null when there is no such parameter. */
  raw(name: string): string | null {
    const at = this.#find(name)
    return at < 0 ? null : (this.#values[at] ?? '')
  }

  /** All in order, names and values as written; the value is null when there is no `=`. */
  entries(): readonly (readonly [name: string, value: string | null])[] {
    return this.#load().map((name, i) => [name, this.#values[i] ?? null] as const)
  }

  #find(name: string): number {
    if (this.text === '') return -1
    const names = this.#load()
    const wanted = name.toLowerCase()
    if (names.length < MAP_FROM) return this.#folded.indexOf(wanted)
    return this.#byName().get(wanted) ?? -1
  }

  #byName(): Map<string, number> {
    if (this.#index !== null) return this.#index
    const index = new Map<string, number>()
    for (let i = this.#folded.length - 1; i >= 0; i--) index.set(this.#folded[i]!, i)
    return (this.#index = index)
  }

  #load(): string[] {
    if (this.#names !== null) return this.#names
    const names: string[] = []
    const { text } = this
    const end = text.length
    let at = skipBlanks(text, 0, end)
    if (at < end && text.charCodeAt(at) === 59) at++
    while (at < end) at = this.#readOne(names, at, end) + 1
    return (this.#names = names)
  }

  /** Reads the element that starts at `from`; gives where its `;` stands, or `end`. */
  #readOne(names: string[], from: number, end: number): number {
    const { text } = this
    let equals = -1
    let at = from
    for (; at < end; at++) {
      const code = text.charCodeAt(at)
      if (code === 59) break
      if (code === 61 && equals < 0) equals = at
      else if (code === 34 && equals >= 0) {
        const close = quotedEnd(text, at, end)
        if (close < 0) {
          this.#malformed = true
          at = end
          break
        }
        at = close - 1
      }
    }
    this.#add(names, from, equals, at)
    return at
  }

  #add(names: string[], from: number, equals: number, end: number): void {
    const { text } = this
    const start = skipBlanks(text, from, end)
    const nameEnd = trimBlanks(text, start, equals < 0 ? end : equals)
    if (nameEnd === start) {
      this.#malformed = true
      if (equals < 0) return
    }
    const name = text.slice(start, nameEnd)
    names.push(name)
    this.#folded.push(name.toLowerCase())
    this.#values.push(
      equals < 0 ? null : text.slice(skipBlanks(text, equals + 1, end), trimBlanks(text, equals + 1, end)),
    )
  }
}

/** The content of a quoted string: quotes and the backslashes of escapes taken away. Text that is not quoted comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 34) return text
  const end = text.charCodeAt(text.length - 1) === 34 ? text.length - 1 : text.length
  if (!text.includes('\\')) return text.slice(1, end)
  let content = ''
  for (let i = 1; i < end; i++) {
    if (text.charCodeAt(i) === 92 && i + 1 < end) i++
    content += text[i]
  }
  return content
}
