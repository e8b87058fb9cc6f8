import { codeAt, FOLD } from './chars.ts'
import { trimEnd } from './scan.ts'

/** Where one value of a comma-separated header stands: byte offsets and the index of the header. */
export interface HeaderElement {
  readonly header: number
  readonly start: number
  readonly end: number
}

/**
 * Behind the list element that starts at `from`: its comma, or `end`. Commas in quotes and `<>` do not count, in Via
 * comments neither when `comments` is true. Something left open reaches to `end`.
 */
export function endOfElement(bytes: Uint8Array, from: number, end: number, comments: boolean): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!
    if (byte === 44) return at
    if (byte === 34) at = endOfQuoted(bytes, at, end)
    else if (byte === 60) at = indexOrEnd(bytes, 62, at, end)
    else if (byte === 40 && comments) at = indexOrEnd(bytes, 41, at, end)
  }
  return end
}

/** All elements of one header value, blanks around them left out. An empty value has one empty element. */
export function splitElements(
  bytes: Uint8Array,
  header: number,
  start: number,
  end: number,
  comments: boolean,
): HeaderElement[] {
  const elements: HeaderElement[] = []
  for (let from = start; from <= end; ) {
    const comma = endOfElement(bytes, from, end, comments)
    const first = skipBlankBytes(bytes, from, comma)
    elements.push({ header, start: first, end: trimEnd(bytes, first, comma) })
    from = comma + 1
  }
  return elements
}

/** Where the parameter called `name` (lower case) stands in a header value, from its name to the end of its value. */
export function findParam(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
): { readonly start: number; readonly end: number } | null {
  let at = nextSemicolon(bytes, start, end)
  while (at < end) {
    const next = nextSemicolon(bytes, at + 1, end)
    const first = skipBlankBytes(bytes, at + 1, next)
    if (isNamed(bytes, first, next, name)) return { start: first, end: trimEnd(bytes, first, next) }
    at = next
  }
  return null
}

/** Where the comment of a Via value opens, or `end`; blanks before it are left out. */
export function endOfParams(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (bytes[at] === 34) at = endOfQuoted(bytes, at, end)
    else if (bytes[at] === 40) return trimEnd(bytes, start, at)
  }
  return end
}

/** Index of the closing quote, or `end`. */
function endOfQuoted(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    if (bytes[at] === 92) at++
    else if (bytes[at] === 34) return at
  }
  return end
}

function indexOrEnd(bytes: Uint8Array, byte: number, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at] !== byte) at++
  return at
}

function nextSemicolon(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (bytes[at] === 59) return at
    if (bytes[at] === 34) at = endOfQuoted(bytes, at, end)
  }
  return end
}

function skipBlankBytes(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && isBlankOrNewline(bytes[from]!)) from++
  return from
}

function isBlankOrNewline(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13 || byte === 10
}

function isNamed(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start < name.length) return false
  for (let i = 0; i < name.length; i++) if (FOLD[bytes[start + i]!] !== codeAt(name, i)) return false
  const behind = start + name.length
  return behind === end || bytes[behind] === 61 || isBlankOrNewline(bytes[behind]!)
}
