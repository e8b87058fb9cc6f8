import { type Host, optionalParam, param } from '../../module/define.ts'
import type { TxTimers } from '../../sip/tx/timers.ts'
import type { ParamValues } from '../../util/spec.ts'

const unused = { ignored: true } as const

/** The module's parameters. */
export const tmParams = {
  fr_timeout: param(
    'int',
    30,
    'Longest wait for a final reply, of an INVITE for any reply, and for the ACK of a negative reply.',
    {
      unit: 's',
      formerly: ['fr_timer'],
    },
  ),
  fr_inv_timeout: param('int', 120, 'Longest wait for the final reply to an INVITE after a provisional one.', {
    unit: 's',
    formerly: ['fr_inv_timer'],
  }),
  wt_timer: param('int', 5, 'How long an ended transaction stays to absorb retransmissions.', { unit: 's' }),
  delete_timer: param('int', 2, 'Delay before memory is freed; memory is managed by itself here.', {
    unit: 's',
    ...unused,
  }),
  T1_timer: param('int', 500, 'First retransmission interval.', { unit: 'ms' }),
  T2_timer: param('int', 4000, 'Longest retransmission interval.', { unit: 'ms' }),
  ruri_matching: param('int', 1, 'Compare the Request-URI when matching RFC 2543 requests; always done.', unused),
  via1_matching: param('int', 1, 'Compare the top Via when matching RFC 2543 requests; always done.', unused),
  restart_fr_on_each_reply: param(
    'int',
    1,
    '1: each provisional reply restarts fr_inv_timeout; 0: only the first, and those from 180 with a higher code than the one before.',
  ),
  auto_100trying: param('int', 1, '1: an INVITE is answered `100 Giving it a try` when its transaction is created.'),
  pass_provisional_replies: param('int', 0, '1: provisional replies are handed to local callers too.'),
  syn_branch: param('int', 1, 'Style of branch identifiers; without effect.', unused),
  onreply_avp_mode: param('int', 0, '1: the AVPs of the transaction are seen and written in onreply_route.'),
  disable_6xx_block: param('int', 0, '1: a 6xx is an ordinary negative reply: it ends nothing but its own branch.'),
  non_invite_408: param(
    'int',
    1,
    '0: when nobody answers a request other than INVITE, its sender gets no 408, nor one of another branch (RFC 4320 §4.2).',
  ),
  minor_branch_flag: optionalParam('str', 'Branch flag of branches that are not waited for.'),
  enable_stats: param('int', 1, 'Statistics are always kept.', unused),
  unix_tx_timeout: param('int', 2, 'Of t_write_unix, which does not exist here.', unused),
  tw_append: optionalParam('str', 'Of t_write_req, which does not exist here.', unused),
  timer_partitions: param('int', 1, 'Timers need no partitions here.', unused),
  tm_replication_cluster: param('int', 0, 'Anycast replication does not exist here.', unused),
  cluster_param: param('str', 'cid', 'Anycast replication does not exist here.', unused),
  cluster_auto_cancel: param('int', 1, 'Anycast replication does not exist here.', unused),
  local_request_route: optionalParam(
    'str',
    'A `route` that is shown each request made here, ACK and CANCEL too, after it was sent. What it changes is lost.',
  ),
  local_reply_route: optionalParam(
    'str',
    'A `route` that is shown each reply made here, after it was sent. What it changes is lost.',
  ),
} as const

export type TmParams = ParamValues<typeof tmParams>

/** The parameters as the rest of the module uses them. */
export interface TmSettings {
  readonly timers: TxTimers
  /** Timer C. */
  readonly inviteMs: number
  readonly restartsTimerCOnEachReply: boolean
  readonly sendsTrying: boolean
  readonly passesProvisionals: boolean
  readonly sharesAvpsWithReplies: boolean
  readonly blocksOn6xx: boolean
  /** The sender of a request other than INVITE is told that nobody answered it. */
  readonly sendsNonInvite408: boolean
  /** A 503 is passed on as 500. */
  readonly translates503: boolean
  /** Bit of the branch flag of branches that are not waited for; 0 none. */
  readonly minorBranchBit: number
  /** Complete User-Agent line of requests made here, '' for none. */
  readonly userAgentLine: string
}

/** Turns the parameters into settings; `flagBit` gives the bit of a branch flag. */
export function tmSettings(
  params: TmParams,
  { settings, instance }: Pick<Host, 'settings' | 'instance'>,
  flagBit: (name: string) => number,
): TmSettings {
  const ownAgent = settings.user_agent_header ?? `User-Agent: ${instance.version}`
  return {
    timers: {
      t1Ms: params.T1_timer,
      t2Ms: params.T2_timer,
      finalMs: params.fr_timeout * 1000,
      waitMs: params.wt_timer * 1000,
    },
    inviteMs: params.fr_inv_timeout * 1000,
    restartsTimerCOnEachReply: params.restart_fr_on_each_reply !== 0,
    sendsTrying: params.auto_100trying !== 0,
    passesProvisionals: params.pass_provisional_replies !== 0,
    sharesAvpsWithReplies: params.onreply_avp_mode !== 0,
    blocksOn6xx: params.disable_6xx_block === 0,
    sendsNonInvite408: params.non_invite_408 !== 0,
    translates503: settings.disable_503_translation === 0,
    userAgentLine: settings.server_signature === 0 ? '' : `${ownAgent.replace(/[\r\n]+$/, '')}\r\n`,
    minorBranchBit: params.minor_branch_flag === undefined ? 0 : flagBit(params.minor_branch_flag),
  }
}
