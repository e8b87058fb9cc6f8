/** The probability that `rand_event()` is true with, in per cent; scripts and management may set it. */
export class Probability {
  readonly #initial: number
  #current: number

  /** Throws an Error when it is no percentage. */
  constructor(initial: number) {
    if (!isPercentage(initial)) throw new Error(`initial_probability: expected 0…100, got ${initial}`)
    this.#initial = initial
    this.#current = initial
  }

  get current(): number {
    return this.#current
  }

  /** Gives false when it is no percentage. */
  set(percent: number): boolean {
    if (!isPercentage(percent)) return false
    this.#current = percent
    return true
  }

  reset(): void {
    this.#current = this.#initial
  }

  /** True by chance. */
  happens(percent = this.#current): boolean {
    return Math.random() * 100 < percent
  }
}

const isPercentage = (value: number): boolean => value >= 0 && value <= 100
