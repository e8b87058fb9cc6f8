import type { Clock } from '../util/clock.ts'

/** Something with events to send. */
export interface Runnable {
  /** Sends at most `limit` events and gives how many. Asks to be added again when more can be sent. */
  run(limit: number): number
}

/** Events one receiver may send before the next has its turn. */
const SLICE = 256
/** What one turn of the event loop may spend on deliveries before SIP has its turn again. */
const TURN_EVENTS = 1024
const TURN_MS = 4

/** Gives receivers their turns, so that neither one of them nor all together keep the event loop from SIP. */
export class DeliveryScheduler {
  readonly #clock: Clock
  #ready: Runnable[] = []
  #isScheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs it in a later turn of the event loop. */
  add(runnable: Runnable): void {
    this.#ready.push(runnable)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#isScheduled = false
    const untilMs = this.#clock.monotonicMs() + TURN_MS
    let left = TURN_EVENTS
    let next = 0
    while (next < this.#ready.length && left > 0) {
      left -= Math.max(1, this.#ready[next]?.run(SLICE) ?? 0)
      next++
      if (this.#clock.monotonicMs() >= untilMs) break
    }
    this.#ready = this.#ready.slice(next)
    if (this.#ready.length > 0) this.#schedule()
  }
}
