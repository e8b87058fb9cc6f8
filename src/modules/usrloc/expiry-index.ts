import type { StoredContact } from './contact.ts'

/**
 * Contacts by the second they end in. Adding and taking out cost the same however many there are, and a tick touches
 * only what is due: each second has a ring of contacts, linked through the contacts themselves.
 */
export class ExpiryIndex {
  /** First contact of each second's ring. */
  readonly #rings = new Map<number, StoredContact>()
  /** Every ring up to here is empty. */
  #clearedS = 0

  /** Permanent contacts (expiresS 0) are not kept here. */
  add(contact: StoredContact): void {
    const second = contact.expiresS
    if (second === 0) return
    if (second <= this.#clearedS) this.#clearedS = second - 1
    const first = this.#rings.get(second)
    if (first === undefined) {
      contact.before = contact
      contact.behind = contact
      this.#rings.set(second, contact)
      return
    }
    const last = first.before ?? first
    contact.before = last
    contact.behind = first
    last.behind = contact
    first.before = contact
  }

  /** Must be called before `expiresS` changes. Does nothing for a contact that is not here. */
  delete(contact: StoredContact): void {
    const { before, behind } = contact
    if (before === null || behind === null) return
    if (behind === contact) this.#rings.delete(contact.expiresS)
    else {
      before.behind = behind
      behind.before = before
      if (this.#rings.get(contact.expiresS) === contact) this.#rings.set(contact.expiresS, behind)
    }
    contact.before = null
    contact.behind = null
  }

  /** The contact that has ended longest ago, or undefined when none has ended by `nowS`. Stays in the index. */
  firstDue(nowS: number): StoredContact | undefined {
    if (nowS - this.#clearedS > this.#rings.size) return this.#firstDueByKeys(nowS)
    while (this.#clearedS < nowS) {
      const contact = this.#rings.get(this.#clearedS + 1)
      if (contact !== undefined) return contact
      this.#clearedS++
    }
    return undefined
  }

  /** After a long pause there are more seconds to step through than rings to look at. */
  #firstDueByKeys(nowS: number): StoredContact | undefined {
    let earliest = Number.POSITIVE_INFINITY
    for (const second of this.#rings.keys()) if (second < earliest) earliest = second
    this.#clearedS = Math.min(earliest - 1, nowS)
    return earliest <= nowS ? this.#rings.get(earliest) : undefined
  }
}
