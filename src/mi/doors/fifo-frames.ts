import { JsonScanner } from '../json-scan.ts'
import { TextScanner } from '../text-form.ts'

/** One request of the FIFO: `:reply-name:json`, or a whole request in the text form of 2.x. */
export interface FifoRequest {
  /** Where the answer goes; '' for nowhere. */
  readonly replyName: string
  readonly form: 'json' | 'text'
  /** The JSON, or the request in text form from its first colon on. */
  readonly text: string
}

/** Bytes the reply name may have, as the path it ends up in has at most 128. */
const MAX_NAME = 128
/** What looks like the start of a request behind something that was none, or like the first part of such a start. */
const NEXT_REQUEST = /:[^:\s"{}[\]]*(?:$|:[ \t\r\n]*(?:$|[{[])|:[^:\s"{}[\]]*\n)/
/** The front of a request in text form: command and reply name. */
const TEXT_HEAD = /^:[A-Za-z_][\w.-]*:[ \t]*([^\s:"{}[\]]*)[ \t]*\r?\n/
/** The same, cut off. */
const TEXT_HEAD_PART = /^:[A-Za-z_][\w.-]*:[ \t]*[^\s:"{}[\]]*[ \t]*\r?$/
const JSON_AHEAD = /[ \t\r\n]*[{[]/y

type Scanner = JsonScanner | TextScanner

/**
 * Cuts the stream of a FIFO into requests (events reference §5.3; the text form: §5.8):
 *
 *     input   = { [ ws ] request }
 *     request = ":" [ reply-name ] ":" [ ws ] json
 *             | ":" command ":" [ reply-name ] LF { argument LF } LF
 *
 * Between requests in JSON no line ends are needed. An incomplete request is kept until more arrives, up to a bound;
 * what cannot become a request is dropped up to where the next one seems to start, and reported.
 */
export class FifoFrames {
  readonly #maxLength: number
  readonly #onRequest: (request: FifoRequest) => void
  readonly #onGarbage: (text: string, why: string) => void
  #text = ''
  /** What is read so far of a request whose front is complete: `#text` up to `#scannedTo`, then these pieces. */
  #pieces: string[] = []
  #piecesLength = 0
  #scannedTo = 0
  #scanner: Scanner | null = null
  #replyName = ''
  #jsonAt = 0

  /** `maxLength`: characters of one request that are kept at most. */
  constructor(
    maxLength: number,
    onRequest: (request: FifoRequest) => void,
    onGarbage: (text: string, why: string) => void,
  ) {
    this.#maxLength = maxLength
    this.#onRequest = onRequest
    this.#onGarbage = onGarbage
  }

  /** Whether the first part of a request is kept until the rest of it arrives. */
  get isWaiting(): boolean {
    return this.#text !== ''
  }

  push(text: string): void {
    if (this.#continues(text)) return
    while (this.#text !== '' && this.#advance());
    if (this.#text.length > this.#maxLength) this.#drop(`longer than ${this.#maxLength} characters`)
  }

  /** The rest will not come: gives up what is kept, up to where another request seems to start. */
  abandon(why: string): void {
    this.#join('')
    if (this.#text === '' || !this.#drop(why)) return
    while (this.#text !== '' && this.#advance());
  }

  /** Adds to a request that goes on beyond this piece. Only the piece is looked at, whatever came before it. */
  #continues(piece: string): boolean {
    const scanner = this.#scanner
    if (scanner !== null && this.#piecesLength + this.#text.length + piece.length <= this.#maxLength) {
      const end = scanner.feed(piece, 0)
      this.#scannedTo += end
      if (scanner.state === 'incomplete') {
        this.#pieces.push(piece)
        this.#piecesLength += piece.length
        return true
      }
    }
    this.#join(piece)
    return false
  }

  #join(piece: string): void {
    this.#text = this.#pieces.length === 0 ? this.#text + piece : this.#text + this.#pieces.join('') + piece
    this.#pieces = []
    this.#piecesLength = 0
  }

  /** Takes one step; false when more input is needed. */
  #advance(): boolean {
    if (this.#scanner === null) return this.#readFront()
    this.#scannedTo = this.#scanner.feed(this.#text, this.#scannedTo)
    if (this.#scanner.state === 'incomplete') return false
    const isText = this.#scanner instanceof TextScanner
    if (this.#scanner.state === 'invalid') return this.#drop(isText ? 'cut off' : 'no JSON')
    const text = this.#text.slice(isText ? 0 : this.#jsonAt, this.#scannedTo)
    const replyName = this.#replyName
    this.#restart(this.#scannedTo)
    this.#onRequest({ replyName, form: isText ? 'text' : 'json', text })
    return true
  }

  #readFront(): boolean {
    const start = this.#text.search(/[^ \t\r\n]/)
    if (start !== 0) {
      this.#restart(start < 0 ? this.#text.length : start)
      return start > 0
    }
    if (this.#text[0] !== ':') return this.#drop('does not start with ":"')
    const end = this.#text.indexOf(':', 1)
    const name = this.#text.slice(1, end < 0 ? MAX_NAME + 2 : end)
    if (name.length > MAX_NAME || /[\r\n]/.test(name)) return this.#drop('no ":" behind the reply name')
    if (end < 0) return false
    JSON_AHEAD.lastIndex = end + 1
    return JSON_AHEAD.test(this.#text)
      ? this.#begin(new JsonScanner(), name, end + 1)
      : this.#readTextHead(name, end + 1)
  }

  #readTextHead(name: string, behind: number): boolean {
    const front = this.#text.slice(0, 3 * MAX_NAME)
    const head = TEXT_HEAD.exec(front)
    if (head !== null) return this.#begin(new TextScanner(), head[1] ?? '', 0)
    if (front === this.#text && TEXT_HEAD_PART.test(front)) return false
    // Finds out at once that it is no JSON, or waits for it behind blanks.
    return this.#begin(new JsonScanner(), name, behind)
  }

  #begin(scanner: Scanner, replyName: string, at: number): true {
    this.#scanner = scanner
    this.#replyName = replyName
    this.#jsonAt = at
    this.#scannedTo = at
    return true
  }

  /** Gives up what stands at the front; true when another request may follow. */
  #drop(why: string): boolean {
    // What is cut off ends where the scanner saw the next one begin.
    const from = this.#scanner instanceof TextScanner ? Math.max(1, this.#scanner.cutAt) : 1
    const next = this.#text.slice(from).search(NEXT_REQUEST)
    const end = next < 0 ? this.#text.length : next + from
    this.#onGarbage(this.#text.slice(0, end), why)
    this.#restart(end)
    return this.#text !== ''
  }

  #restart(at: number): void {
    this.#text = this.#text.slice(at)
    this.#scanner = null
    this.#scannedTo = 0
  }
}
