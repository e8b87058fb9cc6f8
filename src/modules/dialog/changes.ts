import type { Dialog } from './dialog.ts'
import type { DialogServices } from './services.ts'

/**
 * What of a dialog has changed: how far it is and how its parties are reached, or what scripts keep with it; `ack`: that its
 * ACK has come, and nothing else.
 */
export type DialogChange = 'state' | 'values' | 'ack'

/** Tells everyone who keeps dialogs that one has changed. */
export function changed({ observers }: Pick<DialogServices, 'observers'>, dialog: Dialog, what: DialogChange): void {
  for (const observe of observers.changed) observe(dialog, what)
}
