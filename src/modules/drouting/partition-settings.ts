import { RowError, readRows } from '../../db/read-rows.ts'
import type { RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import { avpName } from '../../script/avp-name.ts'
import type { DroutingParams } from './params.ts'
import { PARTITIONS_TABLE } from './tables.ts'

/** The partition there is without `use_partitions`. */
export const DEFAULT_PARTITION = 'Default'

/** AVPs that a routing decision fills, by what they hold. */
const AVPS = {
  ruri: 'ruri_avp',
  gatewayId: 'gw_id_avp',
  socket: 'gw_sock_avp',
  prefix: 'gw_priprefix_avp',
  gatewayAttrs: 'gw_attrs_avp',
  carrierId: 'carrier_id_avp',
  carrierAttrs: 'carrier_attrs_avp',
  ruleId: 'rule_id_avp',
  rulePrefix: 'rule_prefix_avp',
  ruleAttrs: 'rule_attrs_avp',
} as const
type AvpKey = keyof typeof AVPS
/** Names of the AVPs; undefined where the script wants none. */
export type RoutingAvps = Readonly<Record<AvpKey, string | undefined>>

/** Where the tables of a partition are, and which AVPs it fills. */
export interface PartitionSettings {
  readonly name: string
  readonly url: string
  readonly tables: {
    readonly gateways: string
    readonly carriers: string
    readonly rules: string
    readonly groups: string
  }
  readonly avps: RoutingAvps
}

/** The partitions there are. Rejects with an Error that names the parameter or table that is wrong. */
export async function partitionSettings(
  params: DroutingParams,
  databases: Host['db'],
  log: Log,
): Promise<readonly PartitionSettings[]> {
  const url = databases.urlOf(params.db_url)
  if (params.use_partitions === 0) {
    if (url === undefined) throw new Error('drouting has no source of gateways and rules: set db_url')
    return [ownSettings(params, url)]
  }
  const partitionsUrl = params.db_partitions_url ?? url
  if (partitionsUrl === undefined) throw new Error('use_partitions is set: set db_partitions_url too')
  const database = await databases.open(partitionsUrl)
  const table = await database.table(PARTITIONS_TABLE, { table: params.db_partitions_table })
  const { rows } = await readRows(table, 'id', log, row => rowSettings(row, params))
  if (rows.length === 0) throw new Error(`use_partitions is set, but there is no partition in ${table.name}`)
  return rows
}

function ownSettings(params: DroutingParams, url: string): PartitionSettings {
  return {
    name: DEFAULT_PARTITION,
    url,
    tables: {
      gateways: params.drd_table,
      carriers: params.drc_table,
      rules: params.drr_table,
      groups: params.drg_table,
    },
    avps: avpNames(key => params[AVPS[key]]),
  }
}

function rowSettings(row: RowOf<typeof PARTITIONS_TABLE>, params: DroutingParams): PartitionSettings {
  if (!/^[\w.-]+$/.test(row.partition_name))
    throw new RowError('partition_name', `expected a name, got "${row.partition_name}"`)
  const written: Readonly<Record<string, string | number | null>> = row
  const own = ownSettings(params, row.db_url)
  return {
    name: row.partition_name,
    url: row.db_url,
    tables: {
      gateways: row.drd_table || own.tables.gateways,
      carriers: row.drc_table || own.tables.carriers,
      rules: row.drr_table || own.tables.rules,
      groups: row.drg_table || own.tables.groups,
    },
    avps: avpNames(key => {
      const text = written[AVPS[key]]
      return typeof text === 'string' && text !== '' ? text : params[AVPS[key]]
    }),
  }
}

function avpNames(textOf: (key: AvpKey) => string | undefined): RoutingAvps {
  const nameOf = (key: AvpKey): string | undefined => {
    const text = textOf(key)
    return text === undefined || text === '' ? undefined : avpName(AVPS[key], text)
  }
  const keys = Object.keys(AVPS) as AvpKey[]
  return Object.fromEntries(keys.map(key => [key, nameOf(key)])) as Record<AvpKey, string | undefined>
}
