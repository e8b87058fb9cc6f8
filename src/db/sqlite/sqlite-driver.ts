import { resolve } from 'node:path'
import { DatabaseError } from '../database-error.ts'
import type { Driver, DriverHost, Store } from '../driver.ts'
import { SqliteStore } from './sqlite-store.ts'

export interface SqliteOptions {
  /** Longest wait for another process that is writing. */
  readonly busyTimeoutMs: number
}

/** `sqlite://file`: a SQLite database, made when there is none. */
export class SqliteDriver implements Driver {
  readonly schemes = ['sqlite']
  readonly #options: SqliteOptions

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  async open(location: string, { directory }: DriverHost): Promise<Store> {
    if (location === '') throw new DatabaseError('E_DB_URL', 'sqlite://: expected the path of a file behind it')
    const path = resolve(directory, location)
    // Only where it is used: some versions of Node.js warn when it is loaded.
    const { DatabaseSync } = await import('node:sqlite')
    try {
      const database = new DatabaseSync(path, { timeout: this.#options.busyTimeoutMs })
      // Statements run in the thread that serves SIP: none must wait for the disk. What was written survives the end of
      // this process; after a loss of power the last writes may be missing, but the file is whole.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      return new SqliteStore(database, path)
    } catch (cause) {
      throw new DatabaseError('E_DB_STORAGE', `cannot open ${path}: ${String(cause)}`, { cause })
    }
  }
}
