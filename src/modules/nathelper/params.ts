import { optionalParam, param } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

/** The module's parameters (nathelper reference). */
export const nathelperParams = {
  natping_interval: param('int', 0, 'Time in which every contact is pinged once; 0: none is.', { unit: 's' }),
  ping_nated_only: param('int', 0, '1: only contacts with the flag of usrloc nat_bflag are pinged.'),
  natping_socket: optionalParam('str', 'Socket of ours to ping from, for contacts that did not arrive on one.', {
    formerly: ['force_socket'],
  }),
  natping_tcp: param('int', 0, '1: contacts on connections are pinged too, with requests; no connection is opened.'),
  sipping_bflag: optionalParam('str', 'Branch flag: the contact is pinged with a request, not with an empty datagram.'),
  sipping_from: optionalParam('str', 'From URI of these requests; needed with sipping_bflag.'),
  sipping_method: param('str', 'OPTIONS', 'Method of these requests.'),
  sipping_latency_flag: optionalParam('str', 'Branch flag: the round trip of each ping goes to usrloc.'),
  sipping_ignore_rpl_codes: optionalParam('str', 'Statuses that do not count as an answer, divided by commas.'),
  remove_on_timeout_bflag: optionalParam('str', 'Branch flag: a contact that does not answer is removed.'),
  ping_threshold: param('int', 3, 'Time after which a ping without answer is lost.', { unit: 's' }),
  max_pings_lost: param('int', 3, 'Pings lost in a row after which such a contact is removed.'),
  received_avp: optionalParam('str', 'Variable for the source of a registration, the same as in registrar.'),
  nortpproxy_str: param('str', 'a=nortpproxy:yes\r\n', 'Line that fix_nated_sdp() adds with its flag add-no-rtpproxy.'),
  oldip_skip: optionalParam('str', 'Of which lines fix_nated_sdp() does not note the old address: `c`, `o` or both.'),
  natping_processes: param('int', 1, 'Accepted; pings are spread over the interval.', { ignored: true }),
  natping_partitions: param('int', 1, 'Accepted; pings are spread over the interval.', { ignored: true }),
  cluster_id: param('int', 0, 'Cluster of cluster_sharing_tag.'),
  cluster_sharing_tag: optionalParam('str', 'Sharing tag: contacts are pinged by the node that is active for it.'),
} as const

export type NathelperParams = ParamValues<typeof nathelperParams>
