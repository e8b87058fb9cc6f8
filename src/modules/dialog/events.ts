import { field, nullableField } from '../../util/spec.ts'
import type { Dialog } from './dialog.ts'
import type { DialogState } from './states.ts'

/** Events of the module (events reference, dialog). */
export const dialogEvents = {
  E_DLG_STATE_CHANGED: {
    fields: {
      id: field('str', 'Id of the dialog: two hexadecimal numbers written backwards.'),
      db_id: field('str', 'The same id as one decimal number.'),
      callid: field('str', 'Call-ID.'),
      from_tag: field('str', 'Tag of the caller.'),
      to_tag: nullableField('str', 'Tag of the callee; null until one is known.'),
      old_state: field('int', 'State left: 1 unconfirmed, 2 early, 3 answered, 4 confirmed, 5 ended.'),
      new_state: field('int', 'State entered.'),
    },
    legacyFields: ['hash_entry', 'hash_id', 'callid', 'from_tag', 'to_tag', 'old_state', 'new_state'],
    doc: 'A dialog went from one state to another.',
  },
} as const

/** The parameters of a change, the two that only earlier versions had included. */
export function stateChangeFields(dialog: Dialog, oldState: DialogState, newState: DialogState) {
  return {
    id: dialog.id,
    db_id: dialog.databaseId,
    hash_entry: String(dialog.entry),
    hash_id: String(dialog.number),
    callid: dialog.origin.callId,
    from_tag: dialog.caller.tag,
    to_tag: dialog.toTag === '' ? null : dialog.toTag,
    old_state: oldState,
    new_state: newState,
  }
}
