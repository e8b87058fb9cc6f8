import { isId } from '../../cluster/message.ts'
import { hasSeedFlag, type NodeInfo, parseBinUrl } from '../../cluster/node-info.ts'
import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { clustererParams } from './params.ts'

/** The table of nodes (clusterer reference, database). */
export const CLUSTERER_TABLE = {
  name: 'clusterer',
  version: 4,
  columns: {
    id: autoColumn,
    cluster_id: column('int'),
    node_id: column('int'),
    url: column('str'),
    state: column('int', 1),
    no_ping_retries: column('int', 3),
    priority: column('int', 50),
    sip_addr: nullableColumn('str'),
    flags: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

/** Reads every node of the table; rows that cannot be used are logged and left out. Rejects with a DatabaseError. */
export async function readNodes(
  databases: Databases,
  url: string,
  params: ParamValues<typeof clustererParams>,
  log: Log,
): Promise<readonly NodeInfo[]> {
  const database = await databases.open(url)
  const names = Object.keys(CLUSTERER_TABLE.columns) as (keyof typeof CLUSTERER_TABLE.columns)[]
  const columns = Object.fromEntries(names.map(name => [name, params[`${name}_col`]]))
  const table = await database.table(CLUSTERER_TABLE, { table: params.db_table, columns })
  const rows = await table.select()
  return rows.flatMap(row => {
    const { id, cluster_id: cluster, node_id: node, url: address } = row
    if (isId(cluster) && isId(node) && parseBinUrl(address) !== null) return [nodeOf(row)]
    log.error('a node is left out: its numbers or its URL cannot be used', { id, cluster, node, url: address })
    return []
  })
}

function nodeOf(row: RowOf<typeof CLUSTERER_TABLE>): NodeInfo {
  return {
    cluster: row.cluster_id,
    node: row.node_id,
    url: row.url,
    isEnabled: row.state !== 0,
    retries: Math.max(1, row.no_ping_retries),
    priority: Math.max(0, row.priority),
    sipAddress: row.sip_addr ?? '',
    isSeed: hasSeedFlag(row.flags ?? ''),
    description: row.description ?? '',
    rowId: row.id,
  }
}
