import type { Database } from '../../db/database.ts'
import { DatabaseError } from '../../db/database-error.ts'
import type { Databases } from '../../db/databases.ts'

/** The databases of a script, by the numbers it calls them by; without a number it means the first one. */
export class DatabasesById {
  readonly #databases: Databases
  readonly #urls = new Map<string, string>()
  readonly #first: string | undefined

  /** `urls` as in `db_url`: each `url`, which is number 0, or `number url`. Throws an Error when two have one number. */
  constructor(databases: Databases, urls: readonly string[]) {
    this.#databases = databases
    for (const text of urls) {
      const [, id = '0', url = ''] = /^\s*(?:(\d+)\s+)?(.*)$/s.exec(text) ?? []
      if (this.#urls.has(id)) throw new Error(`db_url: there are two databases of number ${id}`)
      this.#urls.set(id, url.trim())
    }
    this.#first = [...this.#urls.keys()][0]
    const common = databases.urlOf(undefined)
    if (this.#first === undefined && common !== undefined) {
      this.#urls.set('0', common)
      this.#first = '0'
    }
  }

  /** The numbers there are. */
  ids(): readonly string[] {
    return [...this.#urls.keys()]
  }

  /** Rejects with a DatabaseError. */
  async open(id: string | undefined): Promise<Database> {
    const url = this.#urls.get(id ?? this.#first ?? '')
    if (url !== undefined) return this.#databases.open(url)
    const known = this.ids().join(', ')
    throw new DatabaseError(
      'E_DB_URL',
      known === '' ? 'there is no database: set db_url' : `there is no database ${id}, only ${known} (db_url)`,
    )
  }
}
