import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import { AorRecord, type Contact, type ContactData, ContactState, detached, StoredContact } from './contact.ts'
import { ExpiryIndex } from './expiry-index.ts'
import { findMatch, type MatchingMode } from './matching.ts'

/** Called after the store has changed. */
export interface DomainListener {
  aorInserted(domain: string, aor: string): void
  aorDeleted(domain: string, aor: string): void
  contactInserted(domain: string, contact: Contact): void
  contactUpdated(domain: string, contact: Contact): void
  contactDeleted(domain: string, contact: Contact): void
  /** A script keeps a value at an AoR, or with null no longer. */
  keyChanged?(domain: string, aor: string, key: string, value: string | null): void
}

/** Keeps the rows of a table like the contacts in memory. */
export interface RowKeeper {
  /** The contact was added, changed or removed. `wasWritten`: there may be a row of it. */
  changed(contact: StoredContact, wasWritten: boolean): void
}

/** How work on one address of record is done where contacts are in a database. */
export interface Sessions {
  /** Gives what `work` gives, at once or when the database has taken the changes. Rejects with a StorageError. */
  run<T>(aor: string, work: () => T): T | Promise<T>
}

export interface DomainSettings {
  /** A new or refreshed contact goes to the head and q is ignored. */
  readonly newestFirst: boolean
  /** The same Call-ID and CSeq within this time is a retransmission, seconds. */
  readonly cseqDelayS: number
  /** False: contacts are here only while work on them is done. */
  readonly hasMemory?: boolean
  /** Other nodes change contacts too: each change is later than the one before, whatever the clocks of the nodes say. */
  readonly isShared?: boolean
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

/** What another node says of a contact it has stored. */
export type InsertFacts = Pick<AdoptedFacts, 'id' | 'modifiedMs'>

/** What the database knows of a contact beside its data. */
export interface AdoptedFacts {
  readonly id: number
  readonly modifiedMs: number
  readonly keys: ReadonlyMap<string, string> | null
}
const NO_KEYS: ReadonlyMap<string, string> = new Map()

/** One location table: addresses of record and their contacts, in memory. */
export class Domain {
  readonly name: string
  /** Counts the contacts removed because their time was over. */
  expired: Counter = { value: 0 }
  /** Null where contacts are in memory only. */
  rows: RowKeeper | null = null
  /** Null where work on contacts never waits. */
  sessions: Sessions | null = null
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

  /** 0 where contacts are in the database only. */
  get aorCount(): number {
    return this.#settings.hasMemory === false ? 0 : this.#records.size
  }

  /** Expired contacts the timer has not taken out yet are counted too; 0 where contacts are in the database only. */
  get contactCount(): number {
    return this.#settings.hasMemory === false ? 0 : this.#contactCount
  }

  /**
   * Does `work` on the contacts of an AoR: at once where they are in memory; else when they have been read, and ends when
   * what it changed has been written. Rejects with a StorageError where that fails. Whoever reads or changes contacts of
   * one AoR does it in such work, which must not wait for anything itself.
   */
  run<T>(aor: string, work: () => T): T | Promise<T> {
    return this.sessions === null ? work() : this.sessions.run(aor, work)
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
  *all(): IterableIterator<{ readonly aor: string; readonly contacts: readonly StoredContact[] }> {
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

  /** `facts`: of a contact that another node has stored. */
  insert(aor: string, data: ContactData, facts: InsertFacts | null = null): Contact {
    const known = this.#records.get(aor)
    const record = known ?? new AorRecord(detached(aor))
    if (known === undefined) this.#records.set(record.aor, record)
    const contact = new StoredContact(facts?.id ?? this.#nextId(), record)
    contact.assign(data, facts?.modifiedMs ?? this.#clock.nowMs())
    record.contacts = this.#placed(record.contacts, contact)
    this.#contactCount++
    this.#expiry.add(contact)
    this.rows?.changed(contact, false)
    if (known === undefined) this.#listener.aorInserted(this.name, record.aor)
    this.#listener.contactInserted(this.name, contact)
    return contact
  }

  /**
   * Gives false, changing nothing, for a contact that is no longer stored. `modifiedMs`: when another node did it; else now.
   */
  update(contact: Contact, data: ContactData, modifiedMs?: number): boolean {
    const stored = this.#stored(contact)
    if (stored === undefined) return false
    const { record } = stored
    const mustMove = this.#settings.newestFirst || stored.q !== data.q
    this.#expiry.delete(stored)
    stored.assign(data, modifiedMs ?? this.#laterThan(stored.modifiedMs))
    this.#expiry.add(stored)
    if (mustMove) {
      const others = record.contacts.filter(other => other !== stored)
      record.contacts = this.#placed(others, stored)
    }
    if (stored.state === ContactState.synced) stored.state = ContactState.dirty
    this.rows?.changed(stored, stored.state !== ContactState.new)
    this.#listener.contactUpdated(this.name, stored)
    return true
  }

  /** Removes a contact, and its AoR with the last one. Gives false for a contact that is no longer stored. */
  remove(contact: Contact): boolean {
    const stored = this.#stored(contact)
    if (stored === undefined) return false
    const { record } = stored
    this.#discard(stored)
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
    for (const contact of contacts) this.#discard(contact)
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
  keys(aor: string): ReadonlyMap<string, string> | null {
    const record = this.#records.get(aor)
    return record === undefined ? null : (record.keys ?? NO_KEYS)
  }

  /** Keeps a value at an AoR, or with null takes one away. Gives false when there is no such AoR, or no such value. */
  setKey(aor: string, key: string, value: string | null): boolean {
    const record = this.#records.get(aor)
    if (record === undefined) return false
    record.keys ??= new Map()
    if (value !== null) record.keys.set(key, value)
    else if (!record.keys.delete(key)) return false
    for (const contact of record.contacts) {
      if (contact.state === ContactState.synced) contact.state = ContactState.dirty
      this.rows?.changed(contact, contact.state !== ContactState.new)
    }
    this.#listener.keyChanged?.(this.name, record.aor, key, value)
    return true
  }

  /** Takes in contacts that the database holds; nobody is told. `id` 0: a new one. */
  adopt(aor: string, data: ContactData, facts: AdoptedFacts): StoredContact {
    const record = this.#records.get(aor) ?? new AorRecord(detached(aor))
    this.#records.set(record.aor, record)
    const contact = new StoredContact(facts.id === 0 ? this.#nextId() : facts.id, record)
    contact.assign(data, facts.modifiedMs)
    contact.state = ContactState.synced
    if (facts.keys !== null) record.keys = new Map([...(record.keys ?? []), ...facts.keys])
    record.contacts = this.#placed(record.contacts, contact)
    this.#contactCount++
    this.#expiry.add(contact)
    return contact
  }

  /** Lets go of an AoR and its contacts; nobody is told, and the database keeps them. */
  forget(aor: string): void {
    const record = this.#records.get(aor)
    if (record === undefined) return
    this.#records.delete(aor)
    this.#contactCount -= record.contacts.length
    for (const contact of record.contacts) this.#expiry.delete(contact)
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
    return contact instanceof StoredContact && !contact.isRemoved ? contact : undefined
  }

  #discard(contact: StoredContact): void {
    const wasWritten = contact.state !== ContactState.new
    this.#expiry.delete(contact)
    contact.state = ContactState.removed
    this.rows?.changed(contact, wasWritten)
  }

  #laterThan(modifiedMs: number): number {
    const nowMs = this.#clock.nowMs()
    return this.#settings.isShared === true ? Math.max(nowMs, modifiedMs + 1) : nowMs
  }

  #nowS(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
  }
}

/** A contact and the table it is in. */
export interface LocatedContact {
  readonly domain: Domain
  readonly contact: Contact
}
