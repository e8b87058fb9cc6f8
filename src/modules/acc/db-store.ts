import { setImmediate as turn } from 'node:timers/promises'
import { DatabaseError } from '../../db/database-error.ts'
import type { Databases } from '../../db/databases.ts'
import { type DbValue, nullableColumn, type TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { Log } from '../../log/log.ts'
import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'

/** A row by the names of its declared columns. */
export type Row = Readonly<Record<string, DbValue>>

/** What became of the rows. */
export interface StoreCounts {
  /** Refused for good by the database. */
  readonly failed: Counter
  /** Dropped because too many waited. */
  readonly dropped: Counter
  /** Attempts that are made again. */
  readonly retried: Counter
}

interface StoreParts {
  readonly databases: Databases
  readonly clock: Clock
  readonly log: Log
  readonly counts: StoreCounts
  readonly url: string | undefined
  /** What the script calls the columns that all tables have. */
  readonly columns: Readonly<Record<string, string>>
  /** Names of the columns that the configuration adds. */
  readonly extraColumns: readonly string[]
  readonly maxQueued: number
}

interface Waiting {
  readonly spec: TableSpec
  readonly table: string
  readonly row: Row
  readonly settled: (isDone: boolean) => void
}

/** Faults that no repetition cures. */
const PERMANENT: ReadonlySet<string> = new Set([
  'E_DB_VALUE',
  'E_DB_COLUMN',
  'E_DB_TABLE',
  'E_DB_VERSION',
  'E_DB_FORMAT',
])
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Puts rows into the database, one after the other and off the way of SIP. A row the database refuses is logged and counted;
 * while the database is not there rows wait, up to a bound.
 */
export class RecordStore {
  /** The script asks for rows. */
  isWanted = false
  readonly #parts: StoreParts
  readonly #tables = new Map<string, Promise<Table<TableSpec>>>()
  readonly #queue: Waiting[] = []
  readonly #versioned = new Set<string>()
  #work: Promise<void> | null = null
  #endPause: (() => void) | null = null
  #isStopped = false

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  /** How many rows wait. */
  get queued(): number {
    return this.#queue.length
  }

  /** Opens the tables whose names are known. Rejects with an Error that says what is wrong. */
  async start(tables: readonly (readonly [spec: TableSpec, name: string])[]): Promise<void> {
    if (!this.isWanted) return
    if (this.#parts.url === undefined) throw new Error('accounting with "db" needs db_url')
    for (const [spec, name] of tables) {
      this.#versioned.add(name)
      await this.#table(spec, name)
    }
  }

  /** Takes a row; `settled` is called once the database has it or has refused it for good, with false where it was dropped. */
  put(spec: TableSpec, table: string, row: Row, settled: Waiting['settled']): void {
    const { counts, log, maxQueued } = this.#parts
    if (this.#queue.length >= maxQueued) {
      counts.dropped.value++
      log.often(table).error('a row of accounting was dropped: too many wait for the database', {
        table,
        callid: String(row['callid']),
        dropped: counts.dropped.value,
      })
      settled(false)
      return
    }
    this.#queue.push({ spec, table, row, settled })
    this.#work ??= this.#drain()
  }

  /** Writes what waits, until `signal` aborts. What is left is logged and counted as dropped; records of calls stay in the journal. */
  async stop(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    this.#endPause?.()
    await Promise.race([this.#work ?? undefined, signal.aborted ? turn() : aborted])
    this.#isStopped = true
    this.#endPause?.()
    const left = this.#queue.splice(0)
    if (left.length === 0) return
    this.#parts.counts.dropped.value += left.length
    this.#parts.log.error('rows of accounting were not written: the database was not there in time', {
      rows: left.length,
    })
  }

  async #drain(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    // Lets the message that the first row is about go on.
    await turn()
    for (let next = this.#queue[0]; next !== undefined && !this.#isStopped; next = this.#queue[0]) {
      const isSettled = await this.#write(next)
      if (isSettled) {
        if (this.#queue[0] === next) this.#queue.shift()
        pauseMs = FIRST_PAUSE_MS
        await turn()
      } else {
        await this.#pause(pauseMs)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
    this.#work = null
  }

  /** False: it is to be tried again. */
  async #write({ spec, table, row, settled }: Waiting): Promise<boolean> {
    const { counts, log } = this.#parts
    const callid = String(row['callid'])
    try {
      await (await this.#table(spec, table)).insert(row)
      settled(true)
      return true
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!(error instanceof DatabaseError) || PERMANENT.has(error.code)) {
        counts.failed.value++
        log.often(table).error('the database refused a row of accounting: it is lost', { table, callid, reason })
        settled(true)
        return true
      }
      counts.retried.value++
      log.error('the database did not take a row of accounting: it is tried again', {
        table,
        callid,
        waiting: this.#queue.length,
        reason,
      })
      return false
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    return new Promise(resolve => {
      const timer = this.#parts.clock.after(ms, resolve)
      this.#endPause = () => {
        timer.clear()
        resolve()
      }
    })
  }

  #table(spec: TableSpec, name: string): Promise<Table<TableSpec>> {
    const key = `${spec.name} ${name}`
    const known = this.#tables.get(key) ?? this.#open(spec, name)
    this.#tables.set(key, known)
    known.catch(() => this.#tables.delete(key))
    return known
  }

  async #open(spec: TableSpec, name: string): Promise<Table<TableSpec>> {
    const { columns, databases, extraColumns, url } = this.#parts
    if (url === undefined) throw new DatabaseError('E_DB_URL', 'accounting with "db" needs db_url')
    const database = await databases.open(url)
    const extras = Object.fromEntries(extraColumns.map(column => [column, nullableColumn('str')]))
    // Of tables that a function of the script names no version is kept.
    const skipsVersion = !this.#versioned.has(name)
    const extended: TableSpec = { ...spec, columns: { ...spec.columns, ...extras } }
    return database.table(extended, { table: name, columns, skipsVersion })
  }
}
