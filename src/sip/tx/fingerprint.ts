import { randomInt } from 'node:crypto'
import { codeAt, FOLD } from '../codec/chars.ts'

/** Drawn for this process, so that nobody outside can choose texts that share a fingerprint. */
const seedA = randomInt(2 ** 31)
const seedB = randomInt(2 ** 31)
const factorA = randomInt(2 ** 31) | 0x1000001
const factorB = randomInt(2 ** 31) | 0x1000001

let a = 0
let b = 0
let keptA = 0
let keptB = 0

/**
 * 64 keyed bits that stand for a sequence of texts and numbers. Those of two sequences that differ are equal by chance
 * only, with one in 2⁶⁴: seldom enough to find transactions by them, and they neither are nor keep any text.
 * One at a time is made: begin, add, read.
 */
export const fingerprint = {
  begin(): void {
    a = seedA
    b = seedB
  },

  /** A text; where it ends counts. */
  text(text: string): void {
    const { length } = text
    for (let i = 0; i < length; i++) mix(codeAt(text, i))
    mix(0x10000)
  },

  /** A text in any case of US-ASCII. */
  folded(text: string): void {
    const { length } = text
    for (let i = 0; i < length; i++) {
      const code = codeAt(text, i)
      mix(code >= 65 && code <= 90 ? code + 32 : code)
    }
    mix(0x10000)
  },

  /** What {@link text} makes of the same characters, in bytes of US-ASCII. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) mix(bytes[at] ?? 0)
    mix(0x10000)
  },

  /** What {@link folded} makes of the same characters. */
  foldedBytes(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) mix(FOLD[bytes[at] ?? 0] ?? 0)
    mix(0x10000)
  },

  number(value: number): void {
    mix(value)
    mix(0x10001)
  },

  /** Keeps this one for {@link recall}. */
  remember(): void {
    keptA = a
    keptB = b
  },

  /** Takes the one up again that was kept. */
  recall(): void {
    a = keptA
    b = keptB
  },

  /** The half to look up by: an integer of 31 bits. */
  get bucket(): number {
    return (a ^ (a >>> 16)) & 0x7fffffff
  },
  /** The half to compare. */
  get rest(): number {
    return b
  },
}

function mix(value: number): void {
  a = Math.imul(a ^ value, factorA)
  a ^= a >>> 15
  b = Math.imul(b ^ value, factorB)
  b ^= b >>> 13
}

/** What was found by its fingerprint. */
interface Entry<T> {
  readonly rest: number
  readonly value: T
  /** Another one of the same bucket. */
  next: Entry<T> | null
}

/** Values by the fingerprint that was made last. */
export class FingerprintMap<T> {
  readonly #entries = new Map<number, Entry<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(): T | undefined {
    return this.#find(fingerprint.bucket, fingerprint.rest)?.value
  }

  /** False: there is one already. */
  add(value: T): boolean {
    const { bucket, rest } = fingerprint
    if (this.#find(bucket, rest) !== undefined) return false
    this.#entries.set(bucket, { rest, value, next: this.#entries.get(bucket) ?? null })
    this.#size++
    return true
  }

  /** Gives what was removed. */
  remove(): T | undefined {
    return this.removeAt(fingerprint.bucket, fingerprint.rest)
  }

  /** As {@link remove}, for a fingerprint made earlier. */
  removeAt(bucket: number, rest: number): T | undefined {
    const found = this.#find(bucket, rest)
    if (found === undefined) return undefined
    this.#size--
    const first = this.#entries.get(bucket)
    if (first !== found) {
      for (let one = first ?? null; one !== null; one = one.next) if (one.next === found) one.next = found.next
    } else if (found.next === null) this.#entries.delete(bucket)
    else this.#entries.set(bucket, found.next)
    return found.value
  }

  *values(): IterableIterator<T> {
    for (const first of this.#entries.values())
      for (let one: Entry<T> | null = first; one; one = one.next) yield one.value
  }

  #find(bucket: number, rest: number): Entry<T> | undefined {
    for (let one = this.#entries.get(bucket) ?? null; one !== null; one = one.next) if (one.rest === rest) return one
    return undefined
  }
}
