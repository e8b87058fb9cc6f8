import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { RecordData } from './record.ts'

/** The table of registrations. */
export const REGISTRANT_TABLE = {
  name: 'registrant',
  version: 3,
  // Without cluster_shtag and state.
  formerVersions: [2, 1],
  columns: {
    id: autoColumn,
    registrar: column('str'),
    proxy: nullableColumn('str'),
    aor: column('str'),
    third_party_registrant: nullableColumn('str'),
    username: nullableColumn('str'),
    password: nullableColumn('str'),
    binding_URI: column('str'),
    binding_params: nullableColumn('str'),
    expiry: nullableColumn('int'),
    forced_socket: nullableColumn('str'),
    cluster_shtag: nullableColumn('str'),
    state: column('int', 0),
  },
} as const

/** Names of the columns, by the names above. */
export type ColumnNames = Readonly<Record<keyof typeof REGISTRANT_TABLE.columns, string>>

interface Source {
  readonly databases: Databases
  readonly url: string
  readonly table: string
  readonly columns: Partial<ColumnNames>
  readonly proxy: SipProxy
  readonly log: Log
}

const DEFAULT_EXPIRES_S = 3600

/** All registrations of the table that can be used; the others are logged. Rejects where it cannot be read. */
export async function loadRecords(source: Source): Promise<readonly RecordData[]> {
  const database = await source.databases.open(source.url)
  const table = await database.table(REGISTRANT_TABLE, { table: source.table, columns: source.columns })
  const rows = await table.select()
  return rows.flatMap(row => {
    const uris = [
      row.registrar,
      row.aor,
      row.binding_URI,
      textOrNull(row.proxy),
      textOrNull(row.third_party_registrant),
    ]
    const bad = uris.find(uri => uri !== null && (parseUri(uri) === null || /[<>\s]/.test(uri)))
    const socketText = textOrNull(row.forced_socket)
    const socket = socketText === null ? null : source.proxy.findSocket(socketText)
    if (bad !== undefined || socket === undefined) {
      const fault = bad === undefined ? `socket ${socketText}` : `URI ${bad}`
      source.log.error('a registration is left out: it cannot be used', { id: row.id, aor: row.aor, fault })
      return []
    }
    return [
      {
        registrar: row.registrar,
        proxy: textOrNull(row.proxy),
        aor: row.aor,
        thirdParty: textOrNull(row.third_party_registrant),
        username: textOrNull(row.username),
        password: textOrNull(row.password),
        binding: row.binding_URI,
        bindingParams: contactParams(row.binding_params ?? ''),
        expiresS: row.expiry ?? DEFAULT_EXPIRES_S,
        socket,
        isEnabled: row.state === 0,
      },
    ]
  })
}

function contactParams(text: string): string {
  const clean = text.replace(/[\r\n]/g, '').trim()
  return clean === '' || clean.startsWith(';') ? clean : `;${clean}`
}

const textOrNull = (text: string | null): string | null => (text === '' ? null : text)
