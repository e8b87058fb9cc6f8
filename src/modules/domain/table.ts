import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { domainParams } from './params.ts'

/** The table of domains that are served here. */
export const DOMAIN_TABLE = {
  name: 'domain',
  version: 4,
  // Without accept_subdomain.
  formerVersions: [3, 2],
  columns: {
    id: autoColumn,
    domain: column('str'),
    attrs: nullableColumn('str'),
    accept_subdomain: column('int', 0),
    last_modified: nullableColumn('time'),
  },
} as const

export type DomainRow = RowOf<typeof DOMAIN_TABLE>
export type DomainTable = Table<typeof DOMAIN_TABLE>

/** Opens the table. Rejects where it cannot be. */
export async function openDomainTable(
  databases: Databases,
  params: ParamValues<typeof domainParams>,
): Promise<DomainTable> {
  const url = databases.urlOf(params.db_url)
  if (url === undefined) throw new Error('domain has no database: set db_url')
  const database = await databases.open(url)
  const { domain_table, domain_col, attrs_col, subdomain_col } = params
  const columns = { domain: domain_col, attrs: attrs_col, accept_subdomain: subdomain_col }
  return database.table(DOMAIN_TABLE, { table: domain_table, columns })
}
