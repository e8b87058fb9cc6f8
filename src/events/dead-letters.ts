import type { Clock } from '../util/clock.ts'
import type { RaisedEvent } from './event.ts'
import type { DeliveryError } from './transport.ts'

/** An event nobody took: kept so that somebody can look at it and send it again. */
export interface DeadLetter {
  /** 1, 2, 3 … in order of death, within the run it died in. */
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

/** Bounds of what is kept. */
export interface DeadLetterLimits {
  readonly most: number
  /** Of their events, roughly. */
  readonly mostBytes: number
  readonly maxAgeMs: number
}

export const DEFAULT_DEAD_LETTER_LIMITS: DeadLetterLimits = {
  most: 10_000,
  mostBytes: 16 * 2 ** 20,
  maxAgeMs: 7 * 86_400_000,
}

/** Keeps letters beyond the end of the process. Nothing here waits or throws. */
export interface DeadLetterStore {
  added(letter: DeadLetter): void
  /** It was sent again, purged, became too old or made room. */
  removed(letter: DeadLetter): void
}

/** The dead letters there are, the oldest making room for new ones. Bounded in number, memory and age. */
export class DeadLetters {
  readonly #clock: Clock
  readonly #limits: DeadLetterLimits
  /** In order of death. */
  readonly #letters: DeadLetter[] = []
  #store: DeadLetterStore | undefined
  #bytes = 0
  #count = 0
  #number = 0

  constructor(clock: Clock, limits: Partial<DeadLetterLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...DEFAULT_DEAD_LETTER_LIMITS, ...limits }
  }

  /** From now on they are kept there too. */
  keepIn(store: DeadLetterStore): void {
    this.#store = store
  }

  /** Dead letters so far, those that had to make room included, and those of earlier runs that were kept. */
  get count(): number {
    return this.#count
  }

  add(dead: Omit<DeadLetter, 'number'>): void {
    const letter = { ...dead, number: ++this.#number }
    this.#store?.added(letter)
    this.#insert(letter, this.#letters.length)
  }

  /** Takes up one that an earlier run kept. */
  restore(letter: DeadLetter): void {
    let at = this.#letters.length
    while (at > 0 && (this.#letters[at - 1]?.diedAtMs ?? 0) > letter.diedAtMs) at--
    this.#insert(letter, at)
  }

  /** Those kept, the latest first. */
  list(): readonly DeadLetter[] {
    this.expire()
    return this.#letters.toReversed()
  }

  find(eventId: string): readonly DeadLetter[] {
    return this.list().filter(({ event }) => event.id === eventId)
  }

  /** Forgets those that `isGone` holds for; gives how many. */
  remove(isGone: (letter: DeadLetter) => boolean): number {
    const all = this.#letters.splice(0)
    for (const letter of all) {
      if (isGone(letter)) this.#forget(letter)
      else this.#letters.push(letter)
    }
    return all.length - this.#letters.length
  }

  /** Forgets those that are too old. */
  expire(): void {
    const oldestMs = this.#clock.nowMs() - this.#limits.maxAgeMs
    this.#makeRoom(letter => letter.diedAtMs < oldestMs)
  }

  #insert(letter: DeadLetter, at: number): void {
    this.#letters.splice(at, 0, letter)
    this.#count++
    this.#bytes += letter.event.sizeBytes
    const { most, mostBytes } = this.#limits
    this.#makeRoom((_, left) => left > most || this.#bytes > mostBytes)
  }

  /** Forgets from the oldest on, as long as one has to go; `left` counts it. */
  #makeRoom(hasToGo: (letter: DeadLetter, left: number) => boolean): void {
    let gone = 0
    for (const letter of this.#letters) {
      if (!hasToGo(letter, this.#letters.length - gone)) break
      this.#forget(letter)
      gone++
    }
    if (gone > 0) this.#letters.splice(0, gone)
  }

  #forget(letter: DeadLetter): void {
    this.#bytes -= letter.event.sizeBytes
    this.#store?.removed(letter)
  }
}
