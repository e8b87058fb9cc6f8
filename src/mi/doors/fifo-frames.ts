import { JsonScanner } from '../json-scan.ts'

/** One request of the FIFO: `:reply-name:json`. */
export interface FifoRequest {
  /** Where the answer goes; '' for nowhere. */
  readonly replyName: string
  readonly json: string
}

/** Bytes the reply name may have, as the path it ends up in has at most 128. */
const MAX_NAME = 128
/** What looks like the start of a request behind something that was none, or like the first part of such a start. */
const NEXT_REQUEST = /:[^:\s"{}[\]]*(?:$|:[ \t\r\n]*(?:$|[{[]))/

/**
 * Cuts the stream of a FIFO into requests (events reference §5.3):
 *
 *     input   = { [ ws ] request }
 *     request = ":" [ reply-name ] ":" [ ws ] json
 *
 * No line ends are needed. An incomplete request is kept until more arrives, up to a bound; what cannot become a
 * request is dropped up to where the next one seems to start, and reported.
 */
export class FifoFrames {
  readonly #maxLength: number
  readonly #onRequest: (request: FifoRequest) => void
  readonly #onGarbage: (text: string, why: string) => void
  #text = ''
  /** Offset of the JSON in the text, when the name before it is complete. */
  #jsonAt = -1
  #scannedTo = 0
  #scanner = new JsonScanner()

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

  push(text: string): void {
    this.#text += text
    while (this.#text !== '' && this.#advance());
    if (this.#text.length > this.#maxLength) this.#drop(`longer than ${this.#maxLength} characters`)
  }

  /** Takes one step; false when more input is needed. */
  #advance(): boolean {
    if (this.#jsonAt < 0) return this.#readName()
    this.#scannedTo = this.#scanner.feed(this.#text, this.#scannedTo)
    if (this.#scanner.state === 'incomplete') return false
    if (this.#scanner.state === 'invalid') return this.#drop('no JSON')
    const replyName = this.#text.slice(1, this.#text.indexOf(':', 1))
    const json = this.#text.slice(this.#jsonAt, this.#scannedTo)
    this.#restart(this.#scannedTo)
    this.#onRequest({ replyName, json })
    return true
  }

  #readName(): boolean {
    const start = this.#text.search(/[^ \t\r\n]/)
    if (start !== 0) {
      this.#restart(start < 0 ? this.#text.length : start)
      return start > 0
    }
    if (this.#text[0] !== ':') return this.#drop('does not start with ":"')
    const end = this.#text.indexOf(':', 1)
    const name = this.#text.slice(1, end < 0 ? undefined : end)
    if (name.length > MAX_NAME || /[\r\n]/.test(name)) return this.#drop('no ":" behind the reply name')
    if (end < 0) return false
    this.#jsonAt = end + 1
    this.#scannedTo = this.#jsonAt
    return true
  }

  /** Gives up what stands at the front; true when another request may follow. */
  #drop(why: string): boolean {
    const next = this.#text.slice(1).search(NEXT_REQUEST)
    const end = next < 0 ? this.#text.length : next + 1
    this.#onGarbage(this.#text.slice(0, end), why)
    this.#restart(end)
    return this.#text !== ''
  }

  #restart(at: number): void {
    this.#text = this.#text.slice(at)
    this.#jsonAt = -1
    this.#scannedTo = 0
    this.#scanner = new JsonScanner()
  }
}
