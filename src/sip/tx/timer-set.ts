import type { Clock } from '../../util/clock.ts'
import { type QueuedTimer, type TimerOwner, type TimerQueues, timerQueuesOf } from '../../util/timer-queues.ts'

/** A state machine whose timers run: `L` are the letters the RFC gives them. */
export interface TimedMachine<L extends string> {
  timerFired(letter: L): void
}

/** The running timers of one state machine. They are two or three at most. */
export class TimerSet<L extends string> implements TimerOwner {
  readonly #queues: TimerQueues
  readonly #machine: TimedMachine<L>
  #running: QueuedTimer | null = null

  constructor(clock: Clock, machine: TimedMachine<L>) {
    this.#queues = timerQueuesOf(clock)
    this.#machine = machine
  }

  /** Starts the timer, anew if it is running. */
  start(letter: L, delayMs: number): void {
    this.stop(letter)
    const timer = this.#queues.start(delayMs, this, letter)
    timer.beside = this.#running
    this.#running = timer
  }

  stop(letter: L): void {
    this.#take(letter)?.clear()
  }

  stopAll(): void {
    for (let one = this.#running; one !== null; one = one.beside) one.clear()
    this.#running = null
  }

  /** For the queues alone. */
  timerFired({ name }: QueuedTimer): void {
    this.#take(name)
    this.#machine.timerFired(name as L)
  }

  /** Forgets the timer and gives it, if it is running. */
  #take(letter: string): QueuedTimer | undefined {
    let before: QueuedTimer | null = null
    for (let one = this.#running; one !== null; before = one, one = one.beside) {
      if (one.name !== letter) continue
      if (before === null) this.#running = one.beside
      else before.beside = one.beside
      return one
    }
    return undefined
  }
}
