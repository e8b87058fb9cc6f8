import type { Clock, Timer } from '../../util/clock.ts'

/** The running timers of one state machine, by the letter the RFC gives them. */
export class TimerSet<L extends string> {
  readonly #clock: Clock
  readonly #running = new Map<L, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Starts the timer, anew if it is running. */
  start(letter: L, delayMs: number, fire: () => void): void {
    this.stop(letter)
    const timer = this.#clock.after(delayMs, () => {
      this.#running.delete(letter)
      fire()
    })
    this.#running.set(letter, timer)
  }

  stop(letter: L): void {
    this.#running.get(letter)?.clear()
    this.#running.delete(letter)
  }

  stopAll(): void {
    for (const timer of this.#running.values()) timer.clear()
    this.#running.clear()
  }
}
