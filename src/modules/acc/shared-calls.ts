import { isDetails } from './journal-lines.ts'
import { contextOf } from './running-calls.ts'
import type { AccServices } from './services.ts'

/** Lets the accounting of calls go with dialogs that nodes share: the node that ends a call writes its record. */
export function followSharedCalls(services: AccServices): void {
  const { calls, dialog, running } = services
  dialog?.keep('acc', {
    save: call => {
      const context = calls.get(call)
      return context === undefined ? undefined : (running.detailsOf(context) ?? undefined)
    },
    load: (call, data) => {
      const known = calls.get(call)
      const isOwn = known !== undefined && !(known.isRecovered && call.isReplica)
      if (!isOwn && isDetails(data)) calls.set(call, contextOf(data, []))
    },
  })
  dialog?.onTaken(call => {
    const context = calls.get(call)
    if (context !== undefined) running.begin(call, context)
  })
  dialog?.onLeft(call => {
    const context = calls.get(call)
    if (context !== undefined) running.forget(context)
    calls.set(call, undefined)
  })
}
