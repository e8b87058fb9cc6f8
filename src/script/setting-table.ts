/** Declares one global setting: how it is written, what it is when it is not, and what it does. */
export interface SettingSpec<K extends 'int' | 'str' | 'era' = 'int' | 'str' | 'era', D = number | string | undefined> {
  readonly kind: K
  readonly default: D
  readonly doc: string
  readonly unit?: string
  /** Names it had before. */
  readonly formerly?: readonly string[]
  /** Accepted for compatibility, without effect here. */
  readonly ignored?: boolean
}
interface SettingOptions {
  readonly unit?: string
  readonly formerly?: readonly string[]
}

const int = (dflt: number, doc: string, options: SettingOptions = {}): SettingSpec<'int', number> => ({
  kind: 'int',
  default: dflt,
  doc,
  ...options,
})
const str = (dflt: string, doc: string, options: SettingOptions = {}): SettingSpec<'str', string> => ({
  kind: 'str',
  default: dflt,
  doc,
  ...options,
})
const optionalInt = (doc: string, options: SettingOptions = {}): SettingSpec<'int', undefined> => ({
  kind: 'int',
  default: undefined,
  doc,
  ...options,
})
const optionalStr = (doc: string, options: SettingOptions = {}): SettingSpec<'str', undefined> => ({
  kind: 'str',
  default: undefined,
  doc,
  ...options,
})
const ignored = (reason: string, options: SettingOptions = {}): SettingSpec<'str', undefined> => ({
  kind: 'str',
  default: undefined,
  doc: `No effect here: ${reason}.`,
  ignored: true,
  ...options,
})

const ignoredInt = (dflt: number, reason: string, options: SettingOptions = {}): SettingSpec<'int', number> => ({
  ...int(dflt, `No effect here: ${reason}.`, options),
  ignored: true,
})

const ONE_LOOP = 'one event loop serves everything'
const NO_SYSLOG = 'the log goes to standard error'
const NO_ARENA = 'the JavaScript engine manages memory'

/**
 * Every global setting but those with a syntax of their own (`socket`, `listen`, `alias`, `mpath`, `dst_blacklist`,
 * `auto_scaling_profile`), by name (script reference, global settings).
 */
export const SETTINGS = {
  era: {
    kind: 'era',
    default: '4.0',
    doc: 'Which defaults to use where OpenSIPS 2.4 and 4.0 differ: `2.4` or `4.0`.',
  } as SettingSpec<'era', '4.0'>,
  mi_require_auth: int(0, 'Refuse management requests over the network that carry no credentials.'),

  log_level: int(
    2,
    'Write log lines up to this level: −3 alert, −2 critical, −1 error, 1 warning, 2 notice, 3 info, 4 debug.',
    {
      formerly: ['debug'],
    },
  ),
  stderror_enabled: int(1, 'Write the log to standard error.', { formerly: ['log_stderror'] }),
  syslog_enabled: int(0, 'There is no syslog here: 1 has the log written to standard error, and says so once.'),
  syslog_facility: ignored(NO_SYSLOG, { formerly: ['log_facility'] }),
  syslog_name: ignored(NO_SYSLOG, { formerly: ['log_name'] }),
  log_prefix: str('', 'Put before each log line, with a colon.'),
  stderror_level_filter: int(0, 'Level filter of standard error; 0 is off.'),
  syslog_level_filter: ignored(NO_SYSLOG),
  log_event_level_filter: int(0, 'Level filter of `E_CORE_LOG`; 0 is off.'),
  stderror_log_format: str('plain_text', '`plain_text`, `json` or `json_cee`.'),
  syslog_log_format: ignored(NO_SYSLOG),
  log_event_enabled: int(0, 'Log lines also raise `E_CORE_LOG`.'),
  log_json_buf_size: ignored('log lines have no fixed buffer'),
  log_msg_buf_size: ignored('log lines have no fixed buffer'),
  log_stdout: ignored(NO_SYSLOG),
  xlog_level: int(2, 'Print `xlog` lines up to this level.'),
  xlog_print_level: int(2, 'Level of `xlog("text")`.', { formerly: ['xlog_default_level'] }),
  xlog_buf_size: int(4096, 'Longest `xlog` line; a longer one is not printed.', { unit: 'bytes' }),
  xlog_force_color: int(0, '`$C(xy)` gives terminal colours.'),
  pv_print_buf_size: int(20000, 'Longest expanded text of a parameter.', { unit: 'bytes' }),
  debug_mode: int(0, 'Log everything to standard error.'),

  auto_aliases: int(0, 'Take the host names of the sockets, as written and by reverse lookup, for our own.'),
  advertised_address: optionalStr('Host to show in Via and Record-Route instead of the socket.'),
  advertised_port: optionalInt('Port to show in Via and Record-Route instead of the socket.'),
  check_via: int(0, 'Drop replies whose first Via is not ours.'),
  dns: ignoredInt(0, 'a Via host that is not the source address always gets `received`'),
  rev_dns: ignoredInt(0, 'a Via host that is not the source address always gets `received`'),
  dns_try_ipv6: int(0, 'Look up IPv6 addresses too.'),
  dns_try_naptr: int(1, 'Look up NAPTR records.'),
  dns_retr_time: optionalInt('Time before a name lookup is repeated.', { unit: 's' }),
  dns_retr_no: optionalInt('How often a name lookup is repeated.'),
  dns_servers_no: ignored('every name server of the system is used'),
  dns_use_search_list: ignoredInt(1, 'SIP names are looked up as they are written'),
  disable_dns_failover: int(0, 'Use only the first address of a name.'),
  disable_dns_blacklist: int(1, '0: a destination that failed is avoided for four minutes.'),
  mhomed: int(0, 'Choose the outgoing socket by the network the next hop is in.'),
  loop_guard: int(
    0,
    '1: a request that comes back unchanged is answered 482 (RFC 5393); spirals are served. Adds a parameter to our Via.',
  ),
  max_while_loops: int(10000, 'Most rounds of one `while`.'),
  max_route_statements: int(
    1_000_000,
    'Most statements, and rounds of loops, of one run of any other route; a run that goes on is stopped. 0: no limit.',
  ),
  max_event_statements: int(
    100_000,
    'Most statements of one run of an `event_route` or of a route that `notify_on_event` names; a run that goes on is stopped. 0: no limit.',
  ),
  sip_warning: int(0, 'Add `Warning: 392` to replies made here.'),
  server_signature: int(1, 'Add `server_header` to replies and `user_agent_header` to requests made here.'),
  server_header: optionalStr('Complete Server header line.'),
  user_agent_header: optionalStr('Complete User-Agent header line.'),
  disable_stateless_fwd: optionalInt('Drop replies that match no transaction.'),
  disable_503_translation: int(0, '0: a relayed 503 becomes 500 (RFC 3261 §16.7).'),
  enable_asserts: int(0, 'Check `assert()` statements.'),
  abort_on_assert: int(0, 'End the process when an `assert()` fails.'),

  tcp_accept_aliases: int(0, '1: honour the Via parameter `alias` (RFC 5923); 2: always.'),
  maxbuffer: int(
    262_144,
    'Receive buffer that each UDP socket asks for. More than `net.core.rmem_max` is had with CAP_NET_ADMIN only, and over IPv4.',
    { unit: 'bytes' },
  ),
  tcp_connect_timeout: int(100, 'Limit for opening a connection.', { unit: 'ms' }),
  tcp_connection_lifetime: int(120, 'An idle connection is closed after this.', { unit: 's' }),
  tcp_socket_backlog: int(10, 'Connections that may wait to be accepted.', { formerly: ['tcp_listen_backlog'] }),
  tcp_max_connections: int(2048, 'Most connections at a time.'),
  tcp_max_msg_time: int(4, 'Time for one message to arrive completely.', { unit: 's' }),
  tcp_keepalive: int(1, 'TCP keepalive on connections.'),
  tcp_keepcount: optionalInt('Lost keepalives before a connection is closed.'),
  tcp_keepidle: optionalInt('Idle time before the first keepalive.', { unit: 's' }),
  tcp_keepinterval: optionalInt('Time between keepalives.', { unit: 's' }),
  tcp_no_new_conn_bflag: optionalStr('Branch flag that forbids opening a connection.'),
  tcp_no_new_conn_rplflag: optionalStr('Message flag that forbids opening a connection for a reply.'),
  tos: int(16, 'Type of service of what goes out over connections; of datagrams it cannot be set.'),

  db_default_url: optionalStr('Database of every module that names none.'),
  db_version_table: str('version', 'Table that holds the versions of tables.'),
  db_max_async_connections: ignoredInt(10, 'each database driver holds the connections it needs'),
  query_buffer_size: ignoredInt(0, 'rows are inserted at once'),
  query_flush_time: ignoredInt(0, 'rows are inserted at once'),
  exec_msg_threshold: int(0, 'Log and report messages that take longer; 0 is off.', { unit: 'µs' }),
  exec_dns_threshold: int(0, 'Log and report name lookups that take longer; 0 is off.', { unit: 'µs' }),
  tcp_threshold: ignoredInt(0, 'writing to a connection never waits'),
  event_shm_threshold: int(0, 'Memory use that raises `E_CORE_SHM_THRESHOLD`; 0 is off.', { unit: '%' }),
  event_pkg_threshold: int(0, 'Heap use that raises `E_CORE_PKG_THRESHOLD`; 0 is off.', { unit: '%' }),
  event_max_queued: int(65_536, 'Most events that wait for one receiver of a subscription; then the oldest make room.'),
  event_max_age: int(3600, 'An event that has waited longer for its receiver is dropped, unless it is durable.', {
    unit: 's',
  }),
  event_trail: int(10_000, 'Raises and delivery attempts that are remembered for `evi:trail`; 0: none.'),
  event_spool: optionalStr(
    'Folder of the spool, where durable events wait; empty: none. If absent, `NAME.spool` beside the configuration file NAME, or a folder in `$STATE_DIRECTORY` where that is set.',
  ),
  event_spool_size: int(8192, 'Most the spool takes on disk; beyond it the oldest events go.', { unit: 'MiB' }),
  event_spool_retain: int(86_400, 'Time for which events that every receiver has are kept for replay.', { unit: 's' }),
  event_spool_retain_size: int(512, 'Most that is kept for replay.', { unit: 'MiB' }),
  event_dead_letters: int(10_000, 'Most dead letters that are kept; then the oldest make room.'),
  event_dead_letters_retain: int(604_800, 'Time for which a dead letter is kept.', { unit: 's' }),

  udp_workers: ignoredInt(8, ONE_LOOP, { formerly: ['children'] }),
  tcp_workers: ignoredInt(8, ONE_LOOP, { formerly: ['tcp_children'] }),
  timer_workers: ignored(ONE_LOOP),
  auto_scaling_cycle: ignored(ONE_LOOP),
  fork: ignored(ONE_LOOP),
  disable_tcp: ignored('a protocol is used when a socket names it'),
  mcast_loopback: ignored('multicast is not used'),
  mcast_ttl: ignored('multicast is not used'),
  poll_method: ignored(ONE_LOOP),
  workdir: ignored('set the working directory where the process is started', { formerly: ['wdir'] }),
  chroot: ignored('confine the process where it is started'),
  open_files_limit: ignored('set it where the process is started'),
  disable_core_dump: ignored('set it where the process is started'),
  mem_log: ignored(NO_ARENA, { formerly: ['memlog'] }),
  mem_dump: ignored(NO_ARENA, { formerly: ['memdump'] }),
  shm_memlog_size: ignored(NO_ARENA),
  shm_hash_split_percentage: ignored(NO_ARENA),
  shm_secondary_hash_size: ignored(NO_ARENA),
  mem_warming: ignored(NO_ARENA),
  mem_warming_percentage: ignored(NO_ARENA),
  mem_warming_pattern_file: ignored(NO_ARENA),
  restart_persistency_cache_file: ignored(NO_ARENA),
  restart_persistency_size: ignored(NO_ARENA),
  user: ignored('start the process as the user it is to run as', { formerly: ['uid'] }),
  group: ignored('start the process as the group it is to run as', { formerly: ['gid'] }),
} as const
