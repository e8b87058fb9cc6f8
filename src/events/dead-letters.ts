import type { RaisedEvent } from './event.ts'
import type { DeliveryError } from './transport.ts'

/** An event nobody took: kept so that somebody can look at it and send it again. */
export interface DeadLetter {
  /** 1, 2, 3 … in order of death. */
  readonly number: number
  readonly event: RaisedEvent
  /** Name of the event subscribed to, or `*`. */
  readonly subscribed: string
  /** Canonical text of the filter subscribed with, or null. */
  readonly filterText: string | null
  /** Canonical text of the socket that refused it. */
  readonly socket: string
  readonly error: DeliveryError
  /** How often it was tried. */
  readonly attempts: number
  /** Wall-clock time. */
  readonly diedAtMs: number
}

/** The dead letters of a run, the oldest making room for new ones. Bounded in number and memory. */
export class DeadLetters {
  readonly #most: number
  readonly #mostBytes: number
  #letters: DeadLetter[] = []
  #bytes = 0
  #count = 0

  constructor(most = 1000, mostBytes = 16 * 2 ** 20) {
    this.#most = most
    this.#mostBytes = mostBytes
  }

  /** Dead letters so far, those that had to make room included. */
  get count(): number {
    return this.#count
  }

  add(letter: Omit<DeadLetter, 'number'>): void {
    this.#letters.push({ ...letter, number: ++this.#count })
    this.#bytes += letter.event.sizeBytes
    let gone = 0
    while (this.#letters.length - gone > this.#most || (this.#bytes > this.#mostBytes && gone < this.#letters.length))
      this.#bytes -= this.#letters[gone++]?.event.sizeBytes ?? 0
    if (gone > 0) this.#letters = this.#letters.slice(gone)
  }

  /** Those kept, the latest first. */
  list(): readonly DeadLetter[] {
    return this.#letters.toReversed()
  }

  find(eventId: string): readonly DeadLetter[] {
    return this.#letters.filter(({ event }) => event.id === eventId)
  }

  /** Forgets those that `isGone` holds for; gives how many. */
  remove(isGone: (letter: DeadLetter) => boolean): number {
    const kept = this.#letters.filter(letter => !isGone(letter))
    const removed = this.#letters.length - kept.length
    this.#letters = kept
    this.#bytes = kept.reduce((sum, { event }) => sum + event.sizeBytes, 0)
    return removed
  }
}
