import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { AccContext } from './context.ts'
import { callRecord } from './records.ts'
import type { AccServices } from './services.ts'

/** A call that a BYE has ended, until the BYE is answered. */
interface PendingRecord {
  readonly context: AccContext
  readonly endedMs: number
}
const pending = messageSlot<PendingRecord>()

/** Writes a CDR for each call at its end: when the BYE has been answered, or at once where there is none. */
export function followCalls(services: AccServices): void {
  const { calls, dialog, proxy, running, tm } = services
  dialog?.onEnded((call, { request }) => {
    const context = calls.get(call)
    if (context === undefined || context.answer === null) return
    const record = { context, endedMs: call.endedMs }
    running.ended(context, call.endedMs)
    if (request === null) writeCall(services, record)
    else pending.set(request, record)
  })
  dialog?.onChanged((call, what) => {
    const context = calls.get(call)
    if (context === undefined) return
    // With flags, pings may begin with the ACK.
    if (what === 'ack' && call.flags === 0) running.acknowledged(context)
    else running.changed(context)
  })
  tm.onFinal(t => settle(services, t.request))
  // A BYE that the script has answered without a transaction, passed on without one, or dropped.
  proxy.hooks.afterRequest(m => {
    const t = tm.current(m)
    if (t === null || t.isReleased) settle(services, m)
  })
}

function settle(services: AccServices, m: RouteContext): void {
  const record = pending.get(m)
  if (record === undefined) return
  pending.set(m, undefined)
  writeCall(services, record)
}

/** Writes the record of a call that ended then, to where it has not been written yet. */
export function writeCall(
  { books, running, writer }: Pick<AccServices, 'books' | 'running' | 'writer'>,
  { context, endedMs }: PendingRecord,
): void {
  const { answer } = context
  if (answer === null) return
  context.answer = null
  const record = callRecord(context, answer, endedMs)
  const types = context.types.having('cdr')
  if (types.length === 0) running.forget(context)
  else books.ended(record, types)
  for (const type of types) {
    if (type === 'db') {
      writer.storeCall(record, context, answer.request, isDone => {
        if (isDone) books.stored(record)
        running.settled(context, type, isDone ? 'done' : 'waits')
      })
    } else {
      running.settled(context, type, writer.call(type, record, context, answer.request) ? 'done' : 'nowhere')
    }
  }
}
