import type { Dialog, Leg } from './dialog.ts'

/** Local time for people, beside the number for programs; '' for never. */
function dateText(timeMs: number): string {
  if (timeMs === 0) return ''
  const date = new Date(timeMs)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

const seconds = (timeMs: number): number => Math.floor(timeMs / 1000)

/** A dialog as management and `$DLG_json` show it; `withContext` adds values and profiles. */
export function listing(dialog: Dialog, withContext: boolean): Record<string, unknown> {
  const { origin, caller } = dialog
  return {
    ID: dialog.id,
    db_id: dialog.databaseId,
    state: dialog.state,
    user_flags: flagText(dialog),
    timestart: seconds(dialog.answeredMs),
    datestart: dateText(dialog.answeredMs),
    timeout: seconds(dialog.expiresMs),
    dateout: dateText(dialog.expiresMs),
    callid: origin.callId,
    from_uri: origin.fromUri,
    to_uri: origin.toUri,
    caller_tag: caller.tag,
    caller_contact: caller.contact,
    callee_cseq: String(dialog.callee?.cseq ?? 0),
    caller_route_set: caller.routes.join(','),
    caller_bind_addr: caller.socket?.text ?? '',
    caller_sdp: caller.sdp,
    caller_sent_sdp: dialog.callee?.sdp ?? '',
    CALLEES: dialog.callees.map(leg => calleeListing(leg, caller)),
    ...(withContext ? { context: context(dialog) } : {}),
  }
}

function calleeListing(leg: Leg, caller: Leg): Record<string, unknown> {
  return {
    callee_tag: leg.tag,
    callee_contact: leg.contact,
    caller_cseq: String(caller.cseq),
    callee_route_set: leg.routes.join(','),
    callee_bind_addr: leg.socket?.text ?? '',
    callee_sdp: leg.sdp,
    callee_sent_sdp: caller.sdp,
  }
}

function context(dialog: Dialog): { values: Record<string, unknown>[]; profiles: Record<string, unknown>[] } {
  return {
    values: [...dialog.values].map(([name, value]) => ({ [name]: value })),
    profiles: dialog.memberships.map(({ profile, value }) => ({ [profile.name]: value })),
  }
}

/** The flags the script has set, divided by blanks. */
export function flagText(dialog: Dialog): string {
  return [...dialog.userFlags].join(' ')
}

/** Whether `key` names this dialog: its id in either form, or its Call-ID. */
export function isNamed(dialog: Dialog, key: string): boolean {
  return key === dialog.id || key === dialog.databaseId || key === dialog.origin.callId
}
