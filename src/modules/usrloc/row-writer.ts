import { setImmediate as turn } from 'node:timers/promises'
import type { Table } from '../../db/table.ts'
import type { Log } from '../../log/log.ts'
import type { Counter } from '../../util/spec.ts'
import { ContactFlag, ContactState, type StoredContact } from './contact.ts'
import type { Domain, RowKeeper } from './domain.ts'
import type { LOCATION_ROWS, LocationRow } from './location-table.ts'
import { ownerColumns, type RowNames, rowOf } from './row-codec.ts'

/** Rows written before the messages that wait get their turn. */
const SLICE = 10

export type LocationTable = Table<typeof LOCATION_ROWS>

interface WriterParts {
  readonly domain: Domain
  readonly table: LocationTable
  readonly names: RowNames
  readonly log: Log
  /** Counts what the database refused. */
  readonly failures: Counter
  /** Called when there is something to write. */
  readonly onChange: () => void
}

/**
 * Writes what has changed in one table. Changes are collected, so that a contact that changed ten times is written once, and
 * written one batch after the other, between messages. What cannot be written stays for the next batch.
 */
export class RowWriter implements RowKeeper {
  readonly #parts: WriterParts
  readonly #hasDomain: boolean
  /** Rows have an id of their own; else they are known by address, contact and Call-ID. */
  readonly #isKeyed: boolean
  #pending = new Set<StoredContact>()
  /** Ends with the last piece of work begun; work follows work. Never rejects. */
  #work: Promise<unknown> = Promise.resolve()
  /** The batch that has not begun. */
  #next: Promise<ReadonlySet<string>> | null = null
  #changes = 0
  /** Contacts of the batch being written that have not had their turn. */
  #unwritten = 0

  constructor(parts: WriterParts) {
    this.#parts = parts
    this.#hasDomain = !parts.table.missing.has('domain')
    this.#isKeyed = !parts.table.missing.has('contact_id')
  }

  /** Contacts whose rows are not up to date. */
  get pendingCount(): number {
    return this.#pending.size + this.#unwritten
  }

  /** Grows with each change that is to be written. */
  get changes(): number {
    return this.#changes
  }

  changed(contact: StoredContact, wasWritten: boolean): void {
    if (isMemoryOnly(contact) && !wasWritten) return
    this.#changes++
    if (contact.isRemoved && !wasWritten) this.#pending.delete(contact)
    else this.#pending.add(contact)
    this.#parts.onChange()
  }

  /** Writes what has changed up to now. Gives the AoRs of which something could not be written; never rejects. */
  flush(): Promise<ReadonlySet<string>> {
    if (this.#next !== null) return this.#next
    const batch = this.#work.then(() => {
      this.#next = null
      return this.#writeBatch()
    })
    this.#next = batch
    this.#work = batch
    return batch
  }

  /** Writes every contact of an AoR, or of the table, anew: rows nobody here knows of go. Rejects with a DatabaseError. */
  async rewrite(aor: string | undefined): Promise<ReadonlySet<string>> {
    await this.flush()
    const cleared = this.#work.then(() => this.#clear(aor))
    this.#work = cleared.catch(() => {})
    await cleared
    return this.flush()
  }

  async #clear(aor: string | undefined): Promise<void> {
    const { domain, table } = this.#parts
    if (aor === undefined) await table.delete([])
    else await this.#deleteRowsOf(aor)
    const contacts = aor === undefined ? [...domain.all()].flatMap(record => record.contacts) : domain.stored(aor)
    for (const contact of contacts) {
      contact.state = ContactState.new
      this.changed(contact, false)
    }
  }

  async #writeBatch(): Promise<ReadonlySet<string>> {
    const batch = this.#pending
    this.#pending = new Set()
    this.#unwritten = batch.size
    const failed = new Set<string>()
    let reason = ''
    let count = 0
    for (const contacts of this.#isKeyed ? Array.from(batch, contact => [contact]) : ownersOf(batch)) {
      try {
        await (this.#isKeyed ? this.#write(contacts) : this.#writeOwner(contacts))
      } catch (error) {
        this.#parts.failures.value++
        reason = String(error)
        for (const contact of contacts) failed.add(contact.aor)
      }
      this.#unwritten -= contacts.length
      if (++count % SLICE === 0) await turn()
    }
    if (failed.size > 0)
      this.#parts.log.error('contacts were not written to the database; they wait for the next time', {
        table: this.#parts.table.name,
        addresses: failed.size,
        reason,
      })
    return failed
  }

  /** Writes one contact to the row with its id. */
  async #write([contact]: readonly StoredContact[]): Promise<void> {
    if (contact === undefined) return
    const { table } = this.#parts
    const key = [['contact_id', '=', contact.id]] as const
    await this.#settle([contact], async ([state]) => {
      if (state === ContactState.removed || isMemoryOnly(contact)) {
        await table.delete(key)
        return
      }
      const row = this.#rowOf(contact)
      if (state === ContactState.new || (await table.update(row, key)) === 0)
        await table.insert({ ...row, contact_id: String(contact.id) })
    })
  }

  /** Writes all contacts of one AoR in the place of the rows it has. */
  async #writeOwner(changed: readonly StoredContact[]): Promise<void> {
    const [first] = changed
    if (first === undefined) return
    const { domain, table } = this.#parts
    const current = domain.stored(first.aor).filter(contact => !isMemoryOnly(contact))
    const isFresh = current.length === changed.length && changed.every(({ state }) => state === ContactState.new)
    await this.#settle([...new Set([...changed, ...current])], async () => {
      const rows = current.map(contact => this.#rowOf(contact))
      if (!isFresh) await this.#deleteRowsOf(first.aor)
      for (const row of rows) await table.insert(row)
    })
  }

  /**
   * Counts contacts as written before they are, so that what changes meanwhile is written again; where `write` fails they
   * are what they were.
   */
  async #settle(
    contacts: readonly StoredContact[],
    write: (states: readonly ContactState[]) => Promise<void>,
  ): Promise<void> {
    const states = contacts.map(({ state }) => state)
    for (const contact of contacts) if (!contact.isRemoved) contact.state = ContactState.synced
    try {
      await write(states)
    } catch (error) {
      contacts.forEach((contact, i) => {
        const before = states[i] ?? ContactState.dirty
        if (!contact.isRemoved) contact.state = before === ContactState.synced ? ContactState.dirty : before
        this.#pending.add(contact)
      })
      throw error
    }
  }

  async #deleteRowsOf(aor: string): Promise<void> {
    const { table, names } = this.#parts
    const { username, domain } = ownerColumns(aor, names, this.#hasDomain)
    const owner: Parameters<LocationTable['delete']>[0] = [
      ['username', '=', username],
      ...(domain === null ? [] : ([['domain', '=', domain]] as const)),
    ]
    const byCallId = table.missing.has('callid') ? [] : (['callid'] as const)
    const rows = await table.select({ where: owner })
    const isOwn = (row: LocationRow): boolean => row.username === username && (domain === null || row.domain === domain)
    const own = rows.filter(isOwn)
    if (this.#isKeyed) {
      for (const { contact_id: id } of own) await table.delete([['contact_id', '=', id]])
      return
    }
    for (const row of own)
      await table.delete([
        ...owner,
        ['contact', '=', row.contact],
        ...byCallId.map(key => [key, '=', row[key]] as const),
      ])
    // Some databases compare texts in any case: then rows of another address may have gone too.
    const keyOf = (row: LocationRow): string => `${row.contact} ${byCallId.map(key => row[key]).join()}`.toLowerCase()
    const deleted = new Set(own.map(keyOf))
    for (const row of rows) if (!isOwn(row) && deleted.has(keyOf(row))) await this.#putBack(row)
  }

  async #putBack({ contact_id: _, ...row }: LocationRow): Promise<void> {
    const { domain, table } = this.#parts
    try {
      await table.insert(row)
    } catch (error) {
      const aor = row.domain === null ? row.username : `${row.username}@${row.domain}`
      for (const contact of domain.stored(aor)) this.#pending.add(contact)
      throw error
    }
  }

  #rowOf(contact: StoredContact) {
    return rowOf(contact, this.#parts.names, this.#hasDomain)
  }
}

const isMemoryOnly = (contact: StoredContact): boolean => (contact.flags & ContactFlag.memoryOnly) !== 0

/** The contacts of a batch by the AoR they belong to. */
function ownersOf(batch: ReadonlySet<StoredContact>): readonly StoredContact[][] {
  return [...Map.groupBy(batch, contact => contact.aor).values()]
}
