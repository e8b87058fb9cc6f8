import { column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import { Dialog, type Leg, newLeg } from './dialog.ts'
import { parseDialogId } from './dialog-id.ts'
import { DialogState } from './states.ts'
import { formatMemberships, formatValues, parseMemberships, parseValues } from './stored-values.ts'

const text = nullableColumn('str')

/** Where dialogs are kept (dialog reference, table). */
export const DIALOG_TABLE = {
  name: 'dialog',
  version: 12,
  columns: {
    dlg_id: column('bigint'),
    callid: column('str'),
    from_uri: column('str', ''),
    from_tag: column('str'),
    to_uri: column('str', ''),
    to_tag: column('str', ''),
    mangled_from_uri: text,
    mangled_to_uri: text,
    caller_cseq: column('str', '0'),
    callee_cseq: column('str', '0'),
    caller_ping_cseq: column('int', 0),
    callee_ping_cseq: column('int', 0),
    caller_route_set: text,
    callee_route_set: text,
    caller_contact: column('str', ''),
    callee_contact: column('str', ''),
    caller_sock: column('str', ''),
    callee_sock: column('str', ''),
    state: column('int'),
    start_time: column('int'),
    timeout: column('int'),
    vars: text,
    profiles: text,
    script_flags: text,
    module_flags: column('int', 0),
    flags: column('int', 0),
    rt_on_answer: text,
    rt_on_timeout: text,
    rt_on_hangup: text,
  },
} as const

export type DialogRow = RowOf<typeof DIALOG_TABLE>

/** A dialog as plain data that JSON can hold: its row, and what the row has no room for. */
export interface DialogSnapshot {
  readonly row: Omit<DialogRow, 'dlg_id'> & { readonly dlg_id: string }
  readonly answeredMs: number
  readonly expiresMs: number
  readonly callerSdp: string
  readonly calleeSdp: string
}

const seconds = (timeMs: number): number => Math.floor(timeMs / 1000)

/** `lifetimeS`: of calls that have not been answered, how long they are believed in. */
export function rowOf(dialog: Dialog, lifetimeS: number): DialogRow {
  return columnsOf(dialog, lifetimeS, BigInt(dialog.databaseId))
}

function columnsOf<Id>(dialog: Dialog, lifetimeS: number, id: Id): Omit<DialogRow, 'dlg_id'> & { readonly dlg_id: Id } {
  const { origin, caller, callee, routes } = dialog
  return {
    dlg_id: id,
    callid: origin.callId,
    from_uri: origin.fromUri,
    from_tag: caller.tag,
    to_uri: origin.toUri,
    to_tag: callee?.tag ?? '',
    mangled_from_uri: null,
    mangled_to_uri: null,
    caller_cseq: String(caller.cseq),
    callee_cseq: String(callee?.cseq ?? 0),
    caller_ping_cseq: caller.added,
    callee_ping_cseq: callee?.added ?? 0,
    caller_route_set: routesText(caller),
    callee_route_set: routesText(callee),
    caller_contact: caller.contact,
    callee_contact: callee?.contact ?? '',
    caller_sock: caller.socket?.text ?? '',
    callee_sock: callee?.socket?.text ?? '',
    state: dialog.state,
    start_time: seconds(dialog.answeredMs || dialog.createdMs),
    timeout: seconds(dialog.expiresMs || dialog.createdMs + lifetimeS * 1000),
    vars: dialog.hasValues ? formatValues(dialog.values) : null,
    profiles: profilesText(dialog),
    script_flags: dialog.hasUserFlags ? [...dialog.userFlags].join(' ') || null : null,
    module_flags: 0,
    flags: dialog.flags,
    rt_on_answer: routes.answer,
    rt_on_timeout: routes.timeout,
    rt_on_hangup: routes.hangup,
  }
}

/** What the row of a dialog is, and what it is not precise in. */
export function snapshotOf(dialog: Dialog, lifetimeS: number): DialogSnapshot {
  return {
    row: columnsOf(dialog, lifetimeS, dialog.databaseId),
    answeredMs: dialog.answeredMs,
    expiresMs: dialog.expiresMs,
    callerSdp: dialog.caller.sdp,
    calleeSdp: dialog.callee?.sdp ?? '',
  }
}

/** Some columns of the row of a dialog. */
export type DialogColumns = Partial<DialogSnapshot['row']>
const COLUMNS = Object.keys(DIALOG_TABLE.columns).filter(name => name !== 'dlg_id')

/** The columns that are not as they were; null where all are, `all` where more of the dialog has changed than its row. */
export function changedColumns(
  dialog: Dialog,
  before: DialogSnapshot,
  lifetimeS: number,
): DialogColumns | 'all' | null {
  if (before.answeredMs !== dialog.answeredMs || before.expiresMs !== dialog.expiresMs) return 'all'
  if (before.callerSdp !== dialog.caller.sdp || before.calleeSdp !== (dialog.callee?.sdp ?? '')) return 'all'
  const known: Readonly<Record<string, unknown>> = before.row
  const row: Readonly<Record<string, unknown>> = columnsOf(dialog, lifetimeS, null)
  let changed: Record<string, unknown> | null = null
  for (const name of COLUMNS) {
    const value = row[name]
    if (known[name] === value) continue
    changed ??= {}
    changed[name] = value
  }
  return changed
}

/** The row of a snapshot. */
export function rowIn({ row }: DialogSnapshot): DialogRow {
  return { ...row, dlg_id: /^\d+$/.test(row.dlg_id) ? BigInt(row.dlg_id) : 0n }
}

/** A row made a dialog again, without its profiles. Null where the row is of no call that goes on. */
export function dialogFrom(row: DialogRow, proxy: SipProxy, deleteDelayS: number): Dialog | null {
  const id = parseDialogId(String(row.dlg_id))
  const state = [DialogState.early, DialogState.unacknowledged, DialogState.confirmed].find(s => s === row.state)
  if (id === null || state === undefined) return null
  const leg = (tag: string, contact: string, routes: string | null, socket: string): Partial<Leg> => ({
    tag,
    contact,
    routes: routes === null || routes === '' ? [] : routes.split(/,\s*(?=<)/),
    socket: proxy.findSocket(socket) ?? null,
  })
  const caller = newLeg({
    ...leg(row.from_tag, row.caller_contact, row.caller_route_set, row.caller_sock),
    cseq: Number(row.caller_cseq) || 0,
    added: row.caller_ping_cseq,
  })
  const origin = { callId: row.callid, fromUri: row.from_uri, toUri: row.to_uri, requestUri: row.to_uri, caller }
  const dialog = new Dialog(id, origin, row.start_time * 1000, deleteDelayS)
  const callee = newLeg({
    ...leg(row.to_tag, row.callee_contact, row.callee_route_set, row.callee_sock),
    cseq: Number(row.callee_cseq) || 0,
    added: row.callee_ping_cseq,
  })
  if (callee.tag !== '') dialog.addCallee(callee)
  dialog.state = state
  dialog.flags = row.flags
  dialog.expiresMs = row.timeout * 1000
  if (dialog.isActive) {
    dialog.answered = callee.tag === '' ? null : callee
    dialog.answeredMs = row.start_time * 1000
  }
  for (const [name, value] of parseValues(row.vars)) dialog.values.set(name, value)
  for (const flag of (row.script_flags ?? '').split(' ').filter(name => name !== '')) dialog.userFlags.add(flag)
  Object.assign(dialog.routes, { answer: row.rt_on_answer, timeout: row.rt_on_timeout, hangup: row.rt_on_hangup })
  return dialog
}

/** The profiles a row names, with the values. */
export const membershipsIn = (row: Pick<DialogRow, 'profiles'>): readonly (readonly [string, string])[] =>
  parseMemberships(row.profiles)

const profilesText = ({ memberships }: Dialog): string | null =>
  memberships.length === 0
    ? null
    : formatMemberships(memberships.map(({ profile, value }) => [profile.name, value] as const))

const routesText = (leg: Leg | null): string | null =>
  leg === null || leg.routes.length === 0 ? null : leg.routes.join(',') || null
