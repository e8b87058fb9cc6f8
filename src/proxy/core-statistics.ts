import type { StatisticsRegistry } from '../stats/stats.ts'
import type { Counter } from '../util/spec.ts'

/** The `core` statistics of messages (statistics reference, engine). */
export interface CoreStatistics {
  readonly rcvRequests: Counter
  readonly rcvReplies: Counter
  readonly fwdRequests: Counter
  readonly fwdReplies: Counter
  readonly dropRequests: Counter
  readonly dropReplies: Counter
  readonly errRequests: Counter
  readonly errReplies: Counter
  readonly badUris: Counter
  readonly badHeaders: Counter
  readonly slowMessages: Counter
}

/** Registers the counters, in the order the management interface lists them. */
export function coreStatistics(stats: StatisticsRegistry): CoreStatistics {
  const counter = (name: string, doc: string) => stats.counter('core', name, doc)
  return {
    rcvRequests: counter('rcv_requests', 'Requests received and parsed.'),
    rcvReplies: counter('rcv_replies', 'Replies received and parsed.'),
    fwdRequests: counter('fwd_requests', 'Requests forwarded without a transaction.'),
    fwdReplies: counter('fwd_replies', 'Replies forwarded without a transaction.'),
    dropRequests: counter('drop_requests', 'Requests discarded because too many were waiting inside their routes.'),
    dropReplies: counter(
      'drop_replies',
      'Replies the onreply route dropped, or discarded because too many were waiting.',
    ),
    errRequests: counter('err_requests', 'Requests that could not be parsed.'),
    errReplies: counter('err_replies', 'Replies that could not be parsed, or were not for this proxy.'),
    badUris: counter('bad_URIs_rcvd', 'Messages with a URI that could not be parsed.'),
    badHeaders: counter('bad_msg_hdr', 'Messages with a header that could not be parsed.'),
    slowMessages: counter('slow_messages', 'Messages that took longer than exec_msg_threshold.'),
  }
}
