/** Marks a place whose nonce has been used. */
const USED = 0xffffffff

/**
 * Which nonces are still to be used: a ring of a fixed number of places, one for each nonce that has not expired. All live
 * equally long, so the oldest place is the first to come free.
 */
export class NonceIndex {
  readonly #lifetimeMs: number
  readonly #serials: Uint32Array
  readonly #expiresMs: Float64Array
  /** Serial numbers stay below this, a multiple of the capacity, and then start over. */
  readonly #serialLimit: number
  #next = 0

  constructor(capacity: number, lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
    this.#serials = new Uint32Array(capacity).fill(USED)
    this.#expiresMs = new Float64Array(capacity)
    this.#serialLimit = Math.floor(USED / capacity) * capacity
  }

  /** A serial number for a new nonce; null when every place is taken. `nowMs` never goes back. */
  take(nowMs: number): number | null {
    const serial = this.#next
    const at = serial % this.#serials.length
    if ((this.#expiresMs[at] ?? 0) > nowMs) return null
    this.#next = serial + 1 === this.#serialLimit ? 0 : serial + 1
    this.#serials[at] = serial
    this.#expiresMs[at] = nowMs + this.#lifetimeMs
    return serial
  }

  /** Whether a serial number was given out and not used yet. */
  isUnused(serial: number): boolean {
    return this.#serials[serial % this.#serials.length] === serial
  }

  /** Uses up a serial number: true the first time. */
  use(serial: number): boolean {
    if (!this.isUnused(serial)) return false
    this.#serials[serial % this.#serials.length] = USED
    return true
  }
}
