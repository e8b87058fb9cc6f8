import type { Clock, Timer } from './clock.ts'

interface Entry {
  dueMs: number
  readonly order: number
  readonly periodMs: number
  readonly callback: () => void
}

/**
 * A clock that moves only when told to. Timers fire in the order of their due times; those due together fire
 * in the order they were set.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  #order = 0
  readonly #entries = new Set<Entry>()

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
    this.#startMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#add(delayMs, 0, callback)
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.#add(periodMs, periodMs, callback)
  }

  /** When the next timer is due, on the clock of {@link nowMs}; undefined when none waits. */
  get nextDueMs(): number | undefined {
    return this.#next(Number.POSITIVE_INFINITY)?.dueMs
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#entries.size
  }

  /**
   * Moves time forward by `ms`, firing what falls due on the way. Between two timers the event loop turns once, so
   * promises and I/O that a callback started can settle before the next one fires; `settle` may wait for more than that.
   */
  async advance(ms: number, settle: () => Promise<void> = turn): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      if (next.periodMs > 0) next.dueMs += next.periodMs
      else this.#entries.delete(next)
      next.callback()
      await settle()
    }
    this.#nowMs = endMs
  }

  /** Moves time forward without letting the event loop turn: for purely synchronous code under test. */
  advanceSync(ms: number): void {
    const endMs = this.#nowMs + ms
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      if (next.periodMs > 0) next.dueMs += next.periodMs
      else this.#entries.delete(next)
      next.callback()
    }
    this.#nowMs = endMs
  }

  #add(delayMs: number, periodMs: number, callback: () => void): Timer {
    const entry: Entry = { dueMs: this.#nowMs + delayMs, order: this.#order++, periodMs, callback }
    this.#entries.add(entry)
    return { clear: () => void this.#entries.delete(entry) }
  }

  #next(endMs: number): Entry | undefined {
    let best: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.dueMs > endMs) continue
      if (best === undefined || entry.dueMs < best.dueMs || (entry.dueMs === best.dueMs && entry.order < best.order))
        best = entry
    }
    return best
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
