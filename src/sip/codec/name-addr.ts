import { codeAt, isBlank, quotedEnd, skipBlanks, trimBlanks } from './chars.ts'
import type { HeaderElement } from './elements.ts'
import { Params } from './params.ts'
import { uriScheme } from './uri-parse.ts'

/** One address of a From, To, Contact or Route value (RFC 3261 §20 name-addr and addr-spec). */
export interface NameAddr {
  /** As written, with its quotes; '' when there is none. */
  readonly display: string
  /** Without brackets and the blanks inside them. */
  readonly uri: string
  /** Parameters of the header value, not of the URI. */
  readonly params: Params
  /** Value of the `tag` parameter, '' without. */
  readonly tag: string
  /** Where the value stands: byte offsets in the message it is from, or character offsets in the text given. */
  readonly start: number
  readonly end: number
  /** Whether the URI stood in `<>`. */
  readonly bracketed: boolean
}

/** A value of Route, Record-Route or Path, with the index of the header it stands in. */
export interface RouteValue extends NameAddr {
  readonly header: number
}

/**
 * One name-addr or addr-spec with its parameters, unfolded. Null when a quote or bracket is not closed, when the URI has
 * no scheme, or when an address without `<>` has a `?` (RFC 3261 §20: it must stand in brackets then).
 */
export function parseNameAddr(text: string): NameAddr | null {
  return parseRouteValue(text, null)
}

/** As {@link parseNameAddr}, for a value that stands at `place` in a message; null for text by itself. */
export function parseRouteValue(text: string, place: HeaderElement | null): RouteValue | null {
  const start = skipBlanks(text, 0, text.length)
  const end = trimBlanks(text, start, text.length)
  const open = findOutsideQuotes(text, start, end, 60)
  if (open === UNCLOSED) return null
  const at = place ?? { header: -1, start, end }
  return open < end ? readBracketed(text, start, open, end, at) : readPlain(text, start, end, at)
}

/** All of a comma-separated list; null when one of them is malformed, [] when there is nothing but blanks. */
export function parseNameAddrList(text: string): NameAddr[] | null {
  const list: NameAddr[] = []
  if (skipBlanks(text, 0, text.length) === text.length) return list
  for (let from = 0; from <= text.length; ) {
    const comma = endOfElement(text, from)
    const address = parseNameAddr(text.slice(from, comma))
    if (address === null) return null
    list.push({ ...address, start: address.start + from, end: address.end + from })
    from = comma + 1
  }
  return list
}

const UNCLOSED = -1
/** No character: reads to the end. */
const NOTHING = -1

/** Index of the character outside of quoted strings; `end` when there is none, UNCLOSED when a quote does not end. */
function findOutsideQuotes(text: string, from: number, end: number, wanted: number): number {
  for (let i = from; i < end; i++) {
    const code = codeAt(text, i)
    if (code === wanted) return i
    if (code === 34) {
      const close = quotedEnd(text, i, end)
      if (close < 0) return UNCLOSED
      i = close - 1
    }
  }
  return end
}

/** Index of the comma that ends the list element starting at `from`, outside of quotes and brackets, or of the end. */
function endOfElement(text: string, from: number): number {
  const { length } = text
  for (let i = from; i < length; i++) {
    const code = codeAt(text, i)
    if (code === 44) return i
    const close = code === 34 ? quotedEnd(text, i, length) : code === 60 ? text.indexOf('>', i) + 1 : i + 1
    if (close <= 0) break
    i = close - 1
  }
  return length
}

function readBracketed(text: string, start: number, open: number, end: number, at: HeaderElement): RouteValue | null {
  const close = text.indexOf('>', open)
  if (close < 0 || close >= end) return null
  const uriStart = skipBlanks(text, open + 1, close)
  const uri = text.slice(uriStart, trimBlanks(text, uriStart, close))
  const params = readParams(text, close + 1, end)
  if (params === null || uriScheme(uri) === '') return null
  const display = text.slice(start, trimBlanks(text, start, open))
  return {
    display,
    uri,
    params,
    tag: params.get('tag') ?? '',
    start: at.start,
    end: at.end,
    header: at.header,
    bracketed: true,
  }
}

function readPlain(text: string, start: number, end: number, at: HeaderElement): RouteValue | null {
  let uriEnd = start
  for (; uriEnd < end; uriEnd++) {
    const code = codeAt(text, uriEnd)
    if (code === 59 || isBlank(code)) break
    if (code === 63) return null
  }
  const uri = text.slice(start, uriEnd)
  const params = readParams(text, uriEnd, end)
  if (params === null || uriScheme(uri) === '') return null
  return {
    display: '',
    uri,
    params,
    tag: params.get('tag') ?? '',
    start: at.start,
    end: at.end,
    header: at.header,
    bracketed: false,
  }
}

/** What follows the address: nothing, or parameters whose quotes all close; null when it is something else. */
function readParams(text: string, from: number, end: number): Params | null {
  const start = skipBlanks(text, from, end)
  if (start < end && codeAt(text, start) !== 59) return null
  if (findOutsideQuotes(text, start, end, NOTHING) === UNCLOSED) return null
  return Params.parse(text.slice(start, end))
}
