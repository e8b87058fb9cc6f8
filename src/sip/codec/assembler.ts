import { codeAt } from './chars.ts'

/** Shorter pieces are copied byte by byte: calling the runtime for them costs more. */
const SHORT = 48
/** Messages are written one behind the other into slabs of this size; a larger one gets a slab of its own. */
const SLAB_BYTES = 32_768
/** A character takes no more bytes than this in UTF-8. */
const MOST_BYTES_EACH = 3

/** Puts a message together out of pieces of others and new text, written once, where it stays. */
export class Assembler {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  /** Where the message being written begins, and how far it has come. */
  #start = 0
  #at = 0

  /** Adds `bytes[start, end)`. */
  copy(bytes: Buffer, start: number, end: number): void {
    const size = end - start
    if (size <= 0) return
    this.#makeRoom(size)
    const slab = this.#slab
    let to = this.#at
    this.#at = to + size
    if (size > SHORT) bytes.copy(slab, to, start, end)
    else for (let from = start; from < end; from++, to++) slab[to] = bytes[from]!
  }

  /** Adds text, as UTF-8. */
  text(text: string): void {
    const { length } = text
    this.#makeRoom(length * MOST_BYTES_EACH)
    const slab = this.#slab
    const at = this.#at
    if (length > SHORT) {
      this.#at = at + slab.write(text, at, 'utf8')
      return
    }
    for (let i = 0; i < length; i++) {
      const code = codeAt(text, i)
      if (code > 127) {
        this.#at = at + slab.write(text, at, 'utf8')
        return
      }
      slab[at + i] = code
    }
    this.#at = at + length
  }

  /** Adds whichever of the two it is. */
  put(piece: string | Buffer): void {
    if (typeof piece === 'string') this.text(piece)
    else this.copy(piece, 0, piece.length)
  }

  /** The whole, in bytes that nothing else will be written to. */
  take(): Buffer {
    const message = this.#slab.subarray(this.#start, this.#at)
    this.#start = this.#at
    return message
  }

  /** Forgets what was added. */
  clear(): void {
    this.#at = this.#start
  }

  /** Goes on in another slab, with what the message has so far, where this one has no room for so many bytes more. */
  #makeRoom(size: number): void {
    if (this.#at + size <= this.#slab.length) return
    const written = this.#at - this.#start
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (written + size) * 2))
    this.#slab.copy(slab, 0, this.#start, this.#at)
    this.#slab = slab
    this.#start = 0
    this.#at = written
  }
}

const shared = new Assembler()

/** An empty one. All writers share it: none is interrupted between this and `take`. */
export function assemble(): Assembler {
  shared.clear()
  return shared
}
