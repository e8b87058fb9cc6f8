import type { Database } from '../../db/database.ts'
import { DatabaseError } from '../../db/database-error.ts'
import { type ColumnSpec, type Condition, column, type TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import { SUBSCRIBER_TABLE, URI_TABLE } from './tables.ts'

/** Who may use a URI. */
export interface Owner {
  readonly user: string
  readonly domain: string
}

/** Names of columns: of tables of URIs the first three, of tables of users the others. */
export interface OwnerColumns {
  readonly uri_user_column: string
  readonly uri_domain_column: string
  readonly uri_uriuser_column: string
  readonly user_column: string
  readonly domain_column: string
  /** Not 0: versions of tables are not looked at. */
  readonly skip_version_check: number
}

/** A table that tells whose URIs are whose: one of URIs, or one of users, each of whom owns the URI of that name. */
export class UriOwners {
  readonly #open: () => Promise<Database>
  readonly #name: string
  readonly #params: OwnerColumns
  readonly #useDomain: boolean
  #table: Promise<Table<TableSpec>> | null = null

  constructor(open: () => Promise<Database>, name: string, params: OwnerColumns, useDomain: boolean) {
    this.#open = open
    this.#name = name
    this.#params = params
    this.#useDomain = useDomain
  }

  /** Looks at the table. Rejects with a DatabaseError. */
  async check(): Promise<void> {
    await this.#opened()
  }

  /** Whether the user owns the URI with this user part. Rejects with a DatabaseError. */
  async owns(owner: Owner, uriUser: string): Promise<boolean> {
    const rows = await this.#rows(
      [
        ['username', '=', owner.user],
        ['uri_user', '=', uriUser],
      ],
      owner.domain,
    )
    return rows.length > 0
  }

  /** The owner of a URI; null without one. Rejects with a DatabaseError. */
  async ownerOf(uriUser: string, host: string): Promise<Owner | null> {
    const [row] = await this.#rows([['uri_user', '=', uriUser]], host)
    if (row === undefined) return null
    return { user: String(row['username'] ?? ''), domain: String(row['domain'] ?? '') || host }
  }

  async #rows(where: readonly Condition[], domain: string) {
    const table = await this.#opened()
    return table.select({ where: this.#useDomain ? [...where, ['domain', '=', domain]] : where })
  }

  #opened(): Promise<Table<TableSpec>> {
    this.#table ??= this.#find().catch(error => {
      // The next one who asks tries again.
      this.#table = null
      throw error
    })
    return this.#table
  }

  async #find(): Promise<Table<TableSpec>> {
    const database = await this.#open()
    const { uri_user_column, uri_domain_column, uri_uriuser_column, user_column, domain_column } = this.#params
    try {
      return await this.#as(database, URI_TABLE, [uri_user_column, uri_domain_column, uri_uriuser_column])
    } catch (error) {
      if (!(error instanceof DatabaseError) || !['E_DB_COLUMN', 'E_DB_VERSION'].includes(error.code)) throw error
      return this.#as(database, SUBSCRIBER_TABLE, [user_column, domain_column, user_column])
    }
  }

  #as(database: Database, { name, version }: TableSpec, [username, domain, uriUser]: [string, string, string]) {
    const columns: Record<string, ColumnSpec> = {
      username: column('str'),
      domain: this.#useDomain ? column('str') : column('str', ''),
      uri_user: column('str'),
    }
    const formerVersions = name === SUBSCRIBER_TABLE.name ? SUBSCRIBER_TABLE.formerVersions : []
    return database.table<TableSpec>(
      { name, version, formerVersions, columns },
      {
        table: this.#name,
        columns: { username, domain, uri_user: uriUser },
        skipsVersion: this.#params.skip_version_check !== 0,
      },
    )
  }
}
