import { optionalParam, param, repeatedParam } from '../../module/define.ts'

const columnParam = (name: string) => param('str', name, `Column ${name} of the table.`)

/** The parameters of clusterer (clusterer reference). */
export const clustererParams = {
  my_node_id: optionalParam('int', 'Number of this node, over 0. It must be set.', { formerly: ['current_id'] }),
  db_mode: param(
    'int',
    1,
    '1: the clusters are in the table. 0: they are given by `my_node_info` and `neighbor_node_info`, and nodes that these tell ' +
      'of are met as well.',
  ),
  db_url: optionalParam('str', 'Database with the table; `db_default_url` if absent.'),
  db_table: param('str', 'clusterer', 'The table of nodes.'),
  db_bridge_table: param('str', 'clusterer_bridge', 'Accepted; there are no bridges between clusters.', {
    ignored: true,
  }),
  my_node_info: repeatedParam(
    'str',
    'This node in a cluster: `cluster_id=1, url=bin:10.0.0.1:5555`; also `state`, `no_ping_retries`, `priority`, ' +
      '`sip_addr`, `flags=seed`, `description`. Of several ways of the same length the one by the node with the lowest ' +
      '`priority` is taken.',
    { formerly: ['current_info'] },
  ),
  neighbor_node_info: repeatedParam(
    'str',
    'Another node: `cluster_id=1, node_id=2, url=bin:10.0.0.2:5555`, with the same other properties.',
    { formerly: ['neighbor_info'] },
  ),
  sharing_tag: repeatedParam('str', 'A sharing tag at the start: `name/cluster=active`, or `=backup`.'),
  ping_interval: param('int', 4, 'Time between pings to a neighbour.', { unit: 's' }),
  ping_timeout: param('int', 1000, 'Time for the answer, and between attempts to connect.', { unit: 'ms' }),
  node_timeout: param('int', 60, 'How long a node that is down is left alone. It is met at once when it connects.', {
    unit: 's',
  }),
  seed_fallback_interval: param(
    'int',
    5,
    'A node with the flag `seed` counts as synchronised after that long when no other has anything to give.',
    { unit: 's' },
  ),
  sync_timeout: param('int', 15, 'Longest silence of a node that others synchronise from.', { unit: 's' }),
  sync_packet_size: param('int', 65_535, 'About how much goes into one message of synchronising.', { unit: 'bytes' }),
  enable_rerouting: param('int', 1, 'Send by way of other nodes where there is no direct way, and pass on for others.'),
  dispatch_jobs: param('int', 1, 'Accepted; there is one event loop.', { ignored: true }),
  enable_stats: param('int', 1, 'Accepted; statistics cost nothing until they are read.', { ignored: true }),
  id_col: columnParam('id'),
  cluster_id_col: columnParam('cluster_id'),
  node_id_col: columnParam('node_id'),
  url_col: columnParam('url'),
  state_col: columnParam('state'),
  no_ping_retries_col: columnParam('no_ping_retries'),
  priority_col: columnParam('priority'),
  sip_addr_col: columnParam('sip_addr'),
  flags_col: columnParam('flags'),
  description_col: columnParam('description'),
} as const
