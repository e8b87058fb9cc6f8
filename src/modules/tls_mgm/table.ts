import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { DomainSettings, Pem } from './domain-settings.ts'
import { addressMatches, nameMatches } from './matching.ts'

/** The table of TLS domains. Certificates, keys, authorities and parameters stand in it as PEM text. */
export const TLS_TABLE = {
  name: 'tls_mgm',
  version: 3,
  // Version 2 has no lists of matches in columns of text that long.
  formerVersions: [2],
  columns: {
    id: autoColumn,
    domain: column('str'),
    match_ip_address: nullableColumn('str'),
    match_sip_domain: nullableColumn('str'),
    type: column('int', 1),
    method: nullableColumn('str'),
    verify_cert: column('int', 1),
    require_cert: column('int', 1),
    verify_hostname: column('int', 1),
    certificate: nullableColumn('blob'),
    private_key: nullableColumn('blob'),
    crl_check_all: column('int', 0),
    crl_dir: nullableColumn('str'),
    ca_list: nullableColumn('blob'),
    ca_dir: nullableColumn('str'),
    cipher_list: nullableColumn('str'),
    dh_params: nullableColumn('blob'),
    ec_curve: nullableColumn('str'),
  },
} as const

/** Values of the column `type`. */
const CLIENT = 1
const SERVER = 2

/** The domains in a table, in the order of its rows. Rejects with a DatabaseError, or an Error that names the domain. */
export async function domainsIn(
  databases: Databases,
  url: string,
  table: string,
  columns: Readonly<Record<string, string>>,
): Promise<readonly DomainSettings[]> {
  const database = await databases.open(url)
  const rows = await (await database.table(TLS_TABLE, { table, columns })).select()
  return rows.map(fromRow)
}

function fromRow(row: RowOf<typeof TLS_TABLE>): DomainSettings {
  if (row.type !== CLIENT && row.type !== SERVER)
    throw new Error(`TLS domain ${row.domain}: type is ${row.type}, expected 1 (client) or 2 (server)`)
  return {
    name: row.domain,
    role: row.type === SERVER ? 'server' : 'client',
    addresses: addressMatches(row.match_ip_address ?? '*', row.domain),
    names: nameMatches(row.match_sip_domain ?? '*'),
    method: row.method ?? '',
    verifies: row.verify_cert !== 0,
    requires: row.require_cert !== 0,
    checksName: row.verify_hostname !== 0,
    certificate: pem(row.certificate),
    privateKey: pem(row.private_key),
    caList: pem(row.ca_list),
    caDir: row.ca_dir ?? '',
    crlDir: row.crl_dir ?? '',
    ciphers: row.cipher_list ?? '',
    dhParams: pem(row.dh_params),
    ecCurve: row.ec_curve ?? '',
  }
}

const pem = (text: string | null): Pem | null => (text === null || text === '' ? null : { text })
