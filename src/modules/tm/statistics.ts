import { counter, gauge } from '../../module/define.ts'
import type { Stats } from '../../util/spec.ts'

/** The statistics group `tm`. */
export const tmStats = {
  received_replies: counter('Replies that matched a transaction.'),
  relayed_replies: counter('Replies passed on to the caller.'),
  local_replies: counter('Replies made here.'),
  UAS_transactions: counter('Transactions opened by received requests.'),
  UAC_transactions: counter('Transactions opened by requests made here.'),
  '2xx_transactions': counter('Transactions that ended with a 2xx.'),
  '3xx_transactions': counter('Transactions that ended with a 3xx.'),
  '4xx_transactions': counter('Transactions that ended with a 4xx.'),
  '5xx_transactions': counter('Transactions that ended with a 5xx.'),
  '6xx_transactions': counter('Transactions that ended with a 6xx.'),
  inuse_transactions: gauge('Transactions in memory now.'),
  cluster_reply_sent: counter('Replies replicated to the cluster; always 0.'),
  cluster_request_sent: counter('Requests replicated to the cluster; always 0.'),
  cluster_cancel_sent: counter('CANCELs replicated to the cluster; always 0.'),
  cluster_reply_recv: counter('Replies received from the cluster; always 0.'),
  cluster_request_recv: counter('Requests received from the cluster; always 0.'),
  cluster_cancel_recv: counter('CANCELs received from the cluster; always 0.'),
  retransmission_req_T1_1: counter('Requests sent a second time.'),
  retransmission_req_T1_2: counter('Requests sent a third time.'),
  retransmission_req_T1_3: counter('Requests sent a fourth time.'),
  retransmission_req_T2: counter('Requests sent a fifth time or more.'),
  retransmission_rpl_T2: counter('Negative replies to INVITE sent again for want of an ACK.'),
  timeout_finalresponse: counter('Branches on which no final reply came within fr_timeout.'),
  timeout_finalresponse_inv: counter('Branches on which no final reply came within fr_inv_timeout.'),
} as const

export type TmStats = Stats<{ readonly stats: typeof tmStats }>

/** Counts a request sent again; `attempt` 1 is the first repetition. */
export function countRetransmission(stats: TmStats, attempt: number): void {
  if (attempt === 1) stats.retransmission_req_T1_1.value++
  else if (attempt === 2) stats.retransmission_req_T1_2.value++
  else if (attempt === 3) stats.retransmission_req_T1_3.value++
  else if (attempt > 3) stats.retransmission_req_T2.value++
}

/** Counts a transaction that ended with `status`. */
export function countEnd(stats: TmStats, status: number): void {
  if (status < 300) stats['2xx_transactions'].value++
  else if (status < 400) stats['3xx_transactions'].value++
  else if (status < 500) stats['4xx_transactions'].value++
  else if (status < 600) stats['5xx_transactions'].value++
  else stats['6xx_transactions'].value++
}
