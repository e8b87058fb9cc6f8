/** Bytes in front of or between values that mean nothing. */
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d])
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What a peer sends is not a row of JSON objects, or one is larger than allowed. */
export class NotJsonObjects extends Error {
  override readonly name = 'NotJsonObjects'
}

/**
 * Cuts a stream of bytes into JSON objects that follow one another, with blanks or nothing between them. Each byte is looked
 * at once; never holds more than one object's `limitBytes`.
 */
export class JsonObjects {
  readonly #limitBytes: number
  #parts: Buffer[] = []
  #size = 0
  /** How many `{` and `[` are open; 0 between objects. */
  #depth = 0
  #isInString = false
  #isEscaped = false

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** The objects that end in this chunk, as they were parsed. Throws NotJsonObjects; then nothing more can be read. */
  *push(chunk: Buffer): Generator<object> {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0
      if (this.#depth === 0) {
        start = i
        if (BLANKS.has(byte)) continue
        if (byte !== 0x7b) throw new NotJsonObjects('expected a JSON object')
        this.#depth = 1
      } else if (this.#ends(byte)) yield this.#take(chunk.subarray(start, i + 1))
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
  }

  /** Whether this byte closes the object. */
  #ends(byte: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#isInString = false
      return false
    }
    if (byte === QUOTE) this.#isInString = true
    else if (byte === 0x7b || byte === 0x5b) this.#depth++
    else if (byte === 0x7d || byte === 0x5d) this.#depth--
    return this.#depth === 0
  }

  #keep(part: Buffer): void {
    this.#size += part.length
    if (this.#size > this.#limitBytes)
      throw new NotJsonObjects(`a JSON object is larger than ${this.#limitBytes} bytes`)
    // A copy: the part may be a few bytes of a large chunk.
    this.#parts.push(Buffer.from(part))
  }

  #take(last: Buffer): object {
    this.#keep(last)
    const text = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    try {
      return JSON.parse(String(text))
    } catch {
      throw new NotJsonObjects('expected a JSON object')
    }
  }
}
