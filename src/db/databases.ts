import type { Log } from '../log/log.ts'
import { Database } from './database.ts'
import { DatabaseError } from './database-error.ts'
import type { Driver, Store } from './driver.ts'

interface DatabasesParts {
  readonly log: Log
  /** Relative paths start here: the folder of the configuration file. */
  readonly directory: string
  /** `db_default_url` */
  readonly defaultUrl?: string | undefined
  /** `db_version_table` */
  readonly versionTable: string
}

/** Every database of the running proxy: drivers by the schemes of their URLs, and what was opened with them. */
export class Databases {
  /** Where relative paths of the configuration start. */
  readonly directory: string
  readonly #parts: DatabasesParts
  readonly #drivers = new Map<string, Driver>()
  readonly #open = new Map<string, Promise<Store>>()

  constructor(parts: DatabasesParts) {
    this.#parts = parts
    this.directory = parts.directory
  }

  /** Makes the schemes of a driver known. Throws an Error when one is taken. */
  register(driver: Driver): void {
    for (const scheme of driver.schemes) {
      if (this.#drivers.has(scheme)) throw new Error(`there are two database drivers for ${scheme}://`)
      this.#drivers.set(scheme, driver)
    }
  }

  /** The URL a module uses: its own, else the default one, else undefined. */
  urlOf(url: string | undefined): string | undefined {
    return url ?? this.#parts.defaultUrl
  }

  /** The database behind a URL, opened once however many ask for it. Rejects with a DatabaseError. */
  async open(url: string): Promise<Database> {
    const store = this.#open.get(url) ?? this.#openStore(url)
    this.#open.set(url, store)
    try {
      return new Database(await store, this.#parts.log, this.#parts.versionTable, safeUrl(url))
    } catch (error) {
      // The next one who asks tries again.
      if (this.#open.get(url) === store) this.#open.delete(url)
      throw error
    }
  }

  /** Closes what was opened with these schemes. Rejects with the first error, when all have been closed. */
  async close(schemes: readonly string[]): Promise<void> {
    const mine = [...this.#open].filter(([url]) => schemes.includes(splitUrl(url).scheme))
    for (const [url] of mine) this.#open.delete(url)
    const results = await Promise.allSettled(mine.map(async ([, store]) => (await store).close()))
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #openStore(url: string): Promise<Store> {
    const { scheme, location } = splitUrl(url)
    const driver = this.#drivers.get(scheme)
    if (driver !== undefined) return driver.open(location, this.#parts)
    const known = [...this.#drivers.keys()].map(name => `${name}://`).join(', ')
    throw new DatabaseError(
      'E_DB_SCHEME',
      `database URL "${safeUrl(url)}": no loaded module serves ${scheme}:// (${known === '' ? 'none is loaded' : `there is ${known}`}); is a loadmodule "db_${scheme}.so" missing?`,
    )
  }
}

function splitUrl(url: string): { readonly scheme: string; readonly location: string } {
  const parts = /^([A-Za-z][\w+.-]*):(?:\/\/)?(.*)$/s.exec(url.trim())
  if (parts === null)
    throw new DatabaseError(
      'E_DB_URL',
      `database URL "${safeUrl(url)}": expected scheme://location, as in text:///etc/db`,
    )
  return { scheme: (parts[1] ?? '').toLowerCase(), location: parts[2] ?? '' }
}

/** Without the password: URLs are logged. */
const safeUrl = (url: string): string => url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@')
