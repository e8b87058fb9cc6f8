import { optionalParam, param } from '../../util/spec.ts'

const WITH_STORAGE = 'Takes effect with a database mode.'
const CLUSTERING = 'For clusters, which this mode of operation does not use.'

const ignoredText = (doc: string) => optionalParam('str', doc, { ignored: true })
const ignoredNumber = (value: number, doc: string) => param('int', value, doc, { ignored: true })
const column = (name: string) => param('str', name, `Column name. ${WITH_STORAGE}`, { ignored: true })

/** Parameters of the usrloc module (usrloc reference). */
export const usrlocParams = {
  db_url: ignoredText(`Database to keep locations in. ${WITH_STORAGE}`),
  db_mode: param('int', 0, 'Storage mode by its old number: 0 memory only.'),
  working_mode_preset: optionalParam('str', 'Storage mode by name: single-instance-no-db. Overrides the three below.'),
  cluster_mode: param('str', 'none', 'How nodes share locations: none.'),
  restart_persistency: param('str', 'none', 'Where locations come from after a restart: none.'),
  sql_write_mode: param('str', 'none', 'When locations are written to the database: none.'),
  timer_interval: param('int', 60, 'Time between two searches for expired contacts.', { unit: 's' }),
  use_domain: param('int', 1, '1: an address of record is user@host; 0: the user alone. 0 by default with era = 2.4.'),
  desc_time_order: param('int', 0, '1: the contact stored or refreshed last is tried first, whatever its q.'),
  matching_mode: param('int', 0, 'What makes two contacts the same: 0 the URI, 1 URI and Call-ID.'),
  cseq_delay: param('int', 20, 'The same Call-ID and CSeq within this time is a retransmission.', { unit: 's' }),
  nat_bflag: optionalParam('str', 'Branch flag that marks contacts behind NAT.'),
  hash_size: param('int', 9, 'Exponent of the table size that listings show.'),
  latency_event_min_us: param('int', 0, 'Raise E_UL_LATENCY_UPDATE for round trips of at least this.', { unit: 'µs' }),
  latency_event_min_us_delta: param('int', 0, 'Raise E_UL_LATENCY_UPDATE for changes of at least this.', {
    unit: 'µs',
  }),
  contact_refresh_timer: ignoredNumber(0, 'For contacts reached by push notifications, which are not supported.'),
  max_contact_delete: ignoredNumber(10, `Rows deleted by one query. ${WITH_STORAGE}`),
  regen_broken_contactid: ignoredNumber(0, WITH_STORAGE),
  mi_dump_kv_store: param('int', 0, '1: listings show what scripts keep at an address of record.'),
  location_cluster: ignoredNumber(0, CLUSTERING),
  ha_cluster: ignoredNumber(0, CLUSTERING),
  ha_shtag: ignoredText(CLUSTERING),
  skip_replicated_db_ops: ignoredNumber(0, CLUSTERING),
  cachedb_url: ignoredText(CLUSTERING),
  pinging_mode: ignoredText(CLUSTERING),
  contact_id_column: column('contact_id'),
  user_column: column('username'),
  domain_column: column('domain'),
  contact_column: column('contact'),
  expires_column: column('expires'),
  q_column: column('q'),
  callid_column: column('callid'),
  cseq_column: column('cseq'),
  methods_column: column('methods'),
  flags_column: column('flags'),
  cflags_column: column('cflags'),
  user_agent_column: column('user_agent'),
  received_column: column('received'),
  socket_column: column('socket'),
  path_column: column('path'),
  sip_instance_column: column('sip_instance'),
  kv_store_column: column('kv_store'),
  attr_column: column('attr'),
  last_modified_column: column('last_modified'),
} as const

interface ModeParams {
  readonly db_mode: number
  readonly working_mode_preset: string | undefined
  readonly cluster_mode: string
  readonly restart_persistency: string
  readonly sql_write_mode: string
}

/** What is wrong with the storage mode asked for, or null: locations are kept in memory only. */
export function modeFault(params: ModeParams): string | null {
  const supported = 'locations are kept in memory only: working_mode_preset "single-instance-no-db" (or db_mode 0)'
  if (params.working_mode_preset !== undefined) {
    if (params.working_mode_preset === 'single-instance-no-db') return null
    return `working_mode_preset "${params.working_mode_preset}" is not supported; ${supported}`
  }
  if (params.db_mode !== 0) return `db_mode ${params.db_mode} is not supported; ${supported}`
  for (const name of ['cluster_mode', 'restart_persistency', 'sql_write_mode'] as const) {
    if (params[name] !== 'none') return `${name} "${params[name]}" is not supported; ${supported}`
  }
  return null
}
