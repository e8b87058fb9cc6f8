import type { Databases } from '../../db/databases.ts'
import { RowError, readRows } from '../../db/read-rows.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import { addressBytes } from '../../script/ip-network.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'
import type { AddressRule } from './address-book.ts'
import type { PermissionsParams } from './params.ts'

/** The table of addresses (permissions reference). */
export const ADDRESS_TABLE = {
  name: 'address',
  version: 5,
  columns: {
    id: autoColumn,
    grp: column('int', 0),
    ip: column('str'),
    mask: column('int'),
    port: column('int', 0),
    proto: column('str', 'any'),
    pattern: nullableColumn('str'),
    context_info: nullableColumn('str'),
  },
} as const

/** Names of protocols as rows and calls write them. */
export const PROTOCOLS: readonly string[] = ['any', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss']

/** Reads the addresses. Rejects where the table cannot be read; rows that are wrong are left out and logged. */
export async function loadAddresses(
  databases: Databases,
  source: { readonly url: string; readonly table: string },
  params: PermissionsParams,
  log: Log,
): Promise<readonly AddressRule[]> {
  const database = await databases.open(source.url)
  const { id_col, grp_col, ip_col, mask_col, port_col, proto_col, pattern_col, info_col } = params
  const table = await database.table(ADDRESS_TABLE, {
    table: source.table,
    columns: {
      id: id_col,
      grp: grp_col,
      ip: ip_col,
      mask: mask_col,
      port: port_col,
      proto: proto_col,
      pattern: pattern_col,
      context_info: info_col,
    },
  })
  const { rows } = await readRows(table, 'id', log, readRule)
  return rows
}

function readRule(row: RowOf<typeof ADDRESS_TABLE>): AddressRule {
  const { grp, ip, mask, port } = row
  const bytes = addressBytes(ip.trim())
  const proto = row.proto.trim().toLowerCase()
  if (grp < 0) throw new RowError('grp', `expected 0 or more, got ${grp}`)
  if (bytes === undefined) throw new RowError('ip', `expected an IP address, got "${ip}"`)
  if (mask < 0 || mask > bytes.length * 8)
    throw new RowError('mask', `expected 0 to ${bytes.length * 8} bits, got ${mask}`)
  if (port < 0 || port > 65_535) throw new RowError('port', `expected 0 to 65535, got ${port}`)
  if (!PROTOCOLS.includes(proto))
    throw new RowError('proto', `expected one of ${PROTOCOLS.join(', ')}, got "${row.proto}"`)
  const pattern = row.pattern === '' ? null : row.pattern
  return {
    group: grp,
    bytes,
    bits: mask,
    port,
    proto,
    pattern,
    matcher: pattern === null ? null : wildcardMatcher(pattern),
    info: row.context_info === '' ? null : row.context_info,
  }
}
