import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'

/** Documents of users, as XCAP servers store them. */
export const XCAP_TABLE = {
  name: 'xcap',
  version: 4,
  columns: {
    id: autoColumn,
    username: column('str'),
    domain: column('str'),
    doc: column('blob'),
    doc_type: column('int'),
    etag: column('str', ''),
    source: column('int', 0),
    doc_uri: nullableColumn('str'),
    port: column('int', 0),
  },
} as const

/** Values of `doc_type`. */
const DOCUMENT_TYPE = { rules: 2, presence: 16 } as const

/** Documents of users in a database. */
export class DocumentTable {
  readonly #databases: Databases
  readonly #url: string
  readonly #name: string
  #table: Table<typeof XCAP_TABLE> | null = null

  constructor(databases: Databases, url: string, name: string) {
    this.#databases = databases
    this.#url = url
    this.#name = name
  }

  /** Rejects with an Error that says what is wrong. */
  async open(): Promise<void> {
    const database = await this.#databases.open(this.#url)
    this.#table = await database.table(XCAP_TABLE, { table: this.#name })
  }

  /** The rules of a user, or the presence document that stands for a user who has published none; null without. Rejects
   * where the database does not answer.
   */
  async find(kind: keyof typeof DOCUMENT_TYPE, user: string, domain: string): Promise<string | null> {
    const rows = await this.#table?.select({
      where: [
        ['username', '=', user],
        ['domain', '=', domain],
        ['doc_type', '=', DOCUMENT_TYPE[kind]],
      ],
    })
    return rows?.[0]?.doc ?? null
  }
}
