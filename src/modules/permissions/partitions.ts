import type { Databases } from '../../db/databases.ts'
import type { Log } from '../../log/log.ts'
import { AddressBook } from './address-book.ts'
import { loadAddresses } from './address-table.ts'
import type { PermissionsParams } from './params.ts'

/** The partition there is without a `partition` parameter. */
export const DEFAULT_PARTITION = 'default'

/** A set of addresses with a table of its own. */
export class Partition {
  readonly name: string
  readonly source: { readonly url: string | undefined; readonly table: string }
  book = new AddressBook([])
  /** The script asks it something, so that its table must be there. */
  isUsed: boolean

  constructor(name: string, source: Partition['source'], isUsed: boolean) {
    this.name = name
    this.source = source
    this.isUsed = isUsed
  }
}

interface PartitionsParts {
  readonly params: PermissionsParams
  readonly databases: Databases
  readonly log: Log
}

/** Every set of addresses. */
export class Partitions {
  readonly #parts: PartitionsParts
  readonly #all = new Map<string, Partition>()

  /** Throws an Error that says which parameter is wrong. */
  constructor(parts: PartitionsParts) {
    const { params, databases } = parts
    this.#parts = parts
    const { db_url, address_table } = params
    this.#add(DEFAULT_PARTITION, { url: databases.urlOf(db_url), table: address_table }, db_url !== undefined)
    for (const text of params.partition) {
      const { name, given } = parsePartition(text)
      const source = {
        url: databases.urlOf(given.get('db_url') ?? db_url),
        table: given.get('table_name') ?? address_table,
      }
      this.#add(name, source, true)
    }
  }

  find(name: string): Partition | undefined {
    return this.#all.get(name)
  }

  /** Those that addresses are loaded for. */
  used(): readonly Partition[] {
    return [...this.#all.values()].filter(({ isUsed }) => isUsed)
  }

  names(): readonly string[] {
    return [...this.#all.keys()]
  }

  /** Loads the addresses anew. Rejects where they cannot be read; those from before then stay. */
  async load(partition: Partition): Promise<void> {
    const { params, databases, log } = this.#parts
    const { url, table } = partition.source
    if (url === undefined) throw new Error(`partition ${partition.name} of permissions has no database: set db_url`)
    partition.book = new AddressBook(await loadAddresses(databases, { url, table }, params, log))
  }

  #add(name: string, source: Partition['source'], isUsed: boolean): void {
    this.#all.set(name, new Partition(name, source, isUsed))
  }
}

/** Reads `name: key=value; key=value`. */
function parsePartition(text: string): { readonly name: string; readonly given: ReadonlyMap<string, string> } {
  const colon = text.indexOf(':')
  const name = text.slice(0, colon).trim()
  if (colon < 0 || name === '') throw new Error(`partition "${text}": expected name: db_url=…; table_name=…`)
  const items = text.slice(colon + 1).split(';')
  const given = items
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const [, key = '', value = ''] = /^(db_url|table_name)\s*=\s*(.*)$/s.exec(item) ?? []
      if (key === '') throw new Error(`partition "${text}": expected db_url=… or table_name=…, got "${item}"`)
      return [key, value] as const
    })
  return { name, given: new Map(given) }
}
