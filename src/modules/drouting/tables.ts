import { autoColumn, column, nullableColumn } from '../../db/schema.ts'

/** The tables of the module (drouting reference, tables). */
export const GATEWAYS_TABLE = {
  name: 'dr_gateways',
  version: 6,
  columns: {
    id: autoColumn,
    gwid: column('str'),
    type: column('int', 0),
    address: column('str'),
    strip: column('int', 0),
    pri_prefix: nullableColumn('str'),
    attrs: nullableColumn('str'),
    probe_mode: column('int', 0),
    state: column('int', 0),
    socket: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

export const CARRIERS_TABLE = {
  name: 'dr_carriers',
  version: 3,
  // Without sort_alg: the first bit of flags stood for it.
  formerVersions: [2],
  columns: {
    id: autoColumn,
    carrierid: column('str'),
    gwlist: column('str'),
    flags: column('int', 0),
    sort_alg: column('str', ''),
    state: column('int', 0),
    attrs: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

export const RULES_TABLE = {
  name: 'dr_rules',
  version: 4,
  // Without sort_alg: weights stood for it.
  formerVersions: [3],
  columns: {
    ruleid: autoColumn,
    groupid: column('str'),
    prefix: column('str'),
    timerec: nullableColumn('str'),
    priority: column('int', 0),
    routeid: nullableColumn('str'),
    gwlist: nullableColumn('str'),
    sort_alg: column('str', ''),
    sort_profile: nullableColumn('int'),
    attrs: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

export const GROUPS_TABLE = {
  name: 'dr_groups',
  version: 2,
  columns: {
    id: autoColumn,
    username: column('str'),
    domain: column('str', ''),
    groupid: column('int', 0),
    description: nullableColumn('str'),
  },
} as const

export const PARTITIONS_TABLE = {
  name: 'dr_partitions',
  version: 1,
  columns: {
    id: autoColumn,
    partition_name: column('str'),
    db_url: column('str'),
    drd_table: nullableColumn('str'),
    drr_table: nullableColumn('str'),
    drg_table: nullableColumn('str'),
    drc_table: nullableColumn('str'),
    ruri_avp: nullableColumn('str'),
    gw_id_avp: nullableColumn('str'),
    gw_priprefix_avp: nullableColumn('str'),
    gw_sock_avp: nullableColumn('str'),
    rule_id_avp: nullableColumn('str'),
    rule_prefix_avp: nullableColumn('str'),
    carrier_id_avp: nullableColumn('str'),
  },
} as const
