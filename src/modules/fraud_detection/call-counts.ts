import type { Monitored } from './rules.ts'

const RING_S = 60
/** Users and prefixes beyond this are forgotten, the ones silent longest first: users come from messages. */
const MAX_COUNTS = 100_000

/** What a user has called under a prefix since the rule, or the day, changed. */
export class CallCounts {
  ruleId = 0
  day = 0
  /** Counts how often this was begun anew: calls of before do not count any more. */
  interval = 0
  total = 0
  concurrent = 0
  sequential = 0
  #lastNumber: string | null = null
  /** Calls in each of the last seconds, by the second modulo the length. */
  readonly #ring = new Uint16Array(RING_S)
  #second = 0

  /** Counts a call; begins anew where it is by another rule or on another day than the last. */
  add(number: string, call: { readonly ruleId: number; readonly day: number; readonly second: number }): void {
    if (this.ruleId !== call.ruleId || this.day !== call.day || this.interval === 0) this.#begin(call)
    this.sequential = number === this.#lastNumber ? this.sequential + 1 : 1
    this.#lastNumber = number
    this.total++
    this.concurrent++
    this.#age(call.second)
    const at = this.#second % RING_S
    this.#ring[at] = Math.min((this.#ring[at] ?? 0) + 1, 0xffff)
  }

  /** Calls in the minute that ends with this second. */
  perMinute(second: number): number {
    this.#age(second)
    return this.#ring.reduce((sum, count) => sum + count, 0)
  }

  value(monitored: Exclude<Monitored, 'call-duration'>, second: number): number {
    switch (monitored) {
      case 'calls-per-minute':
        return this.perMinute(second)
      case 'total-calls':
        return this.total
      case 'concurrent-calls':
        return this.concurrent
      case 'sequential-calls':
        return this.sequential
    }
  }

  #begin({ ruleId, day }: { readonly ruleId: number; readonly day: number }): void {
    this.ruleId = ruleId
    this.day = day
    this.interval++
    this.total = 0
    this.concurrent = 0
    this.sequential = 0
    this.#lastNumber = null
    this.#ring.fill(0)
  }

  /** Empties the seconds that have passed since the last call. A clock that was set back stands still until it is there again. */
  #age(second: number): void {
    if (second <= this.#second) return
    const passed = Math.min(second - this.#second, RING_S)
    for (let i = 1; i <= passed; i++) this.#ring[(this.#second + i) % RING_S] = 0
    if (passed === RING_S) this.#ring.fill(0)
    this.#second = second
  }
}

/** The counts of every user and prefix. */
export class CountTable {
  readonly #counts = new Map<string, CallCounts>()

  /** Made where there are none. */
  open(user: string, prefix: string): CallCounts {
    const key = keyOf(user, prefix)
    const counts = this.#counts.get(key) ?? new CallCounts()
    // Put last, so that the first is the one unused longest.
    this.#counts.delete(key)
    this.#counts.set(key, counts)
    const [oldest] = this.#counts.size > MAX_COUNTS ? this.#counts.keys() : []
    if (oldest !== undefined) this.#counts.delete(oldest)
    return counts
  }

  find(user: string, prefix: string): CallCounts | undefined {
    return this.#counts.get(keyOf(user, prefix))
  }
}

const keyOf = (user: string, prefix: string): string => `${prefix}\n${user}`
