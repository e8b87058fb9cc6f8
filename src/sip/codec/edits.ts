import { type Assembler, assemble } from './assembler.ts'
import { type HeaderElement, splitElements } from './elements.ts'
import { HeaderId } from './header-id.ts'
import type { SipMessage } from './message.ts'

/** One change: bytes `[start, end)` of the message give way to `text`. An insertion has `start === end`. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string | Buffer | null
  /** The one that was asked for before it. */
  readonly before: Edit | null
}

/** Stands for a list until it has something in it: most parts of a message are not changed. */
const NONE_YET: Edit[] = []

/**
 * Changes to a message as received, applied when it is written. Offsets are byte offsets in the received message. Text
 * inserted at one offset keeps its order; removals may overlap; what is inserted inside a removed part goes with it.
 */
export class Edits {
  /** The list grows at its end and is never changed, so clones share what they have in common. */
  #last: Edit | null = null
  #body: Buffer | null | undefined

  /** Puts text (UTF-8) or bytes before the byte at `offset`. */
  insert(offset: number, text: string | Buffer): void {
    if (text.length > 0) this.#add(offset, offset, text)
  }

  remove(start: number, end: number): void {
    if (end > start) this.#add(start, end, null)
  }

  replace(start: number, end: number, text: string | Buffer): void {
    this.#add(start, end, text)
  }

  /** Gives the message this body, null for none; earlier and later edits behind the headers do not count then. */
  setBody(body: Buffer | null): void {
    this.#body = body
  }

  get isEmpty(): boolean {
    return this.#last === null && !this.changesBody
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
    for (let edit = this.#last; edit !== null; edit = edit.before)
      if (edit.end > edit.start && edit.start <= start && edit.end >= end) return true
    return false
  }

  /** Whether some inserted text holds a header line with this name, given in lower case. */
  insertsHeader(name: string): boolean {
    for (let edit = this.#last; edit !== null; edit = edit.before)
      if (edit.text !== null && hasHeaderLine(edit.text.toString(), name)) return true
    return false
  }

  /** Adds all changes of the other behind these; its body, if it sets one, wins. */
  add(other: Edits): void {
    const added: Edit[] = []
    for (let edit = other.#last; edit !== null; edit = edit.before) added.push(edit)
    for (const { start, end, text } of added.toReversed()) this.#add(start, end, text)
    if (other.#body !== undefined) this.#body = other.#body
  }

  clone(): Edits {
    const copy = new Edits()
    copy.#last = this.#last
    copy.#body = this.#body
    return copy
  }

  #add(start: number, end: number, text: string | Buffer | null): void {
    this.#last = { start, end, text, before: this.#last }
  }

  /** Whether a change is made at or behind `offset`, or reaches behind it. */
  reaches(offset: number): boolean {
    for (let edit = this.#last; edit !== null; edit = edit.before)
      if (edit.start >= offset || edit.end > offset) return true
    return false
  }

  /**
   * The bytes `[from, to)` with the changes made in them, the body as received: for {@link newBody} see the writers.
   * Insertions at `to` are made when `atEnd` is true, else left to what follows.
   */
  apply(bytes: Buffer, from: number, to: number, atEnd = to === bytes.length): Buffer {
    const within = this.#within(from, to, atEnd)
    if (within.length === 0) return bytes.subarray(from, to)
    const out = assemble()
    splice(out, within, bytes, from, to)
    return out.take()
  }

  /** As {@link apply}, noting the pieces. */
  applyTo(out: Assembler, bytes: Buffer, from: number, to: number, atEnd = to === bytes.length): void {
    const within = this.#within(from, to, atEnd)
    if (within.length === 0) out.copy(bytes, from, to)
    else splice(out, within, bytes, from, to)
  }

  /** The changes that begin there, by place; those at one place in the order they were asked for. */
  #within(from: number, to: number, atEnd: boolean): readonly Edit[] {
    let within = NONE_YET
    for (let edit = this.#last; edit !== null; edit = edit.before) {
      const { start } = edit
      if (start < from || start > to || (start === to && !atEnd)) continue
      if (within === NONE_YET) {
        within = [edit]
        continue
      }
      // The newest comes first, so each goes before those at its place.
      let at = within.push(edit) - 1
      for (; at > 0 && within[at - 1]!.start >= start; at--) within[at] = within[at - 1]!
      within[at] = edit
    }
    return within
  }
}

function splice(out: Assembler, edits: readonly Edit[], bytes: Buffer, from: number, to: number): void {
  let at = from
  let removedFrom = from
  for (const edit of edits) {
    const isInsideRemoved = edit.start < at && edit.start > removedFrom
    if (edit.start > at) out.copy(bytes, at, edit.start)
    if (edit.text !== null && !isInsideRemoved) out.put(edit.text)
    if (edit.end > at || edit.start > at) {
      if (edit.end > edit.start && edit.start >= at) removedFrom = edit.start
      at = Math.max(at, edit.start, Math.min(edit.end, to))
    }
  }
  out.copy(bytes, at, to)
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
  if (element.start === message.valueStart(header) && element.end === message.valueEnd(header)) {
    edits.remove(message.headerStart(header), message.headerEnd(header))
    return
  }
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
