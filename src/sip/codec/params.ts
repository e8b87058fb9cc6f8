import { codeAt, isClass, PLAIN, quotedEnd, skipBlanks, trimBlanks } from './chars.ts'

/** Up to so many characters a parameter is sought in the text itself, which leaves nothing behind; longer lists are hostile. */
const SOUGHT_IN_TEXT = 256
/** From this many parameters on, lookups in a longer list go through a map, so that they stay linear. */
const MAP_FROM = 12

/** A list that was read: names and values as written, names in lower case. */
interface ParamList {
  readonly names: string[]
  readonly values: (string | null)[]
  readonly folded: string[]
  index: Map<string, number> | null
  isMalformed: boolean
}

/**
 * A list of `;name=value` parameters, as URIs and header values have them (RFC 3261 §25.1). Read on first use. Names are
 * looked up in any case; of repeated names the first counts. Empty elements (`;;`) are passed over, a `;` at the end is fine.
 */
export class Params {
  /** As written, with the leading `;`; '' when there are none. */
  readonly text: string
  #list: ParamList | null = null

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
    return this.#load().names.length
  }

  /** Whether an element was empty, without a name, or had a quoted value that does not end. */
  get malformed(): boolean {
    if (this.#list !== null) return this.#list.isMalformed
    return isPlain(this.text) ? false : this.#load().isMalformed
  }

  has(name: string): boolean {
    return this.raw(name) !== null
  }

  /** The value without quotes, '' when the parameter has none; null when there is no such parameter. */
  get(name: string): string | null {
    const raw = this.raw(name)
    return raw === null || codeAt(raw, 0) !== 34 ? raw : unquote(raw)
  }

  /** The value as written, quotes included; '' when it has none; null when there is no such parameter. */
  raw(name: string): string | null {
    if (this.text === '') return null
    if (this.#list === null && this.text.length <= SOUGHT_IN_TEXT) return valueIn(this.text, name)
    const list = this.#load()
    const at = indexOf(list, name.toLowerCase())
    return at < 0 ? null : (list.values[at] ?? '')
  }

  /** All in order, names and values as written; the value is null when there is no `=`. */
  entries(): readonly (readonly [name: string, value: string | null])[] {
    const { names, values } = this.#load()
    return names.map((name, i) => [name, values[i] ?? null] as const)
  }

  #load(): ParamList {
    return (this.#list ??= readList(this.text))
  }
}

/** Index of the first parameter with this name, given in lower case; −1 when there is none. */
function indexOf(list: ParamList, folded: string): number {
  if (list.names.length < MAP_FROM) return list.folded.indexOf(folded)
  list.index ??= new Map(list.folded.map((name, i) => [name, i] as const).reverse())
  return list.index.get(folded) ?? -1
}

function readList(text: string): ParamList {
  const list: ParamList = { names: [], values: [], folded: [], index: null, isMalformed: false }
  const end = text.length
  let at = skipBlanks(text, 0, end)
  if (at < end && codeAt(text, at) === 59) at++
  while (at < end) at = readOne(text, list, at, end) + 1
  return list
}

/** Reads the element that starts at `from`; gives where its `;` stands, or `end`. */
function readOne(text: string, list: ParamList, from: number, end: number): number {
  let equals = -1
  let at = from
  for (; at < end; at++) {
    const code = codeAt(text, at)
    if (code === 59) break
    if (code === 61 && equals < 0) equals = at
    else if (code === 34 && equals >= 0) {
      const close = quotedEnd(text, at, end)
      if (close < 0) {
        list.isMalformed = true
        at = end
        break
      }
      at = close - 1
    }
  }
  add(text, list, from, equals, at)
  return at
}

function add(text: string, list: ParamList, from: number, equals: number, end: number): void {
  const start = skipBlanks(text, from, end)
  const nameEnd = trimBlanks(text, start, equals < 0 ? end : equals)
  if (nameEnd === start) {
    list.isMalformed = true
    if (equals < 0) return
  }
  const name = text.slice(start, nameEnd)
  list.names.push(name)
  list.folded.push(name.toLowerCase())
  list.values.push(equals < 0 ? null : text.slice(skipBlanks(text, equals + 1, end), trimBlanks(text, equals + 1, end)))
}

/** What {@link Params.raw} gives, read out of the text: the first element of that name counts. */
function valueIn(text: string, name: string): string | null {
  const { length } = text
  let at = skipBlanks(text, 0, length)
  if (at < length && codeAt(text, at) === 59) at++
  while (at < length) {
    const start = skipBlanks(text, at, length)
    const equals = endOfName(text, start, length)
    const end = equals < length && codeAt(text, equals) === 61 ? endOfValue(text, equals + 1, length) : equals
    if (isNamed(text, start, trimBlanks(text, start, equals), name))
      return end === equals ? '' : text.slice(skipBlanks(text, equals + 1, end), trimBlanks(text, equals + 1, end))
    at = end + 1
  }
  return null
}

/** Whether there is nothing in the parameters that could make the list malformed: `*( ; name [= value] )` of plain characters. */
function isPlain(text: string): boolean {
  const { length } = text
  for (let at = 0; at < length; ) {
    if (codeAt(text, at) !== 59) return false
    const nameEnd = endOfPlain(text, at + 1, length)
    if (nameEnd === at + 1) return false
    at = nameEnd < length && codeAt(text, nameEnd) === 61 ? endOfPlain(text, nameEnd + 1, length) : nameEnd
  }
  return true
}

function endOfPlain(text: string, from: number, end: number): number {
  let at = from
  while (at < end && isClass(codeAt(text, at), PLAIN)) at++
  return at
}

/** Index of the `=` or `;` behind a name, or `end`. */
export function endOfName(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = codeAt(text, at)
    if (code === 61 || code === 59) return at
  }
  return end
}

/** Index of the `;` behind a value, or `end`; those in quotes do not count. */
export function endOfValue(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = codeAt(text, at)
    if (code === 59) return at
    if (code !== 34) continue
    const close = quotedEnd(text, at, end)
    if (close < 0) return end
    at = close - 1
  }
  return end
}

/** Whether `text[start, end)` is the name, in any case. */
function isNamed(text: string, start: number, end: number, name: string): boolean {
  if (end - start !== name.length || end === start) return false
  return text.startsWith(name, start) || text.slice(start, end).toLowerCase() === name.toLowerCase()
}

/** The content of a quoted string: quotes and the backslashes of escapes taken away. Text that is not quoted comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || codeAt(text, 0) !== 34) return text
  const end = codeAt(text, text.length - 1) === 34 ? text.length - 1 : text.length
  if (!text.includes('\\')) return text.slice(1, end)
  let content = ''
  for (let i = 1; i < end; i++) {
    if (codeAt(text, i) === 92 && i + 1 < end) i++
    content += text[i]
  }
  return content
}
