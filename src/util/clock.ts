/** A running timer. Clearing one that has fired does nothing. */
export interface Timer {
  clear(): void
}

/**
 * Time as every other part of Fanfare sees it, so that tests and `fanfare test` can own it.
 * Nothing outside this folder calls `Date.now`, `performance.now` or `setTimeout`.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. */
  nowMs(): number
  /** A reading that never goes back, milliseconds; its zero has no meaning. */
  monotonicMs(): number
  /** Runs `callback` once, not before `delayMs` has passed. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer
  /** Runs `callback` every `periodMs` until cleared. Does not keep the process alive. */
  every(periodMs: number, callback: () => void): Timer
}

class SystemTimer implements Timer {
  readonly #handle: NodeJS.Timeout
  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle.unref()
  }
  clear(): void {
    clearTimeout(this.#handle)
  }
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => new SystemTimer(setTimeout(callback, delayMs)),
  every: (periodMs, callback) => new SystemTimer(setInterval(callback, periodMs)),
}
