import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DatabaseError } from '../database-error.ts'
import type { Driver, DriverHost } from '../driver.ts'
import { TextStore, type TextStoreOptions } from './text-store.ts'

/** `text://folder`: every file of the folder is a table. A folder is one store, however its URL is written. */
export class TextDriver implements Driver {
  readonly schemes = ['text', 'dbtext']
  readonly #options: TextStoreOptions
  readonly #stores: TextStore[] = []

  constructor(options: TextStoreOptions) {
    this.#options = options
  }

  /** Every store that was opened. */
  get stores(): readonly TextStore[] {
    return this.#stores
  }

  async open(location: string, { directory, log }: DriverHost): Promise<TextStore> {
    const folder = resolve(directory, location)
    const isFolder = await stat(folder).then(
      found => found.isDirectory(),
      () => false,
    )
    if (!isFolder) throw new DatabaseError('E_DB_URL', `text://${location}: there is no folder ${folder}`)
    const known = this.#stores.find(store => store.folder === folder)
    if (known !== undefined) return known
    const store = new TextStore(folder, this.#options, log)
    this.#stores.push(store)
    return store
  }
}
