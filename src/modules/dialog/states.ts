/** The states of a dialog, numbered as events, variables and commands show them (dialog reference, states). */
export const DialogState = { unconfirmed: 1, early: 2, unacknowledged: 3, confirmed: 4, deleted: 5 } as const
export type DialogState = (typeof DialogState)[keyof typeof DialogState]

/** What moves a dialog from state to state. */
export type DialogInput = 'provisional' | 'success' | 'failure' | 'ack' | 'bye' | 'abandoned' | 'ended'

const { unconfirmed, early, unacknowledged, confirmed, deleted } = DialogState

const TRANSITIONS: Readonly<Record<DialogInput, Readonly<Partial<Record<DialogState, DialogState>>>>> = {
  provisional: { [unconfirmed]: early },
  success: { [unconfirmed]: unacknowledged, [early]: unacknowledged, [deleted]: unacknowledged },
  failure: { [unconfirmed]: deleted, [early]: deleted },
  ack: { [unacknowledged]: confirmed },
  bye: { [unacknowledged]: deleted, [confirmed]: deleted },
  abandoned: { [unconfirmed]: deleted, [early]: deleted },
  ended: { [unacknowledged]: deleted, [confirmed]: deleted },
}

/** The state an input leads to; the same state where it means nothing. */
export function nextState(state: DialogState, input: DialogInput): DialogState {
  return TRANSITIONS[input][state] ?? state
}
