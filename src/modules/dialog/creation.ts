import { messageSlot, type RouteContext } from '../../script/context.ts'
import { Dialog } from './dialog.ts'
import { callerLeg } from './legs.ts'
import { advance } from './lifecycle.ts'
import { linkMessage, linkOf } from './message-link.ts'
import type { DialogServices } from './services.ts'

/** `$DLG_timeout` set before there was a dialog, s. */
export const earlyTimeout = messageSlot<number>()

/**
 * The dialog of an INVITE outside of dialogs, made if there is none; `flags` are added to those it has. Null for any
 * other request.
 */
export function createDialog(services: DialogServices, m: RouteContext, flags: number): Dialog | null {
  const known = linkOf(m)?.dialog
  if (known !== undefined) {
    known.flags |= flags
    return known
  }
  const { message } = m
  if (!message.isRequest || message.method !== 'INVITE' || message.toTag !== '') return null
  const { clock, counts, rr, settings, table, tm } = services
  const dialog = new Dialog(
    table.newId(message.callId),
    {
      callId: message.callId,
      fromUri: message.from?.uri ?? '',
      toUri: message.to?.uri ?? '',
      requestUri: message.requestUri,
      caller: callerLeg(message, m.origin.socket),
    },
    clock.nowMs(),
    settings.deleteDelayS,
  )
  dialog.flags = flags
  dialog.timeoutS = earlyTimeout.get(m) ?? null
  dialog.transaction = tm.current(m)
  table.add(dialog)
  counts.processed.value++
  const link = { dialog, direction: 'downstream', match: null, previousCseq: 0, cseqShift: 0 } as const
  linkMessage(m, link)
  // What a branch_route keeps stays with its branch; the dialog is that of the whole INVITE.
  if (dialog.transaction !== null) linkMessage(dialog.transaction.request, link)
  if (settings.matchesById) rr.addParams(m, `;${settings.rrParam}=${dialog.id}`)
  return dialog
}

/** The script has ended for a request: a dialog whose INVITE went nowhere ends with it. */
export function endIfAbandoned(services: DialogServices, m: RouteContext): void {
  const link = linkOf(m)
  if (link === undefined || link.match !== null) return
  const t = services.tm.current(m)
  if (t === null || (t.isReleased && t.finalStatus === 0)) advance(services, link.dialog, 'abandoned')
}
