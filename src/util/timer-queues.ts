import type { Clock, Timer } from './clock.ts'

/** Once timers of one length follow each other closely, they fire together: none later than this. */
const TOGETHER_MS = 10

/** Is told when a timer of its is over: what has several tells them apart by their names, and needs no function for each. */
export interface TimerOwner {
  timerFired(timer: QueuedTimer): void
}

/** A timer that runs, in the list of those that run as long. */
export class QueuedTimer implements Timer {
  readonly dueMs: number
  readonly name: string
  /** Null: it has fired or was cleared. */
  #owner: TimerOwner | null
  readonly #queue: TimerQueue
  /** Its neighbours in the queue. */
  before: QueuedTimer | null = null
  behind: QueuedTimer | null = null
  /** Another timer of its owner, whose list this is. */
  beside: QueuedTimer | null = null

  constructor(queue: TimerQueue, dueMs: number, owner: TimerOwner, name: string) {
    this.#queue = queue
    this.dueMs = dueMs
    this.#owner = owner
    this.name = name
  }

  clear(): void {
    if (this.#owner === null) return
    this.#owner = null
    this.#queue.remove(this)
  }

  fire(): void {
    const owner = this.#owner
    this.clear()
    owner?.timerFired(this)
  }
}

/** A function that a timer calls. */
class Callback implements TimerOwner {
  readonly timerFired: () => void

  constructor(fire: () => void) {
    this.timerFired = fire
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

  add(owner: TimerOwner, name: string): QueuedTimer {
    const timer = new QueuedTimer(this, this.#clock.monotonicMs() + this.#delayMs, owner, name)
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
      for (let timer = this.#first; timer !== null && timer.dueMs <= nowMs; timer = this.#first) timer.fire()
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
    return this.start(delayMs, new Callback(fire), '')
  }

  /** Starts a timer of `owner`, who is told by its name when it is over. */
  start(delayMs: number, owner: TimerOwner, name: string): QueuedTimer {
    const known = this.#queues.get(delayMs)
    if (known !== undefined) return known.add(owner, name)
    const queue = new TimerQueue(this.#clock, delayMs, empty => this.#queues.delete(empty))
    this.#queues.set(delayMs, queue)
    return queue.add(owner, name)
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
