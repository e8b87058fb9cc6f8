import { CLASS, HOST, PLAIN, TOKEN } from './chars.ts'
import type { HeaderElement } from './elements.ts'
import type { RouteValue } from './name-addr.ts'
import { Params } from './params.ts'
import { latin1At } from './text.ts'

const TAG = Buffer.from('tag')

/**
 * A name-addr in the form that nearly all have: `[display] "<" URI ">" *( ";" name ["=" value] )`, the display a quoted
 * string without escapes or tokens, no parameter quoted or spaced out. It is read in one pass over the bytes; its parts
 * become texts when they are asked for.
 */
class PlainAddress implements RouteValue {
  readonly bracketed = true
  readonly start: number
  readonly end: number
  readonly header: number
  readonly #bytes: Buffer
  #displayEnd = 0
  #uriStart = 0
  #uriEnd = 0
  #tagStart = 0
  #tagEnd = 0
  #uri: string | null = null
  #tag: string | null = null
  #params: Params | null = null

  private constructor(bytes: Buffer, place: HeaderElement) {
    this.#bytes = bytes
    this.start = place.start
    this.end = place.end
    this.header = place.header
  }

  /** Null when the value is not of that form: it may be an address all the same. */
  static read(bytes: Buffer, place: HeaderElement): PlainAddress | null {
    const address = new PlainAddress(bytes, place)
    return address.#readDisplay() && address.#readUri() && address.#readParams() ? address : null
  }

  get display(): string {
    return this.#text(this.start, this.#displayEnd)
  }

  get uri(): string {
    return (this.#uri ??= this.#text(this.#uriStart, this.#uriEnd))
  }

  get params(): Params {
    return (this.#params ??= Params.parse(this.#text(this.#uriEnd + 1, this.end)))
  }

  get tag(): string {
    return (this.#tag ??= this.#text(this.#tagStart, this.#tagEnd))
  }

  #text(start: number, end: number): string {
    return start === end ? '' : latin1At(this.#bytes, start, end)
  }

  /** Up to the `<`. */
  #readDisplay(): boolean {
    const bytes = this.#bytes
    const { start, end } = this
    let at = start
    if (bytes[at] === 34) {
      for (at++; at < end && bytes[at] !== 34; at++)
        if (bytes[at] === 92 || bytes[at]! > 126 || bytes[at]! < 32) return false
      at++
    } else while (at < end && ((CLASS[bytes[at]!]! & TOKEN) !== 0 || bytes[at] === 32)) at++
    this.#displayEnd = at
    while (this.#displayEnd > start && bytes[this.#displayEnd - 1] === 32) this.#displayEnd--
    while (at < end && bytes[at] === 32) at++
    this.#uriStart = at + 1
    return at < end && bytes[at] === 60
  }

  /** A scheme, a colon, and anything printable up to the `>` (RFC 3986 §3.1). */
  #readUri(): boolean {
    const bytes = this.#bytes
    const { end } = this
    let at = this.#uriStart
    if (((bytes[at] ?? 0) | 32) < 97 || ((bytes[at] ?? 0) | 32) > 122) return false
    while (at < end && (CLASS[bytes[at]!]! & HOST) !== 0 && bytes[at] !== 95) at++
    if (at >= end || bytes[at] !== 58) return false
    while (at < end && bytes[at]! > 32 && bytes[at]! < 127 && bytes[at] !== 62) at++
    this.#uriEnd = at
    return at < end && bytes[at] === 62
  }

  #readParams(): boolean {
    const bytes = this.#bytes
    const { end } = this
    for (let at = this.#uriEnd + 1; at < end; ) {
      if (bytes[at] !== 59) return false
      const name = ++at
      while (at < end && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++
      const nameEnd = at
      if (nameEnd === name) return false
      if (at < end && bytes[at] === 61) {
        at++
        while (at < end && (CLASS[bytes[at]!]! & PLAIN) !== 0) at++
      }
      if (this.#tagEnd === 0 && nameEnd - name === 3 && isTag(bytes, name)) {
        this.#tagStart = nameEnd === at ? at : nameEnd + 1
        this.#tagEnd = at
      }
    }
    return true
  }
}

/** Reads an address of the plain form; null when it is not of that form. */
export const readPlainAddress = (bytes: Buffer, place: HeaderElement): RouteValue | null =>
  PlainAddress.read(bytes, place)

function isTag(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! | 32) === TAG[0] && (bytes[at + 1]! | 32) === TAG[1] && (bytes[at + 2]! | 32) === TAG[2]
}
