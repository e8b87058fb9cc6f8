import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')

/** The module's parameters. */
export const dispatcherParams = {
  db_url: optionalParam('str', 'Database with the destinations; `db_default_url` if absent.'),
  table_name: param('str', 'dispatcher', 'Table with the destinations.'),
  id_col: columnParam('id'),
  setid_col: columnParam('setid'),
  destination_col: columnParam('destination'),
  socket_col: columnParam('socket'),
  state_col: columnParam('state'),
  probe_mode_col: columnParam('probe_mode'),
  weight_col: columnParam('weight'),
  priority_col: columnParam('priority'),
  attrs_col: columnParam('attrs'),
  description_col: columnParam('description'),
  list_file: optionalParam(
    'str',
    'File with the destinations, `setid uri [flags [weight [attrs]]]` a line. `db_url` wins.',
  ),
  dst_avp: param('str', '$avp(ds_dst_failover)', 'Keeps the destinations that are left to try, the current one first.'),
  grp_avp: param('str', '$avp(ds_grp_failover)', 'Keeps the set of each of them.'),
  cnt_avp: param('str', '$avp(ds_cnt_failover)', 'Keeps how many destinations the selection gave.'),
  sock_avp: param('str', '$avp(ds_sock_failover)', 'Keeps the socket of each of them, empty for none.'),
  attrs_avp: optionalParam('str', 'Keeps the attributes of each of them, empty for none.'),
  script_attrs_avp: optionalParam('str', 'Keeps the script attributes of each of them, empty for none.'),
  hash_pvar: optionalParam('str', 'Text with variables that algorithm 7 hashes.'),
  pvar_algo_pattern: optionalParam('str', 'Variable that algorithm 9 orders by; `%u` stands for the destination.'),
  algo_route: optionalParam('str', 'Route that algorithm 10 asks for the rank of a destination.'),
  setid_pvar: optionalParam('str', 'Variable that ds_is_in_list() puts the set into.'),
  ds_ping_method: param('str', 'OPTIONS', 'Method of the requests destinations are probed with.'),
  ds_ping_from: param('str', 'sip:dispatcher@localhost', 'From URI of these requests.'),
  ds_ping_interval: param('int', 0, 'Time between two probes; 0: none are sent.', { unit: 's' }),
  ds_ping_maxfwd: optionalParam('int', 'Max-Forwards of these requests; 70 if absent.'),
  ds_probing_sock: optionalParam('str', 'Socket to probe from where a destination has none of its own.'),
  ds_probing_threshold: param('int', 3, 'Failures in a row after which a destination is taken out of service.', {
    formerly: ['ds_probing_threshhold'],
  }),
  ds_probing_mode: param('int', 0, '0: only destinations that failed are probed; 1: all that are not inactive.'),
  ds_probing_list: optionalParam('str', 'Sets whose destinations are probed, divided by commas; all if absent.'),
  options_reply_codes: optionalParam('str', 'Statuses that count as 200 does, divided by commas.'),
  ds_define_blacklist: repeatedParam('str', 'Blacklist of the addresses of sets, `name = set, set`.'),
  persistent_state: param('int', 1, '1: states are written to the database.'),
  fetch_freeswitch_stats: param(
    'int',
    0,
    '1: destinations whose weight is an fs:// URL follow the state of that FreeSWITCH.',
  ),
  max_freeswitch_weight: param('int', 100, 'Most weight of such destinations; theirs until the state is known.'),
  cluster_id: param('int', 0, 'Cluster whose nodes share the states of destinations; 0 for none.'),
  cluster_sharing_tag: optionalParam('str', 'Sharing tag: with by-shtag the node active for it probes.'),
  cluster_probing_mode: param(
    'str',
    'all',
    'Which nodes probe: all: each everything; by-shtag: the one active for the tag; distributed: each its part.',
  ),
  partition: repeatedParam(
    'str',
    'Further destinations with settings of their own, `name: key=value; …`. Keys: db_url, table_name, dst_avp, grp_avp, ' +
      'cnt_avp, sock_avp, attrs_avp, script_attrs_avp, ds_define_blacklist, ping_from, ping_method, persistent_state.',
  ),
  flags: param('int', 0, 'Of 1.x. 1: flag u is always on; 2: flag f is always on.'),
  use_default: param('int', 0, 'Of 1.x. 1: flag d is always on.'),
  force_dst: param('int', 1, 'Of 1.x. The next hop is always set.', { ignored: true }),
} as const

export type DispatcherParams = ParamValues<typeof dispatcherParams>
