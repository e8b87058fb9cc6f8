import type { Clock, Timer } from '../util/clock.ts'

/** setTimeout fires at once for longer delays. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Something with a lifetime. */
export interface Expiring {
  /** When it ends, on the monotonic clock; infinite for never. */
  readonly expiresMs: number
  /** For the queue: under which time it stands there; undefined while it does not. */
  queuedMs: number | undefined
}

/**
 * Tells when lifetimes are over, with one timer for all. A heap of times: an entry that was renewed stays where it is and is
 * put further back when its old time comes, so renewing costs nothing.
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #clock: Clock
  readonly #expired: (entry: T) => void
  #entries: T[] = []
  /** The time each stands under: the one at `(i - 1) >> 1` is never later than that at `i`. */
  #times: number[] = []
  #stale = 0
  #timer: Timer | undefined
  #timerMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, expired: (entry: T) => void) {
    this.#clock = clock
    this.#expired = expired
  }

  /** Entries it keeps, some of which may have ended otherwise. */
  get size(): number {
    return this.#entries.length
  }

  /** To be called when the end of an entry has been set. */
  set(entry: T): void {
    const { expiresMs, queuedMs } = entry
    if (expiresMs === Number.POSITIVE_INFINITY || (queuedMs !== undefined && queuedMs <= expiresMs)) return
    if (queuedMs !== undefined) this.#stale++
    this.#push(entry, expiresMs)
    this.#arm()
  }

  /** The entry has ended otherwise. */
  remove(entry: T): void {
    if (entry.queuedMs === undefined) return
    entry.queuedMs = undefined
    // What has ended must not be kept until it would have.
    if (++this.#stale * 2 > this.#entries.length) this.#rebuild()
  }

  stop(): void {
    this.#timer?.clear()
    this.#entries = []
    this.#times = []
  }

  #arm(): void {
    const [firstMs] = this.#times
    if (firstMs === undefined || firstMs >= this.#timerMs) return
    this.#timer?.clear()
    this.#timerMs = firstMs
    const leftMs = Math.min(LONGEST_TIMER_MS, Math.max(1, firstMs - this.#clock.monotonicMs()))
    this.#timer = this.#clock.after(leftMs, () => {
      this.#timerMs = Number.POSITIVE_INFINITY
      this.#endDue()
      this.#arm()
    })
  }

  #endDue(): void {
    const nowMs = this.#clock.monotonicMs()
    for (let [dueMs] = this.#times; dueMs !== undefined && dueMs <= nowMs; [dueMs] = this.#times) {
      const entry = this.#pop()
      if (entry === undefined) return
      if (entry.queuedMs !== dueMs) {
        this.#stale--
        continue
      }
      entry.queuedMs = undefined
      if (entry.expiresMs <= nowMs) this.#expired(entry)
      else if (entry.expiresMs !== Number.POSITIVE_INFINITY) this.#push(entry, entry.expiresMs)
    }
  }

  #push(entry: T, timeMs: number): void {
    entry.queuedMs = timeMs
    let at = this.#entries.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((this.#times[parent] ?? 0) <= timeMs) break
      this.#move(parent, at)
      at = parent
    }
    this.#entries[at] = entry
    this.#times[at] = timeMs
  }

  /** Takes the first one off: the last one takes its place and sinks to where it belongs. */
  #pop(): T | undefined {
    const [first] = this.#entries
    const last = this.#entries.pop()
    const timeMs = this.#times.pop() ?? 0
    const count = this.#entries.length
    if (last === undefined || count === 0) return first
    let at = 0
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && (this.#times[child + 1] ?? 0) < (this.#times[child] ?? 0)) child++
      if ((this.#times[child] ?? 0) >= timeMs) break
      this.#move(child, at)
      at = child
    }
    this.#entries[at] = last
    this.#times[at] = timeMs
    return first
  }

  #move(from: number, to: number): void {
    this.#entries[to] = this.#entries[from] as T
    this.#times[to] = this.#times[from] ?? 0
  }

  #rebuild(): void {
    const times = this.#times
    const kept = this.#entries.filter((entry, i) => entry.queuedMs === times[i])
    this.#entries = []
    this.#times = []
    this.#stale = 0
    for (const entry of kept) this.#push(entry, entry.queuedMs ?? 0)
  }
}
