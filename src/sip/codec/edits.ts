import { type HeaderElement, splitElements } from './elements.ts'
import { HeaderId } from './header-id.ts'
import type { SipMessage } from './message.ts'

/** One change: bytes `[start, end)` of the message give way to `text`. An insertion has `start === end`. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string | Buffer | null
}

/**
 * Changes to a message as received, applied when it is written. Offsets are byte offsets in the received message. Text
 * inserted at one offset keeps its order; removals may overlap; what is inserted inside a removed part goes with it.
 */
export class Edits {
  #edits: Edit[] = []
  #body: Buffer | null | undefined

  /** Puts text (UTF-8) or bytes before the byte at `offset`. */
  insert(offset: number, text: string | Buffer): void {
    if (text.length > 0) this.#edits.push({ start: offset, end: offset, text })
  }

  remove(start: number, end: number): void {
    if (end > start) this.#edits.push({ start, end, text: null })
  }

  replace(start: number, end: number, text: string | Buffer): void {
    this.#edits.push({ start, end, text })
  }

  /** Gives the message this body, null for none; earlier and later edits behind the headers do not count then. */
  setBody(body: Buffer | null): void {
    this.#body = body
  }

  get isEmpty(): boolean {
    return this.#edits.length === 0 && !this.changesBody
  }

  /** Whether {@link setBody} was called. */
  get changesBody(): boolean {
    return this.#body !== undefined
  }

  /** The body given by {@link setBody}; an empty one for null, undefined when it was not called. */
  get newBody(): Buffer | undefined {
    return this.#body === null ? EMPTY : this.#body
  }

  /** Whether a removal takes all of `[start, end)` away. Removals that only meet are not joined for this. */
  covers(start: number, end: number): boolean {
    return this.#edits.some(edit => edit.end > edit.start && edit.start <= start && edit.end >= end)
  }

  /** Whether some inserted text holds a header line with this name, given in lower case. */
  insertsHeader(name: string): boolean {
    return this.#edits.some(({ text }) => text !== null && hasHeaderLine(text.toString(), name))
  }

  /** Adds all changes of the other behind these; its body, if it sets one, wins. */
  add(other: Edits): void {
    for (const edit of other.#edits) this.#edits.push(edit)
    if (other.#body !== undefined) this.#body = other.#body
  }

  clone(): Edits {
    const copy = new Edits()
    copy.add(this)
    return copy
  }

  /**
   * The bytes `[from, to)` with the changes made in them, the body as received: for {@link newBody} see the writers.
   * Insertions at `to` are made when `atEnd` is true, else left to what follows.
   */
  apply(bytes: Buffer, from: number, to: number, atEnd = to === bytes.length): Buffer {
    if (this.#edits.length === 0) return bytes.subarray(from, to)
    const within = this.#edits.filter(({ start }) => start >= from && (start < to || (atEnd && start === to)))
    if (within.length === 0) return bytes.subarray(from, to)
    const pieces: Buffer[] = []
    // The sort is stable: what stands at one place keeps its order.
    if (within.length > 1) within.sort((a, b) => a.start - b.start)
    let at = from
    let removedFrom = from
    for (const edit of within) {
      const isInsideRemoved = edit.start < at && edit.start > removedFrom
      if (edit.start > at) pieces.push(bytes.subarray(at, edit.start))
      if (edit.text !== null && !isInsideRemoved) {
        pieces.push(typeof edit.text === 'string' ? Buffer.from(edit.text, 'utf8') : edit.text)
      }
      if (edit.end > at || edit.start > at) {
        if (edit.end > edit.start && edit.start >= at) removedFrom = edit.start
        at = Math.max(at, edit.start, Math.min(edit.end, to))
      }
    }
    pieces.push(bytes.subarray(at, to))
    return Buffer.concat(pieces)
  }
}

const EMPTY = Buffer.alloc(0)

function hasHeaderLine(text: string, name: string): boolean {
  return text.split('\n').some(line => {
    const colon = line.indexOf(':')
    return colon > 0 && line.slice(0, colon).trim().toLowerCase() === name
  })
}

/**
 * Removes one value of a header that may hold several, with its comma; the whole line when none of its values is left.
 * May be called for any of them, in any order.
 */
export function removeElement(message: SipMessage, edits: Edits, element: HeaderElement): void {
  const { header } = element
  const isVia = message.headerId(header) === HeaderId.via
  const all = splitElements(message.bytes, header, message.valueStart(header), message.valueEnd(header), isVia)
  const isGone = (one: HeaderElement) =>
    one.start === element.start || one.end === one.start || edits.covers(one.start, one.end)
  const lastKept = all.findLastIndex(one => !isGone(one))
  const index = all.findIndex(one => one.start === element.start)
  if (lastKept < 0) edits.remove(message.headerStart(header), message.headerEnd(header))
  else if (index > lastKept) edits.remove(all[lastKept]!.end, message.valueEnd(header))
  else edits.remove(element.start, all[index + 1]!.start)
}
