import type { Databases } from '../../db/databases.ts'
import { autoColumn, column } from '../../db/schema.ts'
import { parseSocketList, type SocketList } from './address.ts'

/** The table of RTP proxies (rtpproxy reference, parameters). */
export const RTPPROXY_TABLE = {
  name: 'rtpproxy_sockets',
  version: 0,
  columns: { id: autoColumn, rtpproxy_sock: column('str'), set_id: column('int') },
} as const

/** Where it is, and what its columns are called. */
export interface SocketTableNames {
  readonly url: string
  readonly table: string
  readonly socketColumn: string
  readonly setColumn: string
}

/** All rows. Rejects where the table cannot be read, or a row names no RTP proxy. */
export async function loadSockets(databases: Databases, names: SocketTableNames): Promise<readonly SocketList[]> {
  const database = await databases.open(names.url)
  const columns = { rtpproxy_sock: names.socketColumn, set_id: names.setColumn }
  const table = await database.table(RTPPROXY_TABLE, { table: names.table, columns })
  const rows = await table.select()
  return rows.map(row => ({ ...parseSocketList(row.rtpproxy_sock), setId: row.set_id }))
}
