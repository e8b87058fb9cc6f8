import type { Clock, Timer } from '../../util/clock.ts'
import type { Contact } from './contact.ts'
import type { Domain, LocatedContact } from './domain.ts'

interface RefreshesParts {
  readonly clock: Clock
  /** When a contact must be woken up to register again, seconds since 1970; 0 never. */
  readonly timeOf: (contact: Contact) => number
  readonly wake: (domain: Domain, contact: Contact) => void
}

/** Wakes up, once for each registration, the contacts that do not register again by themselves. */
export class Refreshes {
  readonly #parts: RefreshesParts
  /** By the second they are due in. */
  readonly #due = new Map<number, Set<Contact>>()
  readonly #known = new Map<Contact, { readonly atS: number; readonly domain: Domain }>()
  #timer: Timer | null = null
  #doneS = 0

  constructor(parts: RefreshesParts) {
    this.#parts = parts
  }

  /** Begins with the contacts there are. */
  start(contacts: Iterable<LocatedContact>): void {
    for (const { domain, contact } of contacts) this.stored(domain, contact)
    this.#doneS = this.#nowS()
    this.#timer = this.#parts.clock.every(1000, () => this.#tick())
  }

  stop(): void {
    this.#timer?.clear()
  }

  stored(domain: Domain, contact: Contact): void {
    this.removed(contact)
    const timeS = this.#parts.timeOf(contact)
    if (timeS === 0) return
    const atS = Math.max(timeS, this.#nowS() + 1)
    this.#known.set(contact, { atS, domain })
    const others = this.#due.get(atS)
    if (others === undefined) this.#due.set(atS, new Set([contact]))
    else others.add(contact)
  }

  removed(contact: Contact): void {
    const known = this.#known.get(contact)
    if (known === undefined) return
    this.#known.delete(contact)
    const others = this.#due.get(known.atS)
    others?.delete(contact)
    if (others?.size === 0) this.#due.delete(known.atS)
  }

  #tick(): void {
    const nowS = this.#nowS()
    const seconds = nowS - this.#doneS > this.#due.size ? [...this.#due.keys()].filter(s => s <= nowS) : null
    for (const second of seconds ?? range(this.#doneS + 1, nowS))
      for (const contact of [...(this.#due.get(second) ?? [])]) {
        const domain = this.#known.get(contact)?.domain
        this.removed(contact)
        if (domain !== undefined) this.#parts.wake(domain, contact)
      }
    this.#doneS = nowS
  }

  #nowS(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000)
  }
}

function* range(first: number, last: number): Iterable<number> {
  for (let i = first; i <= last; i++) yield i
}
