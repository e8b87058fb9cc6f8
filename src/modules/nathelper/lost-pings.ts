import type { Clock } from '../../util/clock.ts'

/** How many pings contacts have lost in a row, by the contact's id. What is not added to for a while is forgotten. */
export class LostPings {
  readonly #clock: Clock
  readonly #memoryMs: number
  /** The one added to longest ago first. */
  readonly #lost = new Map<number, { readonly count: number; readonly atMs: number }>()

  constructor(clock: Clock, memoryMs: number) {
    this.#clock = clock
    this.#memoryMs = memoryMs
  }

  /** Counts one more, and gives how many it are. */
  add(contact: number): number {
    const count = (this.#lost.get(contact)?.count ?? 0) + 1
    this.#lost.delete(contact)
    this.#lost.set(contact, { count, atMs: this.#clock.monotonicMs() })
    return count
  }

  forget(contact: number): void {
    this.#lost.delete(contact)
  }

  prune(): void {
    const untilMs = this.#clock.monotonicMs() - this.#memoryMs
    for (const [contact, { atMs }] of this.#lost) {
      if (atMs > untilMs) return
      this.#lost.delete(contact)
    }
  }
}
