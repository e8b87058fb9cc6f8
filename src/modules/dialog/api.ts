import type { RouteContext } from '../../script/context.ts'
import { changed } from './changes.ts'
import { CreateFlag } from './create-flags.ts'
import { createDialog } from './creation.ts'
import type { Dialog } from './dialog.ts'
import { changedColumns, type DialogColumns, type DialogSnapshot, snapshotOf } from './dialog-row.ts'
import { type DialogSlot, dialogSlot } from './dialog-slot.ts'
import { matchRequestById, raiseCseq } from './in-dialog.ts'
import { EndReason, endByUs } from './lifecycle.ts'
import { type DialogLink, dialogOf, linkOf } from './message-link.ts'
import type { Profile } from './profile.ts'
import type { KeptWithDialogs } from './replication.ts'
import type { Restorer } from './restore.ts'
import type { DialogObservers, DialogServices } from './services.ts'

export { CALLEE_CALL_ID, type Dialog } from './dialog.ts'
export type { DialogSlot } from './dialog-slot.ts'
export type { Match } from './dialog-table.ts'
export type { DialogLink } from './message-link.ts'
export type { Profile } from './profile.ts'
export type { Ending } from './services.ts'

/** What other modules do with dialogs. */
export interface DialogApi {
  /** Bits for `create`. */
  readonly flags: typeof CreateFlag
  /** create_dialog. Null: the request does not begin a call. */
  create(m: RouteContext, flags?: number): Dialog | null
  /** The dialog of a message, or null. */
  current(m: RouteContext): Dialog | null
  /** The dialog with an id as `Dialog.id` gives it, or null. */
  find(id: string): Dialog | null
  /** The dialogs with this Call-ID. */
  ofCall(callId: string): readonly Dialog[]
  /** What ties a message to its dialog: which way it goes, to and from whom. */
  link(m: RouteContext): DialogLink | undefined
  /** Ties a request to the dialog with this id, if its tags fit. False: they do not, or there is none. */
  matchById(m: RouteContext, id: string): boolean | Promise<boolean>
  /** The CSeq number of this request was raised by one: later ones that go the same way count on from there. */
  raiseCseq(m: RouteContext): void
  /** Ends an answered call with BYEs to both parties. False: it is not answered, or over. */
  end(dialog: Dialog, reason?: EndReason): boolean
  /** Called when a request inside a dialog has found it; what it returns is waited for. */
  onWithin(callback: DialogObservers['within'][number]): void
  /** A profile with values by its name, made where there is none. Calls leave it when they end. */
  profile(name: string): Profile
  /** Somewhere to keep what a module knows of dialogs, for as long as each is there. */
  slot<T>(): DialogSlot<T>
  /** The dialog as plain data that JSON can hold. */
  snapshot(dialog: Dialog): DialogSnapshot
  /**
   * What of the dialog is not as in a snapshot: columns of its row, `all` where more than that has changed, null where nothing
   * has.
   */
  changes(dialog: Dialog, since: DialogSnapshot): DialogColumns | 'all' | null
  /**
   * The dialog of a snapshot that a process before this one made: the one there is already, or a new one that goes on from
   * there. To be called when the sockets are open. Null: it is of no call that goes on.
   */
  restore(snapshot: DialogSnapshot): Dialog | null
  /** Lets data of another module go with dialogs that nodes of a cluster share, under its name. */
  keep(name: string, kept: KeptWithDialogs): void
  /** Called when another node has ended a dialog: there is nothing left to do for it. */
  onLeft(callback: DialogObservers['left'][number]): void
  /** Called when this node has become responsible for a dialog of another one. */
  onTaken(callback: DialogObservers['taken'][number]): void
  /** Called when something of a dialog has changed that a snapshot holds. */
  onChanged(callback: DialogObservers['changed'][number]): void
  /** Called when a call has been answered, once. Callbacks must not throw. */
  onAnswered(callback: DialogObservers['answered'][number]): void
  /** Called when a dialog has ended, answered or not; once, unless it is answered after all. */
  onEnded(callback: DialogObservers['ended'][number]): void
}

/** The API on the running module. */
export function dialogApi(services: DialogServices, restorer: Restorer): DialogApi {
  const { observers, table } = services
  return {
    flags: CreateFlag,
    create: (m, flags = 0) => createDialog(services, m, flags),
    current: m => dialogOf(m, table),
    find: text => table.findText(text) ?? null,
    ofCall: callId => table.ofCall(callId),
    link: linkOf,
    matchById: (m, id) => matchRequestById(services, m, id),
    raiseCseq: m => {
      raiseCseq(m)
      const link = linkOf(m)
      if (link !== undefined && link.match !== null) changed(services, link.dialog, 'state')
    },
    end: (dialog, reason = EndReason.timeout) => endByUs(services, dialog, reason),
    onWithin: callback => void observers.within.push(callback),
    profile: name => services.profiles.open(name),
    slot: dialogSlot,
    snapshot: dialog => snapshotOf(dialog, services.settings.defaultTimeoutS),
    changes: (dialog, since) => changedColumns(dialog, since, services.settings.defaultTimeoutS),
    restore: snapshot => restorer.fromSnapshot(snapshot),
    keep: (name, kept) => services.replication?.keep(name, kept),
    onLeft: callback => void observers.left.push(callback),
    onTaken: callback => void observers.taken.push(callback),
    onChanged: callback => void observers.changed.push(callback),
    onAnswered: callback => void observers.answered.push(callback),
    onEnded: callback => void observers.ended.push(callback),
  }
}
