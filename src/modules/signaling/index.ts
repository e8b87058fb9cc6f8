import { arg, defineModule } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    signaling: SignalingApi
  }
}

/** Answering, whether or not there is a transaction. */
export interface SignalingApi {
  /** Answers through the transaction of the request if it has one, else statelessly: 1 sent, 0 or negative not. */
  reply(m: RouteContext, status: number, reason: string): Verdict
}

/** One way to answer for scripts with and without transactions (sl reference, signaling module). */
export default defineModule(
  {
    name: 'signaling',
    doc: 'Answers requests through tm where there is a transaction, else through sl.',
    after: ['tm', 'sl'],
    functions: {
      send_reply: {
        args: [arg('code', 'int', 'Status.'), arg('reason', 'str', 'Reason phrase.')],
        routes: ['request', 'failure', 'error'],
        returns: '1 sent; 0 or negative not',
        doc: 'Answers the request: statefully if it has a transaction, else statelessly.',
      },
    },
    pvars: {
      sig_local_totag: { type: 'str', writable: false, doc: 'To tag that replies made here carry.' },
    },
  },
  ({ find, log }) => {
    const reply = (m: RouteContext, status: number, reason: string): Verdict => {
      const tm = find('tm')
      if (tm?.current(m)) return tm.reply(m, { status, reason })
      const sl = find('sl')
      if (sl !== undefined) return sl.reply(m, status, reason)
      if (tm !== undefined) return tm.reply(m, { status, reason })
      log.error('nothing to answer with: load tm or sl')
      return -1
    }
    return {
      api: { reply } satisfies SignalingApi,
      functions: { send_reply: (code, reason) => m => reply(m, code.read(m), reason.read(m)) },
      pvars: {
        sig_local_totag: () => ({
          get: m => m.message.toTag || find('tm')?.current(m)?.localToTag || find('sl')?.toTag(m) || null,
        }),
      },
    }
  },
)
