import { DatabaseError } from '../../db/database-error.ts'
import type { Databases } from '../../db/databases.ts'
import { readRows } from '../../db/read-rows.ts'
import type { Log } from '../../log/log.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import type { Contact, StoredContact } from './contact.ts'
import type { Domain, Sessions } from './domain.ts'
import { type columnNames, LOCATION_ROWS, type LocationRow } from './location-table.ts'
import type { StorageMode } from './modes.ts'
import { contactOf, ownerColumns, type ReadContact, type RowNames, readRow } from './row-codec.ts'
import { type LocationTable, RowWriter } from './row-writer.ts'
import { Patience, StorageError, TableSessions, WriteThroughSessions } from './sessions.ts'

interface StorageParts {
  readonly databases: Databases
  readonly url: string
  readonly columns: ReturnType<typeof columnNames>
  readonly mode: StorageMode
  readonly names: RowNames
  readonly clock: Clock
  readonly log: Log
  readonly intervalS: number
  /** Whether expired rows are for this node to clear. */
  readonly clearsExpired: () => boolean
  /** Counts what the database refused. */
  readonly failures: Counter
  readonly findSocket: (text: string) => ListenSocket | undefined
  /** Told of a contact of the database alone that has expired. */
  readonly onExpired: (domain: Domain, contact: Contact) => void
}

interface OpenTable {
  readonly domain: Domain
  readonly table: LocationTable
  readonly writer: RowWriter
}

/** The location tables of a database: read at start, kept up to date as the mode says. */
export class Storage {
  readonly #parts: StorageParts
  readonly #patience: Patience
  readonly #tables = new Map<Domain, OpenTable>()
  /** Contacts whose socket is not open yet. */
  #unplaced: [StoredContact, string][] | null = []
  #timer: Timer | null = null

  constructor(parts: StorageParts) {
    this.#parts = parts
    this.#patience = new Patience(parts.clock)
  }

  /** Contacts whose rows are not up to date. */
  get pendingCount(): number {
    let count = 0
    for (const { writer } of this.#tables.values()) count += writer.pendingCount
    return count
  }

  /** Opens the table of a domain and takes its contacts in. Rejects with a DatabaseError. */
  async open(domain: Domain): Promise<void> {
    const { databases, url, columns, mode } = this.#parts
    const database = await databases.open(url)
    const table = await database.table(LOCATION_ROWS, { table: domain.name, columns })
    const opened = { domain, table, writer: this.#writerOf(domain, table) }
    if (mode.loads) await this.#load(opened)
    this.#tables.set(domain, opened)
    if (mode.writes !== 'never') domain.rows = opened.writer
    domain.sessions = this.#sessionsOf(opened)
  }

  /** As {@link open}, for a table that is first named while messages are served: work on it waits, or fails. */
  openLate(domain: Domain): void {
    const opening = this.open(domain).catch((error: unknown) => {
      this.#parts.failures.value++
      this.#parts.log.error('a location table cannot be opened', { table: domain.name, reason: String(error) })
      domain.sessions = { run: () => Promise.reject(new StorageError(`table ${domain.name} cannot be opened`)) }
    })
    domain.sessions = { run: (aor, work) => opening.then(() => domain.run(aor, work)) }
  }

  /** The sockets are open: contacts get theirs. */
  placeContacts(): void {
    const waiting = this.#unplaced ?? []
    this.#unplaced = null
    for (const [contact, text] of waiting) contact.socket = this.#socketOf(text)
  }

  /** Writes what was not written, and takes out rows that have expired, at intervals. */
  start(): void {
    const { clearsExpired, clock, intervalS, mode } = this.#parts
    if (mode.writes === 'never') return
    this.#timer = clock.every(intervalS * 1000, () => {
      void this.flush()
      if (!mode.hasMemory && clearsExpired())
        for (const opened of this.#tables.values()) void this.#removeExpiredRows(opened)
    })
  }

  /** Writes all that has changed. Gives whether everything was taken; never rejects. */
  async flush(): Promise<boolean> {
    const results = await Promise.all([...this.#tables.values()].map(({ writer }) => writer.flush()))
    return results.every(failed => failed.size === 0)
  }

  /** Writes a table, or one AoR of it, anew from memory. Rejects with a DatabaseError or StorageError. */
  async rewrite(domain: Domain, aor: string | undefined): Promise<void> {
    const opened = this.#tables.get(domain)
    if (opened === undefined || !this.#parts.mode.hasMemory || this.#parts.mode.writes === 'never') return
    const failed = await opened.writer.rewrite(aor)
    if (failed.size > 0) throw new StorageError('not every contact was written to the database')
  }

  /** Every contact of a table that is kept in the database alone. Rejects with a DatabaseError. */
  async contactsInTable(domain: Domain): Promise<readonly ReadContact[]> {
    const opened = this.#tables.get(domain)
    if (opened === undefined) return []
    const { log, names } = this.#parts
    const read = (row: LocationRow) => readRow(row, names)
    return (await readRows(opened.table, 'contact', log, read)).rows
  }

  /** Writes what is left. Ends early, leaving it, when `signal` aborts. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#timer?.clear()
    if (signal.aborted) return void this.flush()
    const aborted = new Promise<false>(resolve =>
      signal.addEventListener('abort', () => resolve(false), { once: true }),
    )
    const isDone = await Promise.race([this.flush(), aborted])
    if (!isDone) this.#parts.log.error('contacts were left unwritten', { contacts: this.pendingCount })
  }

  #sessionsOf(opened: OpenTable): Sessions | null {
    const { mode } = this.#parts
    const patience = this.#patience
    if (!mode.hasMemory) return new TableSessions({ ...opened, patience, load: aor => this.#loadAor(opened, aor) })
    return mode.writes === 'through' ? new WriteThroughSessions(opened.writer, patience) : null
  }

  #writerOf(domain: Domain, table: LocationTable): RowWriter {
    const { mode, names, log, failures } = this.#parts
    const writer: RowWriter = new RowWriter({
      domain,
      table,
      names,
      log,
      failures,
      onChange: () => {
        if (mode.hasMemory && mode.writes === 'through') void writer.flush()
      },
    })
    return writer
  }

  async #load({ domain, table }: OpenTable): Promise<void> {
    const { clock, log, names } = this.#parts
    const nowS = Math.floor(clock.nowMs() / 1000)
    const { rows } = await readRows(table, 'contact', log, row => readRow(row, names))
    const valid = rows.filter(({ data }) => data.expiresS === 0 || data.expiresS > nowS)
    for (const found of valid) await this.#adopt(domain, table, found)
    if (valid.length < rows.length && this.#parts.clearsExpired()) await table.delete(expiredRows(nowS))
    log.info('Contacts loaded', { table: table.name, contacts: valid.length, expired: rows.length - valid.length })
  }

  async #loadAor({ domain, table }: OpenTable, aor: string): Promise<void> {
    const { names, failures } = this.#parts
    const { username, domain: host } = ownerColumns(aor, names, !table.missing.has('domain'))
    try {
      const rows = await table.select({
        where: [['username', '=', username], ...(host === null ? [] : ([['domain', '=', host]] as const))],
      })
      for (const row of rows) {
        const found = readRow(row, names)
        // Texts are compared in any case by some databases.
        if (found.aor === aor) await this.#adopt(domain, table, found)
      }
    } catch (error) {
      failures.value++
      throw error
    }
  }

  async #adopt(domain: Domain, table: LocationTable, found: ReadContact): Promise<void> {
    const contact = domain.adopt(found.aor, found.data, found.facts)
    if (found.socketText !== '') {
      if (this.#unplaced === null) contact.socket = this.#socketOf(found.socketText)
      else this.#unplaced.push([contact, found.socketText])
    }
    // An id of 64 bits, or none: it gets one that a number holds.
    if (found.facts.id === 0 && found.rowId !== null)
      await table.update({ contact_id: String(contact.id) }, [['contact_id', '=', found.rowId]])
  }

  /** What the timer does for contacts that are in no memory. Never rejects. */
  async #removeExpiredRows(opened: OpenTable): Promise<void> {
    const { clock, failures, log, onExpired } = this.#parts
    const nowS = Math.floor(clock.nowMs() / 1000)
    try {
      const rows = await this.contactsInTable(opened.domain)
      const expired = rows.filter(({ data }) => data.expiresS !== 0 && data.expiresS <= nowS)
      if (expired.length === 0) return
      await opened.table.delete(expiredRows(nowS))
      for (const found of expired) {
        opened.domain.expired.value++
        onExpired(opened.domain, contactOf(found))
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      failures.value++
      log.error('expired contacts were not removed from the database', {
        table: opened.table.name,
        reason: error.message,
      })
    }
  }

  #socketOf(text: string): ListenSocket | null {
    const socket = this.#parts.findSocket(text)
    if (socket === undefined) this.#parts.log.info('the socket of a contact is not one of ours', { socket: text })
    return socket ?? null
  }
}

/** Rows whose time is over, but for those that stay for ever. */
const expiredRows = (nowS: number) =>
  [
    ['expires', '<=', String(nowS)],
    ['expires', '>', '0'],
  ] as const
