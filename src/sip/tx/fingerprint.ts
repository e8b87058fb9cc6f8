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

/** A value where it was put: by this it is removed without its fingerprint. */
export interface Place<T> {
  readonly value: T
}

class Entry<T> implements Place<T> {
  readonly bucket: number
  readonly rest: number
  readonly value: T
  /** Another one in the same list. */
  next: Entry<T> | null

  constructor(bucket: number, rest: number, value: T, next: Entry<T> | null) {
    this.bucket = bucket
    this.rest = rest
    this.value = value
    this.next = next
  }
}

const LEAST_LISTS = 64

/**
 * Values by the fingerprint that was made last. Not a `Map`: the fingerprints are hashes already, and a value is
 * removed where it is, without looking for it.
 */
export class FingerprintMap<T> {
  /** Their number is a power of two, from that of the values to eight times it. */
  #lists = emptyLists<T>(LEAST_LISTS)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(): T | undefined {
    return this.#find(fingerprint.bucket, fingerprint.rest)?.value
  }

  /** Null: there is one already. */
  add(value: T): Place<T> | null {
    const { bucket, rest } = fingerprint
    if (this.#find(bucket, rest) !== null) return null
    if (this.#size >= this.#lists.length) this.#spread(this.#lists.length * 4)
    const at = bucket & (this.#lists.length - 1)
    const entry = new Entry(bucket, rest, value, this.#lists[at] ?? null)
    this.#lists[at] = entry
    this.#size++
    return entry
  }

  /** Removes what {@link add} has put there. False: it was removed before. */
  remove(place: Place<T>): boolean {
    const entry = place as Entry<T>
    const at = entry.bucket & (this.#lists.length - 1)
    const first = this.#lists[at] ?? null
    if (first === entry) this.#lists[at] = entry.next
    else {
      let before = first
      while (before !== null && before.next !== entry) before = before.next
      if (before === null) return false
      before.next = entry.next
    }
    this.#size--
    if (this.#size * 8 < this.#lists.length && this.#lists.length > LEAST_LISTS) this.#spread(this.#lists.length / 4)
    return true
  }

  /** All there are now; they may be removed meanwhile. */
  values(): readonly T[] {
    const values: T[] = []
    for (const first of this.#lists) for (let one = first; one !== null; one = one.next) values.push(one.value)
    return values
  }

  #find(bucket: number, rest: number): Entry<T> | null {
    let one = this.#lists[bucket & (this.#lists.length - 1)] ?? null
    while (one !== null && (one.rest !== rest || one.bucket !== bucket)) one = one.next
    return one
  }

  #spread(count: number): void {
    const lists = emptyLists<T>(count)
    for (const first of this.#lists) {
      for (let one = first; one !== null; ) {
        const { next, bucket } = one
        one.next = lists[bucket & (count - 1)] ?? null
        lists[bucket & (count - 1)] = one
        one = next
      }
    }
    this.#lists = lists
  }
}

const emptyLists = <T>(count: number): (Entry<T> | null)[] => new Array<Entry<T> | null>(count).fill(null)
