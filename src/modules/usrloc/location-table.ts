import type { TableNames } from '../../db/database.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { usrlocParams } from './params.ts'

/** The table of contacts (usrloc reference, table location). */
export const LOCATION_TABLE = {
  name: 'location',
  version: 1013,
  // Without kv_store; expires as date and time, and callid not part of a key.
  formerVersions: [1012, 1011],
  columns: {
    contact_id: autoColumn,
    username: column('str'),
    domain: nullableColumn('str'),
    contact: column('str'),
    received: nullableColumn('str'),
    path: nullableColumn('str'),
    expires: column('int'),
    q: column('double', -1),
    callid: column('str', ''),
    cseq: column('int', 1),
    // Seconds since 1970: tables have it as text, as number and as date.
    last_modified: column('str', ''),
    flags: column('int', 0),
    cflags: nullableColumn('str'),
    user_agent: column('str', ''),
    socket: nullableColumn('str'),
    methods: nullableColumn('int'),
    sip_instance: nullableColumn('str'),
    kv_store: nullableColumn('str'),
    attr: nullableColumn('str'),
  },
} as const

/**
 * The same table as rows of every age are read from it: ids have up to 64 bits and tables of users often have none, and
 * times may be dates.
 */
export const LOCATION_ROWS = {
  ...LOCATION_TABLE,
  columns: { ...LOCATION_TABLE.columns, contact_id: nullableColumn('str'), expires: column('str') },
} as const

export type LocationRow = RowOf<typeof LOCATION_ROWS>

/** The names that the parameters give to the columns. */
export function columnNames(
  params: ParamValues<typeof usrlocParams>,
): NonNullable<TableNames<typeof LOCATION_ROWS>['columns']> {
  return {
    contact_id: params.contact_id_column,
    username: params.user_column,
    domain: params.domain_column,
    contact: params.contact_column,
    received: params.received_column,
    path: params.path_column,
    expires: params.expires_column,
    q: params.q_column,
    callid: params.callid_column,
    cseq: params.cseq_column,
    last_modified: params.last_modified_column,
    flags: params.flags_column,
    cflags: params.cflags_column,
    user_agent: params.user_agent_column,
    socket: params.socket_column,
    methods: params.methods_column,
    sip_instance: params.sip_instance_column,
    kv_store: params.kv_store_column,
    attr: params.attr_column,
  }
}
