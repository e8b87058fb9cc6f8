import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const avp = (what: string) => optionalParam('str', `AVP that takes ${what}; none if absent.`)

/** The module's parameters. */
export const droutingParams = {
  db_url: optionalParam('str', 'Database with the tables; `db_default_url` if absent.'),
  drd_table: param('str', 'dr_gateways', 'Table with the gateways.'),
  drr_table: param('str', 'dr_rules', 'Table with the rules.'),
  drg_table: param('str', 'dr_groups', 'Table with the groups of users.'),
  drc_table: param('str', 'dr_carriers', 'Table with the carriers.'),
  use_domain: param('int', 1, '0: users are looked up in the table of groups without their domains.'),
  drg_user_col: param('str', 'username', 'Name of a column of the table of groups.'),
  drg_domain_col: param('str', 'domain', 'Name of a column of the table of groups.'),
  drg_grpid_col: param('str', 'groupid', 'Name of a column of the table of groups.'),
  ruri_avp: param('str', '$avp(___dr_ruri__)', 'AVP that keeps the Request-URIs of the destinations left to try.'),
  gw_id_avp: param('str', '$avp(___dr_gw_id__)', 'AVP that keeps the gateways, the one in use first.'),
  gw_sock_avp: param('str', '$avp(___dr_sock__)', 'AVP that keeps their sockets, empty for none.'),
  gw_priprefix_avp: avp('the prefixes the gateways put before numbers'),
  gw_attrs_avp: avp('the attributes of the gateways'),
  carrier_id_avp: avp('the carriers of the gateways, empty for none'),
  carrier_attrs_avp: avp('the attributes of the carriers'),
  rule_id_avp: avp('the id of the rule'),
  rule_prefix_avp: avp('the prefix of the rule'),
  rule_attrs_avp: avp('the attributes of the rule'),
  default_group: optionalParam('int', 'Group of users who are in none; without it they have no routes.'),
  force_dns: param(
    'int',
    1,
    '0: names of gateways are not looked up beforehand, so is_from_gw() does not know their addresses.',
  ),
  define_blacklist: repeatedParam('str', 'Blacklist of the addresses of gateways, `name = type, type`.'),
  probing_interval: param('int', 30, 'Time between two probes; 0: none are sent.', { unit: 's' }),
  probing_method: param('str', 'OPTIONS', 'Method of the requests gateways are probed with.'),
  probing_from: param('str', 'sip:prober@localhost', 'From URI of these requests.'),
  probing_reply_codes: optionalParam('str', 'Statuses that count as 200 does, divided by commas.'),
  probing_socket: optionalParam('str', 'Socket to probe from where a gateway has none of its own.'),
  persistent_state: param('int', 1, '1: states of gateways and carriers are written to the database.'),
  no_concurrent_reload: param('int', 0, '1: a reload is refused while another is under way.'),
  use_partitions: param('int', 0, '1: there are several sets of tables, those of the table of partitions.'),
  db_partitions_url: optionalParam('str', 'Database with the table of partitions; `db_url` if absent.'),
  db_partitions_table: param('str', 'dr_partitions', 'Table of partitions.'),
  partition_id_pvar: optionalParam('str', 'Variable that takes the partition where `*` stands for any.'),
  extra_prefix_chars: param('str', '', 'Characters that prefixes may have beside digits.'),
  extra_id_chars: param(
    'str',
    '_-.',
    'Characters that ids of gateways and carriers may have beside letters and digits.',
  ),
  gw_socket_filter_mode: param(
    'str',
    'all',
    '`matched-only`: gateways whose socket is not one of ours are not used; `all`, `none`, `ignore`: they are used without it.',
  ),
  rule_tables_query: optionalParam('str', 'Not supported: rules are those of `drr_table`.', { ignored: true }),
  enable_restart_persistency: param('int', 0, 'Accepted; tables are loaded at each start.', { ignored: true }),
  cluster_id: param('int', 0, 'Cluster whose nodes share the states of gateways; 0 for none.'),
  cluster_sharing_tag: optionalParam('str', 'Sharing tag: with by-shtag the node active for it probes.'),
  cluster_probing_mode: param(
    'str',
    'all',
    'Which nodes probe: all: each everything; by-shtag: the one active for the tag; distributed: each its part.',
  ),
} as const

export type DroutingParams = ParamValues<typeof droutingParams>
