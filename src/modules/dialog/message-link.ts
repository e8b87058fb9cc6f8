import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Dialog, Direction } from './dialog.ts'
import type { DialogTable, Match } from './dialog-table.ts'

/** What ties a message to its dialog. */
export interface DialogLink {
  readonly dialog: Dialog
  readonly direction: Direction
  /** Null on the INVITE that the dialog was made for. */
  readonly match: Match | null
  /** The sender's last CSeq number before this request. */
  readonly previousCseq: number
  /** By how much the CSeq number was raised on its way through. */
  readonly cseqShift: number
}

const links = messageSlot<DialogLink>()
/** The dialogs load_dialog_ctx has put before the message's own, the current one last. */
const loaded = messageSlot<readonly Dialog[]>()

export function linkMessage(m: RouteContext, link: DialogLink): void {
  links.set(m, link)
}

/** What ties a message to its dialog; of a reply, its request. */
export function linkOf(m: RouteContext): DialogLink | undefined {
  return links.get(m) ?? (m.request === null ? undefined : links.get(m.request))
}

/** The dialog scripts mean: one that was loaded, else the one the message belongs to. */
export function dialogOf(m: RouteContext, table: DialogTable): Dialog | null {
  const own = loaded.get(m)?.at(-1) ?? linkOf(m)?.dialog
  if (own !== undefined) return own
  if (m.kind !== 'local') return null
  const { callId, fromTag, toTag } = m.message
  return table.match(callId, fromTag, toTag)?.dialog ?? null
}

/** load_dialog_ctx. */
export function loadDialog(m: RouteContext, dialog: Dialog): void {
  loaded.set(m, [...(loaded.get(m) ?? []), dialog])
}

/** unload_dialog_ctx. False: none was loaded. */
export function unloadDialog(m: RouteContext): boolean {
  const stack = loaded.get(m) ?? []
  if (stack.length === 0) return false
  loaded.set(m, stack.slice(0, -1))
  return true
}
