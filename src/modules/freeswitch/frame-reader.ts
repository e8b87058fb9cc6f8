/** One frame of the event socket: its headers, names in lower case, and its body. */
export interface Frame {
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A block of headers longer than this is no frame. */
const LONGEST_HEAD = 65_536
/** A body longer than this is refused: the longest answers there are list some thousand calls. */
const LONGEST_BODY = 16 * 1024 * 1024
const LINE_FEED = 10

/** Thrown for bytes that no frame begins with; what follows them cannot be read either. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/**
 * Cuts the bytes of an event socket into frames:
 *
 *     frame  = 1*( name ":" value LF ) LF [ body ]      ; the body is as long as Content-Length says
 *
 * Work is in proportion to the bytes, however they are cut, and memory to what is left of the last frame.
 */
export class FrameReader {
  #bytes = Buffer.alloc(4096)
  #length = 0
  /** Where the search for the end of the headers goes on. */
  #searched = 0
  #headers: ReadonlyMap<string, string> | null = null
  #bodyLength = 0

  /** The frames that are complete with these bytes. Throws a FrameError. */
  push(bytes: Buffer): readonly Frame[] {
    this.#append(bytes)
    const frames: Frame[] = []
    let at = 0
    for (;;) {
      if (this.#headers === null) {
        const start = this.#skipLineFeeds(at)
        const end = this.#findHeadEnd(start)
        if (end < 0) {
          this.#drop(start)
          return frames
        }
        this.#headers = parseHeaders(this.#bytes.toString('utf8', start, end))
        this.#bodyLength = bodyLengthOf(this.#headers)
        at = end + 2
      }
      if (this.#length - at < this.#bodyLength) {
        this.#drop(at)
        return frames
      }
      frames.push({ headers: this.#headers, body: this.#bytes.toString('utf8', at, at + this.#bodyLength) })
      at += this.#bodyLength
      this.#searched = at
      this.#headers = null
    }
  }

  #append(bytes: Buffer): void {
    const needed = this.#length + bytes.length
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    bytes.copy(this.#bytes, this.#length)
    this.#length = needed
  }

  #skipLineFeeds(from: number): number {
    let at = from
    while (at < this.#length && this.#bytes[at] === LINE_FEED) at++
    return at
  }

  /** Where the empty line begins; −1 while it has not come. */
  #findHeadEnd(start: number): number {
    const end = this.#bytes.subarray(0, this.#length).indexOf('\n\n', Math.max(start, this.#searched - 1))
    const headLength = (end < 0 ? this.#length : end) - start
    if (headLength > LONGEST_HEAD) throw new FrameError(`headers longer than ${LONGEST_HEAD} bytes`)
    this.#searched = this.#length
    return end
  }

  #drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length)
    this.#length -= count
    this.#searched = Math.max(0, this.#searched - count)
    if (this.#length === 0 && this.#bytes.length > LONGEST_HEAD) this.#bytes = Buffer.alloc(4096)
  }
}

/** Reads lines `name: value`. Throws a FrameError at any other line. */
function parseHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) throw new FrameError('a line that is no header')
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

function bodyLengthOf(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('content-length') ?? '0'
  if (!/^\d{1,15}$/.test(text)) throw new FrameError('a Content-Length that is no number')
  const length = Number(text)
  if (length > LONGEST_BODY) throw new FrameError(`a body of ${length} bytes, expected at most ${LONGEST_BODY}`)
  return length
}
