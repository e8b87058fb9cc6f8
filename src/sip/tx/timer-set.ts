import type { Clock, Timer } from '../../util/clock.ts'
import { type TimerQueues, timerQueuesOf } from '../../util/timer-queues.ts'

interface Running<L> {
  readonly letter: L
  timer: Timer
  next: Running<L> | null
}

/** The running timers of one state machine, by the letter the RFC gives them. They are two or three at most. */
export class TimerSet<L extends string> {
  readonly #queues: TimerQueues
  #running: Running<L> | null = null

  constructor(clock: Clock) {
    this.#queues = timerQueuesOf(clock)
  }

  /** Starts the timer, anew if it is running. */
  start(letter: L, delayMs: number, fire: () => void): void {
    this.stop(letter)
    const timer = this.#queues.after(delayMs, () => {
      this.#take(letter)
      fire()
    })
    this.#running = { letter, timer, next: this.#running }
  }

  stop(letter: L): void {
    this.#take(letter)?.clear()
  }

  stopAll(): void {
    for (let one = this.#running; one !== null; one = one.next) one.timer.clear()
    this.#running = null
  }

  /** Forgets the timer and gives it, if it is running. */
  #take(letter: L): Timer | undefined {
    let before: Running<L> | null = null
    for (let one = this.#running; one !== null; before = one, one = one.next) {
      if (one.letter !== letter) continue
      if (before === null) this.#running = one.next
      else before.next = one.next
      return one.timer
    }
    return undefined
  }
}
