import type { Database } from '../../db/database.ts'
import type { Table } from '../../db/table.ts'
import { escapeUser, parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import type { AliasParams } from './params.ts'
import { ALIAS_TABLE } from './table.ts'

/** How to look. */
export interface LookupFlags {
  /** By user alone (flag `d`). */
  readonly ignoresDomain: boolean
  /** From the user to the alias (flag `r`). */
  readonly isReverse: boolean
}

/** Reads flags: the letters d and r, in any order. Null where there is another. */
export function parseLookupFlags(text: string): LookupFlags | null {
  const letters = text.replace(/[\s,]/g, '').toLowerCase()
  if (!/^[dr]*$/.test(letters)) return null
  return { ignoresDomain: letters.includes('d'), isReverse: letters.includes('r') }
}

/** A table that says which users aliases stand for. */
export class Aliases {
  readonly #open: () => Promise<Database>
  readonly #name: string
  readonly #params: AliasParams
  #table: Table<typeof ALIAS_TABLE> | null = null

  constructor(open: () => Promise<Database>, name: string, params: AliasParams) {
    this.#open = open
    this.#name = name
    this.#params = params
  }

  /** Looks at the table. Rejects with a DatabaseError. */
  async check(): Promise<void> {
    await this.#opened()
  }

  /** The URIs that one stands for, in the order of the table; none where it has no user. Rejects with a DatabaseError. */
  async find(uri: string, { ignoresDomain, isReverse }: LookupFlags): Promise<readonly string[]> {
    const parsed = parseUri(uri)
    if (parsed === null || parsed.user === '') return []
    const prefix = this.#params.domain_prefix ?? ''
    const domain = parsed.host.startsWith(prefix) ? parsed.host.slice(prefix.length) : parsed.host
    const [user, host] = isReverse ? (['username', 'domain'] as const) : (['alias_username', 'alias_domain'] as const)
    const table = await this.#opened()
    const rows = await table.select({
      where: [[user, '=', unescapeUser(parsed.user)], ...(ignoresDomain ? [] : [[host, '=', domain] as const])],
    })
    return rows.flatMap(row => {
      const found = isReverse ? [row.alias_username, row.alias_domain] : [row.username, row.domain]
      const result = `sip:${escapeUser(found[0] ?? '')}@${found[1] || parsed.host}`
      // A row may hold anything, and what it gives is written into requests.
      return found[0] === '' || parseUri(result) === null ? [] : [result]
    })
  }

  async #opened(): Promise<Table<typeof ALIAS_TABLE>> {
    if (this.#table !== null) return this.#table
    const database = await this.#open()
    const { user_column, domain_column, alias_user_column, alias_domain_column } = this.#params
    const columns = {
      username: user_column,
      domain: domain_column,
      alias_username: alias_user_column,
      alias_domain: alias_domain_column,
    }
    this.#table = await database.table(ALIAS_TABLE, { table: this.#name, columns })
    return this.#table
  }
}
