import { crc32 } from 'node:zlib'

const START_BYTES = 16_384
/** A buffer that one turn has made larger is not kept. */
const KEPT_BYTES = 1_048_576
/** Checksum and blank before a text, line end behind it. */
const PREFIX = 9
const FRAME = PREFIX + 1
const DIGITS = Buffer.from('0123456789abcdef')

/** Lines `CRC TEXT LF` that wait to be written, as the bytes they will be. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(START_BYTES)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** One line more. The text has no line end. */
  add(text: string): void {
    // No character of a string takes more than three bytes.
    this.#reserve(FRAME + text.length * 3)
    const bytes = this.#bytes
    const start = this.#length
    const end = start + PREFIX + bytes.write(text, start + PREFIX)
    const checksum = crc32(text)
    for (let i = 0; i < 8; i++) bytes[start + i] = DIGITS[(checksum >>> (28 - 4 * i)) & 15] ?? 0
    bytes[start + PREFIX - 1] = 32
    bytes[end] = 10
    this.#length = end + 1
  }

  /** The lines, until the next is added; there are none from now on. */
  take(): Buffer {
    const lines = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(START_BYTES)
    return lines
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + size))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
