import type { Database } from '../../db/database.ts'
import { type ColumnSpec, column, type DbValue, nullableColumn, type TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { AvpStore } from '../../script/avp.ts'
import { type DigestCredentials, splitUsername } from '../../sip/digest/credentials.ts'
import { hashOf } from '../../sip/digest/response.ts'
import { type LoadedColumn, loadInto } from './loaded-columns.ts'
import type { AuthDbParams } from './params.ts'
import { SUBSCRIBER_TABLE } from './tables.ts'

/** How the users are read, with what depends on the era of the script settled. */
export interface AccountSettings {
  readonly params: AuthDbParams
  readonly useDomain: boolean
  /** Use password_column_2 where the user name of the credentials has a domain. */
  readonly hasSecondColumn: boolean
  readonly loaded: readonly LoadedColumn[]
  /** Do without those of them that the table lacks. */
  readonly isLoadOptional: boolean
}

/** A user found in the table. */
interface Account {
  readonly secret: { readonly password: string } | { readonly ha1: string }
  load(avps: AvpStore): void
}

/** A table of users. Only the columns that a question needs are read, so that the others need not be there. */
export class Accounts {
  readonly #open: () => Promise<Database>
  readonly #name: string
  readonly #settings: AccountSettings
  /** By the column of the secret. */
  readonly #views = new Map<string, Table<TableSpec>>()

  constructor(open: () => Promise<Database>, name: string, settings: AccountSettings) {
    this.#open = open
    this.#name = name
    this.#settings = settings
  }

  /** Looks at the table as MD5 credentials need it. Rejects with a DatabaseError. */
  async check(): Promise<void> {
    await this.#view(this.#settings.params.password_column)
  }

  /** The user that credentials name; null when there is none. Rejects with a DatabaseError. */
  async find(credentials: DigestCredentials): Promise<Account | null> {
    const { params, useDomain, loaded } = this.#settings
    const { user, domain } = splitUsername(credentials.username)
    const view = await this.#view(this.#secretColumn(credentials))
    const [row] = await view.select({
      where: [['username', '=', user], ...(useDomain ? [['domain', '=', domain || credentials.realm] as const] : [])],
    })
    if (row === undefined) return null
    const text = String(row['secret'] ?? '')
    return {
      secret: params.calculate_ha1 === 0 ? { ha1: text } : { password: text },
      load: avps => {
        for (const [i, { avp }] of loaded.entries()) loadInto(avps, avp, row[loadedKey(i)] as DbValue)
      },
    }
  }

  #secretColumn({ algorithm, username }: DigestCredentials): string {
    const { params, hasSecondColumn } = this.#settings
    if (params.calculate_ha1 !== 0) return params.password_column
    const hash = hashOf(algorithm ?? 'MD5')
    if (hash === 'SHA-256') return params.hash_column_sha256
    if (hash === 'SHA-512-256') return params.hash_column_sha512t256
    return hasSecondColumn && username.includes('@') ? params.password_column_2 : params.password_column
  }

  async #view(secretColumn: string): Promise<Table<TableSpec>> {
    const known = this.#views.get(secretColumn)
    if (known !== undefined) return known
    const { params, useDomain, loaded, isLoadOptional } = this.#settings
    const columns: Record<string, ColumnSpec> = { username: column('str'), secret: column('str') }
    const names: Record<string, string> = { username: params.user_column, secret: secretColumn }
    if (useDomain) {
      columns['domain'] = column('str')
      names['domain'] = params.domain_column
    }
    for (const [i, { column: name }] of loaded.entries()) {
      columns[loadedKey(i)] = isLoadOptional ? nullableColumn('any') : column('any')
      names[loadedKey(i)] = name
    }
    const database = await this.#open()
    const view: Table<TableSpec> = await database.table<TableSpec>(
      { ...SUBSCRIBER_TABLE, columns },
      { table: this.#name, columns: names, skipsVersion: params.skip_version_check !== 0 },
    )
    this.#views.set(secretColumn, view)
    return view
  }
}

const loadedKey = (i: number): string => `loaded${i}`
