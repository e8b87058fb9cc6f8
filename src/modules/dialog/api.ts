import type { RouteContext } from '../../script/context.ts'
import { CreateFlag } from './create-flags.ts'
import { createDialog } from './creation.ts'
import type { Dialog } from './dialog.ts'
import { dialogOf } from './message-link.ts'
import type { DialogObservers, DialogServices } from './services.ts'

export type { Dialog } from './dialog.ts'
export type { Ending } from './services.ts'

/** What other modules do with dialogs. */
export interface DialogApi {
  /** Bits for `create`. */
  readonly flags: typeof CreateFlag
  /** create_dialog. Null: the request does not begin a call. */
  create(m: RouteContext, flags?: number): Dialog | null
  /** The dialog of a message, or null. */
  current(m: RouteContext): Dialog | null
  /** Called when a call has been answered, once. Callbacks must not throw. */
  onAnswered(callback: DialogObservers['answered'][number]): void
  /** Called when a dialog has ended, answered or not; once, unless it is answered after all. */
  onEnded(callback: DialogObservers['ended'][number]): void
}

/** The API on the running module. */
export function dialogApi(services: DialogServices): DialogApi {
  const { observers, table } = services
  return {
    flags: CreateFlag,
    create: (m, flags = 0) => createDialog(services, m, flags),
    current: m => dialogOf(m, table),
    onAnswered: callback => void observers.answered.push(callback),
    onEnded: callback => void observers.ended.push(callback),
  }
}
