import { codeAt } from './chars.ts'

/** Shorter pieces are copied byte by byte: calling the runtime for them costs more. */
const SHORT = 48

/**
 * Puts a message together out of pieces of others and new text, and writes it once, into one buffer of the right size.
 * Pieces are only noted until {@link Assembler.take}, so their bytes must not change before.
 */
export class Assembler {
  readonly #sources: (Buffer | string)[] = []
  readonly #starts: number[] = []
  /** Of bytes where the piece ends; of text how many bytes it takes. */
  readonly #ends: number[] = []
  #count = 0
  #size = 0

  /** Adds `bytes[start, end)`. */
  copy(bytes: Buffer, start: number, end: number): void {
    if (end > start) this.#add(bytes, start, end, end - start)
  }

  /** Adds text, as UTF-8. */
  text(text: string): void {
    const size = utf8Length(text)
    if (size > 0) this.#add(text, 0, size, size)
  }

  /** Adds whichever of the two it is. */
  put(piece: string | Buffer): void {
    if (typeof piece === 'string') this.text(piece)
    else this.copy(piece, 0, piece.length)
  }

  /** The whole, in a buffer of its own. */
  take(): Buffer {
    const out = Buffer.allocUnsafe(this.#size)
    let at = 0
    for (let i = 0; i < this.#count; i++) {
      const source = this.#sources[i]!
      const start = this.#starts[i]!
      const end = this.#ends[i]!
      if (typeof source === 'string') writeText(source, end, out, at)
      else if (end - start > SHORT) source.copy(out, at, start, end)
      else for (let from = start, to = at; from < end; from++, to++) out[to] = source[from]!
      at += end - start
    }
    this.clear()
    return out
  }

  /** Forgets what was noted. */
  clear(): void {
    this.#count = this.#size = 0
  }

  #add(source: Buffer | string, start: number, end: number, size: number): void {
    this.#sources[this.#count] = source
    this.#starts[this.#count] = start
    this.#ends[this.#count] = end
    this.#count++
    this.#size += size
  }
}

/** How many bytes the text takes in UTF-8. */
function utf8Length(text: string): number {
  const { length } = text
  if (length > SHORT) return Buffer.byteLength(text, 'utf8')
  for (let i = 0; i < length; i++) if (codeAt(text, i) > 127) return Buffer.byteLength(text, 'utf8')
  return length
}

function writeText(text: string, size: number, out: Buffer, at: number): void {
  if (size !== text.length) out.write(text, at, size, 'utf8')
  else if (size > SHORT) out.write(text, at, size, 'latin1')
  else for (let i = 0; i < size; i++) out[at + i] = codeAt(text, i)
}

const shared = new Assembler()

/** An empty one. All writers share it: none is interrupted between this and `take`. */
export function assemble(): Assembler {
  shared.clear()
  return shared
}
