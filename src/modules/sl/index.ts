import { arg, counter, defineModule, param } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { StatelessReplies } from './stateless-replies.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    sl: SlApi
  }
}

/** What other modules may do with stateless replies. */
export interface SlApi {
  /** Answers without state: 1 sent or an ACK, −1 not. */
  reply(m: RouteContext, status: number, reason: string): Verdict
  /** The To tag such a reply carries. */
  toTag(m: RouteContext): string
}

/** Stateless replies, as the sl reference describes them. */
export default defineModule(
  {
    name: 'sl',
    doc: 'Answers requests without keeping state.',
    after: ['tm'],
    params: {
      enable_stats: param('int', 1, 'Statistics are always kept.', { ignored: true }),
    },
    functions: {
      sl_send_reply: {
        args: [arg('code', 'int', 'Status.'), arg('reason', 'str', 'Reason phrase.')],
        routes: ['request', 'error'],
        returns: '1 sent, or the request is an ACK and nothing is; −1 it cannot be answered',
        doc: 'Answers the request. A 3xx names the destination set in Contact.',
      },
      sl_reply_error: {
        args: [],
        routes: ['request'],
        returns: '1 sent; −1 it cannot be answered, or sl has answered it before',
        doc: 'Answers with what prevented the statement before from forwarding the request.',
      },
    },
    stats: {
      '1xx_replies': counter('Replies sent with a 1xx.'),
      '2xx_replies': counter('Replies sent with a 2xx.'),
      '3xx_replies': counter('Replies sent with a 3xx.'),
      '4xx_replies': counter('Replies sent with a 4xx.'),
      '5xx_replies': counter('Replies sent with a 5xx.'),
      '6xx_replies': counter('Replies sent with a 6xx.'),
      sent_replies: counter('Replies sent.'),
      sent_err_replies: counter('Replies sent by sl_reply_error.'),
      received_ACKs: counter('ACKs of such replies, absorbed.'),
    },
  },
  ({ host, clock, stats, find }) => {
    const replies = new StatelessReplies({ proxy: host.proxy, clock, stats })
    host.proxy.hooks.beforeRequest(m => replies.absorbAck(m))
    return {
      api: {
        reply: (m, status, reason) => replies.send(m, status, reason),
        toTag: m => replies.toTag(m),
      } satisfies SlApi,
      functions: {
        sl_send_reply: (code, reason) => m => replies.send(m, code.read(m), reason.read(m)),
        sl_reply_error: () => m => replies.sendError(m, find('tm')?.lastFailure(m) ?? null),
      },
    }
  },
)
