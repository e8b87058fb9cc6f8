import { optionalParam, param } from '../../util/spec.ts'

const ignoredNumber = (value: number, doc: string) => param('int', value, doc, { ignored: true })
const column = (name: string) => param('str', name, 'Name of the column.')

/** Parameters of the usrloc module (usrloc reference). */
export const usrlocParams = {
  db_url: optionalParam('str', 'Database to keep locations in; `db_default_url` if absent.'),
  db_mode: param(
    'int',
    0,
    'Storage mode by its old number: 0 memory only, 1 write-through, 2 write-back, 3 the database alone.',
  ),
  working_mode_preset: optionalParam(
    'str',
    'Storage mode by name: single-instance-no-db, single-instance-sql-write-through, single-instance-sql-write-back or ' +
      'sql-only, or full-sharing-cluster. Overrides db_mode and the three below.',
  ),
  cluster_mode: param(
    'str',
    'none',
    'How nodes share locations: none; full-sharing: each tells the others; sql-only: by a database, without memory.',
  ),
  restart_persistency: param(
    'str',
    'none',
    'Where locations come from after a restart: none, load-from-sql, or sync-from-cluster.',
  ),
  sql_write_mode: param(
    'str',
    'none',
    'When locations are written to the database: none; write-through: before a registration is answered; write-back: ' +
      'every timer_interval and at the end.',
  ),
  timer_interval: param(
    'int',
    60,
    'Time between two searches for expired contacts, and between two writings of what has changed.',
    { unit: 's' },
  ),
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
  contact_refresh_timer: param(
    'int',
    0,
    '1: contacts with push notifications are woken up before they expire (E_UL_CONTACT_REFRESH).',
  ),
  max_contact_delete: ignoredNumber(10, 'Expired rows are deleted one by one, between messages.'),
  regen_broken_contactid: ignoredNumber(0, 'Ids that cannot be used are always replaced.'),
  mi_dump_kv_store: param('int', 0, '1: listings show what scripts keep at an address of record.'),
  location_cluster: param('int', 0, 'Cluster whose nodes share locations, with cluster_mode full-sharing.'),
  ha_cluster: param('int', 0, 'Cluster of ha_shtag; location_cluster if 0.'),
  ha_shtag: optionalParam(
    'str',
    'Sharing tag: while this node is backup for it, it pings no contacts and clears no expired rows.',
  ),
  skip_replicated_db_ops: param('int', 0, '1: what other nodes have stored is not written to the database here.'),
  cachedb_url: optionalParam('str', 'For modes that keep locations in a document store, which there are not.', {
    ignored: true,
  }),
  pinging_mode: param(
    'str',
    'cooperation',
    'Who pings shared contacts: cooperation: the nodes, each its part; ownership: the node active for the sharing tag of the contact.',
  ),
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
