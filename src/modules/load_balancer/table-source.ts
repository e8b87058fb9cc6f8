import { type ReadRows, RowError, readRows } from '../../db/read-rows.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { type DestinationData, ProbeMode } from './destination.ts'
import type { LoadBalancerParams } from './params.ts'
import { parseResources, type Resource } from './resource.ts'

/** The table of destinations (load_balancer reference, table). */
export const LOAD_BALANCER_TABLE = {
  name: 'load_balancer',
  version: 3,
  // Without attrs.
  formerVersions: [2],
  columns: {
    id: autoColumn,
    group_id: column('int', 0),
    dst_uri: column('str'),
    resources: column('str'),
    probe_mode: column('int', 0),
    attrs: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

type Row = RowOf<typeof LOAD_BALANCER_TABLE>

/** Reads the destinations of the database. Rejects where the table cannot be read; rows that are wrong are left out. */
export async function loadDestinations(
  databases: Host['db'],
  params: LoadBalancerParams,
  log: Log,
): Promise<ReadRows<DestinationData>> {
  const url = databases.urlOf(params.db_url)
  if (url === undefined) throw new Error('load_balancer has no source of destinations: set db_url')
  const database = await databases.open(url)
  const table = await database.table(LOAD_BALANCER_TABLE, { table: params.db_table })
  const ids = new Set<number>()
  return readRows(table, 'id', log, row => {
    const destination = readDestination(row, params.initial_freeswitch_load)
    if (ids.has(row.id)) throw new RowError('id', `there are two destinations ${row.id}`)
    ids.add(row.id)
    return destination
  })
}

function readDestination(row: Row, initialMax: number): DestinationData {
  if (parseUri(row.dst_uri) === null) throw new RowError('dst_uri', `expected a SIP URI, got "${row.dst_uri}"`)
  return {
    id: row.id,
    group: row.group_id,
    uri: row.dst_uri,
    resources: readResources(row.resources, initialMax),
    probeMode: readProbeMode(row.probe_mode),
    attrs: row.attrs === '' ? null : row.attrs,
  }
}

function readResources(text: string, initialMax: number): readonly Resource[] {
  try {
    return parseResources(text, initialMax)
  } catch (error) {
    throw new RowError('resources', error instanceof Error ? error.message : String(error))
  }
}

function readProbeMode(mode: number): ProbeMode {
  const known = Object.values(ProbeMode).find(one => one === mode)
  if (known === undefined) throw new RowError('probe_mode', `expected 0, 1 or 2, got ${mode}`)
  return known
}
