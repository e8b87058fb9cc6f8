import { resolve } from 'node:path'
import { DatabaseError } from '../database-error.ts'
import type { Driver, DriverHost, Store } from '../driver.ts'
import { type SqliteOptions, SqliteStore } from './sqlite-store.ts'

/** `sqlite://file`: a SQLite database, made when there is none. */
export class SqliteDriver implements Driver {
  readonly schemes = ['sqlite']
  readonly #options: SqliteOptions

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  async open(location: string, { directory }: DriverHost): Promise<Store> {
    if (location === '') throw new DatabaseError('E_DB_URL', 'sqlite://: expected the path of a file behind it')
    return SqliteStore.open(resolve(directory, location), this.#options)
  }
}
