import type { Clock } from '../../util/clock.ts'

/** The names scripts call the algorithms by. */
export const ALGORITHMS = ['TAILDROP', 'RED', 'SBT', 'NETWORK', 'FEEDBACK'] as const
export type AlgorithmName = (typeof ALGORITHMS)[number]

/** Reads a name in any case; undefined when there is no such algorithm. */
export function parseAlgorithm(text: string): AlgorithmName | undefined {
  const upper = text.trim().toUpperCase()
  return ALGORITHMS.find(name => name === upper)
}

/** What algorithms look at beside their own counter. */
export interface Surroundings {
  readonly clock: Clock
  /** How many times the limit one interval may hold. */
  readonly limitFactor: number
  /** Length of the window of SBT and of its slots. */
  readonly windowMs: number
  readonly slotMs: number
  /** Bytes that waited in our sockets at the last tick. */
  networkBytes: number
  /** Share of requests that FEEDBACK refuses, per cent. */
  dropRate: number
}

/** Counts calls and says which of them pass (ratelimit reference). */
export interface Limiter {
  /** Calls counted in the current interval; of SBT, in its window. */
  readonly counter: number
  /** The same of the interval closed last; of SBT, as `counter`. */
  readonly closed: number
  /**
   * Counts a call, then says whether it passes. `total` is what is counted with other proxies in one place, if it is;
   * `others` is what other proxies have counted beside this one.
   */
  hit(limit: number, total?: number, others?: number): boolean
  /** Closes the interval; `others` as with `hit`. */
  tick(limit: number, others?: number): void
  /** Takes one call back. */
  decrement(): void
  reset(): void
  /** The slots of SBT, the oldest first; of others the counter. */
  slots(): readonly number[]
}

export function makeLimiter(name: AlgorithmName, surroundings: Surroundings): Limiter {
  switch (name) {
    case 'TAILDROP':
      return new IntervalLimiter(surroundings, ({ counter }, limit) => counter <= limit * surroundings.limitFactor)
    case 'RED':
      return new IntervalLimiter(surroundings, ({ counter, load }) => load === 0 || counter % load === 0)
    case 'NETWORK':
      return new IntervalLimiter(surroundings, (_, limit) => surroundings.networkBytes <= limit)
    case 'FEEDBACK':
      return new IntervalLimiter(surroundings, ({ counter }) => spread(counter) >= surroundings.dropRate)
    case 'SBT':
      return new WindowLimiter(surroundings)
  }
}

/** Every number from 0 to 99 once in a hundred calls, in an order that looks random. */
const spread = (counter: number): number => (counter * 37 + 11) % 100

type Judge = (state: { readonly counter: number; readonly load: number }, limit: number) => boolean

/** Counts by intervals that a timer closes. */
class IntervalLimiter implements Limiter {
  counter = 0
  closed = 0
  /** How many times over its limit the closed interval was, rounded down. */
  load = 0
  readonly #surroundings: Surroundings
  readonly #judge: Judge

  constructor(surroundings: Surroundings, judge: Judge) {
    this.#surroundings = surroundings
    this.#judge = judge
  }

  hit(limit: number, total = this.counter + 1, others = 0): boolean {
    this.counter = total
    return this.#judge({ counter: total + others, load: this.load }, limit)
  }

  tick(limit: number, others = 0): void {
    const allowed = limit * this.#surroundings.limitFactor
    this.closed = this.counter + others
    this.load = allowed > 0 ? Math.floor(this.closed / allowed) : 0
    this.counter = 0
  }

  decrement(): void {
    this.counter = Math.max(0, this.counter - 1)
  }

  reset(): void {
    this.counter = 0
  }

  slots(): readonly number[] {
    return [this.counter]
  }
}

/** Counts in slots of a window that slides with the clock. */
class WindowLimiter implements Limiter {
  readonly #clock: Clock
  readonly #slotMs: number
  readonly #counts: number[]
  /** Number of the slot that was counted in last, since the zero of the clock. */
  #last = 0
  #sum = 0

  constructor({ clock, windowMs, slotMs }: Surroundings) {
    this.#clock = clock
    this.#slotMs = slotMs
    this.#counts = new Array<number>(Math.max(1, Math.floor(windowMs / slotMs))).fill(0)
  }

  get counter(): number {
    this.#slide()
    return this.#sum
  }

  get closed(): number {
    return this.counter
  }

  hit(limit: number, _total?: number, others = 0): boolean {
    this.#add(1)
    return this.#sum + others <= limit
  }

  tick(): void {}

  decrement(): void {
    this.#slide()
    const at = this.#last % this.#counts.length
    if ((this.#counts[at] ?? 0) > 0) this.#add(-1)
  }

  reset(): void {
    this.#counts.fill(0)
    this.#sum = 0
  }

  slots(): readonly number[] {
    this.#slide()
    const oldest = (this.#last + 1) % this.#counts.length
    return [...this.#counts.slice(oldest), ...this.#counts.slice(0, oldest)]
  }

  #add(delta: number): void {
    this.#slide()
    const at = this.#last % this.#counts.length
    this.#counts[at] = (this.#counts[at] ?? 0) + delta
    this.#sum += delta
  }

  /** Empties the slots that time has passed over. */
  #slide(): void {
    const now = Math.floor(this.#clock.monotonicMs() / this.#slotMs)
    const passed = Math.min(now - this.#last, this.#counts.length)
    for (let i = 1; i <= passed; i++) {
      const at = (this.#last + i) % this.#counts.length
      this.#sum -= this.#counts[at] ?? 0
      this.#counts[at] = 0
    }
    // A jump over the whole window leaves nothing, whichever slots were emptied.
    this.#last = now
  }
}
