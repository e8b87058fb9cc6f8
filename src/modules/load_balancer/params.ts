import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

/** The module's parameters. */
export const loadBalancerParams = {
  db_url: optionalParam('str', 'Database with the destinations; `db_default_url` if absent.'),
  db_table: param('str', 'load_balancer', 'Table with the destinations.'),
  probing_interval: param('int', 30, 'Time between two probes; 0: none are sent.', { unit: 's' }),
  probing_verbose: param('int', 0, '1: changes that probing makes are logged.'),
  probing_method: param('str', 'OPTIONS', 'Method of the requests destinations are probed with.'),
  probing_from: param('str', 'sip:prober@localhost', 'From URI of these requests.'),
  probing_reply_codes: optionalParam('str', 'Statuses that count as 200 does, divided by commas.'),
  lb_define_blacklist: repeatedParam('str', 'Blacklist of the addresses of groups, `name = group, group`.'),
  cluster_id: param('int', 0, 'Cluster whose nodes share the states of destinations; 0 for none.'),
  cluster_sharing_tag: optionalParam('str', 'Sharing tag: the node active for it probes; without one each does.'),
  fetch_freeswitch_stats: param(
    'int',
    0,
    '1: resources whose capacity is an fs:// URL follow the state of that FreeSWITCH.',
  ),
  initial_freeswitch_load: param('int', 1000, 'Capacity of such a resource until its state is known.'),
} as const

export type LoadBalancerParams = ParamValues<typeof loadBalancerParams>
