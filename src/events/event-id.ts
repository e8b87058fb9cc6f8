import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { EventOrigin } from './transport.ts'

/*
 * A UUID of version 7 (RFC 9562 §5.7) made of what tells an event from every other:
 *
 *     tttttttt-tttt-7nnn-vnnn-nnnnbbbbbbbb
 *
 * t: milliseconds since 1970 (48 bits), n: number of the event within its run (42 bits; the two bits of `v` are the
 * variant), b: the run (32 random bits). So ids sort by time, then by order of the raise. Two runs can only give the same
 * id when they raise their n-th event in the same millisecond and drew the same b.
 */

/** Hexadecimal text of each byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const LOW = 2 ** 16
const MIDDLE = 2 ** 30

/** This run: a name for the node, the machine's by default, and a random number for the run. */
export function makeOrigin(node = hostname(), boot = randomBytes(4).toString('hex')): EventOrigin {
  if (!/^[0-9a-f]{8}$/.test(boot)) throw new RangeError(`a boot is 8 hexadecimal digits, not "${boot}"`)
  return Object.freeze({ node, boot })
}

/** Writes ids. Keeps what neighbouring ids share, so that most cost two look-ups and a join. */
export class EventIdWriter {
  readonly #boot: string
  #timeMs = -1
  #time = ''
  #block = -1
  #number = ''

  constructor(boot: string) {
    this.#boot = boot
  }

  /** The id of event `number` (0 … 2^42-1) of this run, raised at `timeMs`. */
  write(timeMs: number, number: number): string {
    if (timeMs !== this.#timeMs) {
      const text = timeMs.toString(16).padStart(12, '0')
      this.#timeMs = timeMs
      this.#time = `${text.slice(0, 8)}-${text.slice(8)}-7`
    }
    const block = Math.floor(number / LOW)
    if (block !== this.#block) {
      const high = Math.floor(number / MIDDLE) % 4096
      const variant = 0x8000 + (block % (MIDDLE / LOW))
      this.#block = block
      this.#number = `${high.toString(16).padStart(3, '0')}-${variant.toString(16)}-`
    }
    const low = number % LOW
    return this.#time + this.#number + HEX[low >> 8] + HEX[low & 255] + this.#boot
  }
}

/** The sequence of the event that an id carries. */
export function sequenceOfEventId(id: string): number {
  const middle = Number.parseInt(id.slice(19, 23), 16) - 0x8000
  return Number.parseInt(id.slice(15, 18), 16) * MIDDLE + middle * LOW + Number.parseInt(id.slice(24, 28), 16)
}

/** Milliseconds since 1970 that an id carries: the wall clock of the raise, but never less than in the id before it. */
export function timeOfEventId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
