/** Bytes of one packet of the MySQL protocol, read from front to back. Throws a RangeError behind the end. */
export class PacketReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** Little-endian, up to six bytes. */
  integer(size: number): number {
    const value = this.#bytes.readUIntLE(this.#at, size)
    this.#at += size
    return value
  }

  skip(size: number): void {
    this.#at += size
  }

  bytes(size: number): Buffer {
    if (size > this.left) throw new RangeError('a packet ends too early')
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  rest(): Buffer {
    return this.bytes(this.left)
  }

  /** Text up to a NUL, or to the end where there is none. */
  untilNul(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = this.bytes((end < 0 ? this.#bytes.length : end) - this.#at).toString('utf8')
    if (end >= 0) this.#at++
    return text
  }

  /** A length-encoded integer; null is the mark of NULL. */
  length(): number | null {
    const first = this.integer(1)
    if (first < 0xfb) return first
    if (first === 0xfb) return null
    if (first === 0xfc) return this.integer(2)
    if (first === 0xfd) return this.integer(3)
    const low = this.integer(4)
    return low + this.integer(4) * 2 ** 32
  }

  /** A length-encoded text; null is NULL. */
  text(): string | null {
    const size = this.length()
    return size === null ? null : this.bytes(size).toString('utf8')
  }
}

/** Largest payload of one packet; a longer one goes on in the next. */
export const MAX_PAYLOAD = 0xff_ff_ff
/** Most of one message that is kept: longer ones end the connection. */
const MAX_MESSAGE = 4 * MAX_PAYLOAD

/** Cuts what arrives into messages, joining those of several packets. */
export class PacketFramer {
  #buffered: Buffer = Buffer.alloc(0)
  #parts: Buffer[] = []

  /** The messages that are whole now. Throws a RangeError for one that is too long. */
  push(chunk: Buffer): Buffer[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    const messages: Buffer[] = []
    let at = 0
    while (this.#buffered.length - at >= 4) {
      const size = this.#buffered.readUIntLE(at, 3)
      if (this.#buffered.length - at - 4 < size) break
      this.#parts.push(this.#buffered.subarray(at + 4, at + 4 + size))
      at += 4 + size
      if (this.#parts.length * MAX_PAYLOAD > MAX_MESSAGE) throw new RangeError('the server sends too long a message')
      if (size === MAX_PAYLOAD) continue
      const [first] = this.#parts
      messages.push(first !== undefined && this.#parts.length === 1 ? first : Buffer.concat(this.#parts))
      this.#parts = []
    }
    this.#buffered = this.#buffered.subarray(at)
    return messages
  }
}

/** A packet: three bytes of length, its number, the payload. */
export function packet(payload: Buffer, sequence: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head.writeUInt8(sequence & 0xff, 3)
  return Buffer.concat([head, payload])
}
