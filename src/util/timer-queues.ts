import type { Clock, Timer } from './clock.ts'

/** Once timers of one length follow each other closely, they fire together: none later than this. */
const TOGETHER_MS = 10

/** A timer that runs, in the list of those that run as long. */
class QueuedTimer implements Timer {
  readonly dueMs: number
  readonly queue: TimerQueue
  /** Null: it has fired or was cleared. */
  fire: (() => void) | null
  before: QueuedTimer | null = null
  behind: QueuedTimer | null = null

  constructor(queue: TimerQueue, dueMs: number, fire: () => void) {
    this.queue = queue
    this.dueMs = dueMs
    this.fire = fire
  }

  clear(): void {
    if (this.fire === null) return
    this.fire = null
    this.queue.remove(this)
  }
}

/** Timers of one length: the first set is the first due, so one timer of the clock serves them all. */
class TimerQueue {
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #emptied: (delayMs: number) => void
  #first: QueuedTimer | null = null
  #last: QueuedTimer | null = null
  #alarm: Timer | null = null

  constructor(clock: Clock, delayMs: number, emptied: (delayMs: number) => void) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#emptied = emptied
  }

  add(fire: () => void): Timer {
    const timer = new QueuedTimer(this, this.#clock.monotonicMs() + this.#delayMs, fire)
    timer.before = this.#last
    if (this.#last === null) this.#first = timer
    else this.#last.behind = timer
    this.#last = timer
    this.#alarm ??= this.#clock.after(this.#delayMs, () => this.#fireDue())
    return timer
  }

  remove(timer: QueuedTimer): void {
    const { before, behind } = timer
    if (before === null) this.#first = behind
    else before.behind = behind
    if (behind === null) this.#last = before
    else behind.before = before
    timer.before = timer.behind = null
    if (this.#first === null) this.#rest()
  }

  #fireDue(): void {
    this.#alarm = null
    const nowMs = this.#clock.monotonicMs()
    try {
      for (let timer = this.#first; timer !== null && timer.dueMs <= nowMs; timer = this.#first) {
        const { fire } = timer
        timer.fire = null
        this.remove(timer)
        fire?.()
      }
    } finally {
      // What fires may set a timer of the same length again, and with it the alarm.
      if (this.#first !== null && this.#alarm === null) {
        const inMs = Math.max(this.#first.dueMs - nowMs, Math.min(TOGETHER_MS, this.#delayMs))
        this.#alarm = this.#clock.after(inMs, () => this.#fireDue())
      }
    }
  }

  #rest(): void {
    this.#alarm?.clear()
    this.#alarm = null
    this.#emptied(this.#delayMs)
  }
}

/**
 * Timers for what has very many that run equally long, such as transactions: setting and clearing one costs a list
 * entry, not a timer of the system. They fire at their time, or up to 10 ms later where many follow each other.
 */
export class TimerQueues {
  readonly #clock: Clock
  readonly #queues = new Map<number, TimerQueue>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** As {@link Clock.after}. */
  after(delayMs: number, fire: () => void): Timer {
    const known = this.#queues.get(delayMs)
    if (known !== undefined) return known.add(fire)
    const queue = new TimerQueue(this.#clock, delayMs, empty => this.#queues.delete(empty))
    this.#queues.set(delayMs, queue)
    return queue.add(fire)
  }
}

const byClock = new WeakMap<Clock, TimerQueues>()

/** The queues that run by this clock. */
export function timerQueuesOf(clock: Clock): TimerQueues {
  const known = byClock.get(clock)
  if (known !== undefined) return known
  const queues = new TimerQueues(clock)
  byClock.set(clock, queues)
  return queues
}
