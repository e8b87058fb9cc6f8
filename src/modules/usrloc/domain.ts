import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import { AorRecord, type Contact, type ContactData, detached, StoredContact } from './contact.ts'
import { ExpiryIndex } from './expiry-index.ts'
import { findMatch, type MatchingMode } from './matching.ts'

/** Called after the store has changed. */
export interface DomainListener {
  aorInserted(domain: string, aor: string): void
  aorDeleted(domain: string, aor: string): void
  contactInserted(domain: string, contact: Contact): void
  contactUpdated(domain: string, contact: Contact): void
  contactDeleted(domain: string, contact: Contact): void
}

export interface DomainSettings {
  /** A new or refreshed contact goes to the head and q is ignored. */
  readonly newestFirst: boolean
  /** The same Call-ID and CSeq within this time is a retransmission, seconds. */
  readonly cseqDelayS: number
}

/** What a REGISTER's contact is to the contacts stored for its AoR. */
export type Match =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly contact: Contact }
  /** Same Call-ID and CSeq a short time ago: nothing to do. */
  | { readonly kind: 'retransmission'; readonly contact: Contact }
  /** Same Call-ID, CSeq not above the stored one (RFC 3261 §10.3 step 7). */
  | { readonly kind: 'outdated'; readonly contact: Contact }
const NO_MATCH: Match = { kind: 'none' }

/** One location table: addresses of record and their contacts, in memory. */
export class Domain {
  readonly name: string
  /** Counts the contacts removed because their time was over. */
  expired: Counter = { value: 0 }
  readonly #clock: Clock
  readonly #settings: DomainSettings
  readonly #listener: DomainListener
  readonly #records = new Map<string, AorRecord>()
  readonly #expiry = new ExpiryIndex()
  readonly #nextId: () => number
  #contactCount = 0

  constructor(name: string, clock: Clock, settings: DomainSettings, listener: DomainListener, nextId: () => number) {
    this.name = name
    this.#clock = clock
    this.#settings = settings
    this.#listener = listener
    this.#nextId = nextId
  }

  get aorCount(): number {
    return this.#records.size
  }

  /** Expired contacts the timer has not taken out yet are counted too. */
  get contactCount(): number {
    return this.#contactCount
  }

  has(aor: string): boolean {
    return this.#records.has(aor)
  }

  /** The contacts of an AoR that have not expired, in the order of the store: the one to try first is first. */
  contacts(aor: string): readonly Contact[] {
    const contacts = this.#records.get(aor)?.contacts ?? []
    const nowS = this.#nowS()
    return contacts.every(contact => contact.isValid(nowS))
      ? contacts
      : contacts.filter(contact => contact.isValid(nowS))
  }

  /** All contacts of an AoR, also expired ones that the timer has not taken out yet. */
  stored(aor: string): readonly StoredContact[] {
    return this.#records.get(aor)?.contacts ?? []
  }

  /** Every AoR with all its contacts, also expired ones. */
  *all(): IterableIterator<{ readonly aor: string; readonly contacts: readonly Contact[] }> {
    yield* this.#records.values()
  }

  /**
   * Finds the stored contact a registration means. Matched by URI alone, contacts of the same Call-ID must come with a
   * CSeq above the stored one.
   */
  match(aor: string, wanted: { uri: string; callId: string; cseq: number }, mode: MatchingMode): Match {
    const record = this.#records.get(aor)
    const contact = record === undefined ? undefined : findMatch(record.contacts, wanted.uri, wanted.callId, mode)
    if (contact === undefined) return NO_MATCH
    if (mode.by === 'uri+callid' || contact.callId !== wanted.callId || wanted.cseq > contact.cseq) {
      return { kind: 'found', contact }
    }
    const isRecent = this.#clock.nowMs() - contact.modifiedMs < this.#settings.cseqDelayS * 1000
    return { kind: wanted.cseq === contact.cseq && isRecent ? 'retransmission' : 'outdated', contact }
  }

  insert(aor: string, data: ContactData): Contact {
    const known = this.#records.get(aor)
    const record = known ?? new AorRecord(detached(aor))
    if (known === undefined) this.#records.set(record.aor, record)
    const contact = new StoredContact(this.#nextId(), record)
    contact.assign(data, this.#clock.nowMs())
    record.contacts = this.#placed(record.contacts, contact)
    this.#contactCount++
    this.#expiry.add(contact)
    if (known === undefined) this.#listener.aorInserted(this.name, record.aor)
    this.#listener.contactInserted(this.name, contact)
    return contact
  }

  /** Gives false, changing nothing, for a contact that is no longer stored. */
  update(contact: Contact, data: ContactData): boolean {
    const stored = this.#stored(contact)
    if (stored?.record == null) return false
    const mustMove = this.#settings.newestFirst || stored.q !== data.q
    this.#expiry.delete(stored)
    stored.assign(data, this.#clock.nowMs())
    this.#expiry.add(stored)
    if (mustMove) {
      const others = stored.record.contacts.filter(other => other !== stored)
      stored.record.contacts = this.#placed(others, stored)
    }
    this.#listener.contactUpdated(this.name, stored)
    return true
  }

  /** Removes a contact, and its AoR with the last one. Gives false for a contact that is no longer stored. */
  remove(contact: Contact): boolean {
    const stored = this.#stored(contact)
    const record = stored?.record
    if (stored === undefined || record == null) return false
    this.#expiry.delete(stored)
    stored.record = null
    record.contacts = record.contacts.filter(other => other !== stored)
    this.#contactCount--
    const isLast = record.contacts.length === 0
    if (isLast) this.#records.delete(record.aor)
    this.#listener.contactDeleted(this.name, stored)
    if (isLast) this.#listener.aorDeleted(this.name, record.aor)
    return true
  }

  /** Removes an AoR with all its contacts. Gives false when there is none. */
  removeAll(aor: string): boolean {
    const record = this.#records.get(aor)
    if (record === undefined) return false
    const { contacts } = record
    this.#records.delete(aor)
    this.#contactCount -= contacts.length
    record.contacts = []
    for (const contact of contacts) {
      this.#expiry.delete(contact)
      contact.record = null
    }
    for (const contact of contacts) this.#listener.contactDeleted(this.name, contact)
    this.#listener.aorDeleted(this.name, record.aor)
    return true
  }

  /** Notes the round trip of a ping, microseconds. Gives the one known before, or −1 for a contact no longer stored. */
  setLatency(contact: Contact, latencyUs: number): number {
    const stored = this.#stored(contact)
    if (stored === undefined) return -1
    const previousUs = stored.latencyUs
    stored.latencyUs = latencyUs
    return previousUs
  }

  /** What scripts keep at an AoR: key → value; null when there is no such AoR. */
  keys(aor: string): Map<string, string> | null {
    const record = this.#records.get(aor)
    if (record === undefined) return null
    record.keys ??= new Map()
    return record.keys
  }

  /** Removes contacts whose time is over, at most `limit` of them. Gives how many. */
  removeExpired(limit: number): number {
    const nowS = this.#nowS()
    for (let count = 0; count < limit; count++) {
      const contact = this.#expiry.firstDue(nowS)
      if (contact === undefined) return count
      this.expired.value++
      this.remove(contact)
    }
    return limit
  }

  /** q descending, a new one behind those of equal q; or newest first. */
  #placed(others: readonly StoredContact[], contact: StoredContact): readonly StoredContact[] {
    if (others.length === 0) return [contact]
    if (this.#settings.newestFirst) return [contact, ...others]
    const at = others.findIndex(other => other.q < contact.q)
    return others.toSpliced(at < 0 ? others.length : at, 0, contact)
  }

  #stored(contact: Contact): StoredContact | undefined {
    return contact instanceof StoredContact && contact.record !== null ? contact : undefined
  }

  #nowS(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
  }
}
