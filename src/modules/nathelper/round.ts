import type { Contact, Domain, Location } from './location.ts'

/** A contact and the table it is in. */
export interface Located {
  readonly domain: Domain
  readonly contact: Contact
}

/**
 * Goes through every contact once in so many steps, each with about as many contacts: no step costs more than its share,
 * and what is pinged is spread over the interval. Contacts may come and go meanwhile.
 */
export class Round {
  readonly #location: Pick<Location, 'all' | 'hasMemory' | 'readAll'>
  readonly #steps: number
  #left = 0
  #share = 0
  #contacts: Iterator<Located> | null = null
  #isReading = false

  constructor(location: Pick<Location, 'all' | 'hasMemory' | 'readAll'>, steps: number) {
    this.#location = location
    this.#steps = Math.max(steps, 1)
  }

  /** The contacts of the next step. */
  *next(): IterableIterator<Located> {
    if (this.#left === 0) this.#begin()
    this.#left--
    for (let count = 0; this.#left === 0 || count < this.#share; count++) {
      const found = this.#contacts?.next()
      if (found === undefined || found.done === true) {
        this.#contacts = null
        return
      }
      yield found.value
    }
  }

  #begin(): void {
    this.#left = this.#steps
    if (!this.#location.hasMemory) {
      this.#read()
      return
    }
    let total = 0
    for (const domain of this.#location.all()) total += domain.contactCount
    this.#share = Math.ceil(total / this.#steps)
    this.#contacts = this.#all()
  }

  /** Contacts that are in the database alone are read once a round; their turn comes when they are there. */
  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    void this.#location.readAll().then(found => {
      this.#isReading = false
      this.#share = Math.ceil(found.length / Math.max(this.#left, 1))
      this.#contacts = found.values()
    })
  }

  *#all(): Iterator<Located> {
    for (const domain of this.#location.all())
      for (const { contacts } of domain.all()) for (const contact of contacts) yield { domain, contact }
  }
}
