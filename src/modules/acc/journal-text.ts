import type { DialogSnapshot, JournalLine, JournalledCall } from './journal-lines.ts'

type Row = DialogSnapshot['row']

/** The columns of a dialog in the order in which a line has them. With other columns, `call` becomes another word. */
const COLUMNS = [
  'dlg_id',
  'callid',
  'from_uri',
  'from_tag',
  'to_uri',
  'to_tag',
  'mangled_from_uri',
  'mangled_to_uri',
  'caller_cseq',
  'callee_cseq',
  'caller_ping_cseq',
  'callee_ping_cseq',
  'caller_route_set',
  'callee_route_set',
  'caller_contact',
  'callee_contact',
  'caller_sock',
  'callee_sock',
  'state',
  'start_time',
  'timeout',
  'vars',
  'profiles',
  'script_flags',
  'module_flags',
  'flags',
  'rt_on_answer',
  'rt_on_timeout',
  'rt_on_hangup',
] as const satisfies readonly (keyof Row)[]

/** Their values, written out: a loop over the names costs several times as much, and this is done for each call. */
function columnsOf(row: Row): readonly unknown[] {
  return [
    row.dlg_id,
    row.callid,
    row.from_uri,
    row.from_tag,
    row.to_uri,
    row.to_tag,
    row.mangled_from_uri,
    row.mangled_to_uri,
    row.caller_cseq,
    row.callee_cseq,
    row.caller_ping_cseq,
    row.callee_ping_cseq,
    row.caller_route_set,
    row.callee_route_set,
    row.caller_contact,
    row.callee_contact,
    row.caller_sock,
    row.callee_sock,
    row.state,
    row.start_time,
    row.timeout,
    row.vars,
    row.profiles,
    row.script_flags,
    row.module_flags,
    row.flags,
    row.rt_on_answer,
    row.rt_on_timeout,
    row.rt_on_hangup,
  ]
}

/**
 * A line as JSON without names, since each call is written once and read hardly ever:
 * `["call",id,[core…],received,created,answered,table,types,extra,legs,frozen,[columns…],answered,expires,sdp,sdp]`,
 * `["row",id,{column:value…}]`, `["ended",id,ms]`, `["written",id,type]`, `["forgotten",id]`.
 */
export function textOf(line: JournalLine): string {
  switch (line.op) {
    case 'call':
      return JSON.stringify(callValues(line.call))
    case 'row':
      return JSON.stringify(['row', line.id, line.row])
    case 'ended':
      return JSON.stringify(['ended', line.id, line.endedMs])
    case 'written':
      return JSON.stringify(['written', line.id, line.type])
    case 'forgotten':
      return JSON.stringify(['forgotten', line.id])
  }
}

function callValues(call: JournalledCall): readonly unknown[] {
  const { core, dialog } = call
  return [
    'call',
    call.id,
    [core.method, core.fromTag, core.toTag, core.callId, core.code, core.reason, core.timeS],
    call.receivedMs,
    call.createdMs,
    call.answeredMs,
    call.table,
    call.types,
    call.extra,
    call.legs,
    call.frozen,
    columnsOf(dialog.row),
    dialog.answeredMs,
    dialog.expiresMs,
    dialog.callerSdp,
    dialog.calleeSdp,
  ]
}

/** The value that such a line is with names; anything else comes back as it is. */
export function named(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const [op, id, content] = value
  if (op === 'row') return { op, id, row: content }
  if (op === 'ended') return { op, id, endedMs: content }
  if (op === 'written') return { op, id, type: content }
  if (op === 'call') return { op, call: callIn(value) }
  return { op, id }
}

function callIn(values: readonly unknown[]): unknown {
  const [, id, core, receivedMs, createdMs, answeredMs, table, types, extra, legs, frozen, columns, ...times] = values
  const [dialogMs, expiresMs, callerSdp, calleeSdp] = times
  if (!Array.isArray(core) || !Array.isArray(columns) || columns.length !== COLUMNS.length) return null
  const [method, fromTag, toTag, callId, code, reason, timeS] = core
  const row = Object.fromEntries(COLUMNS.map((name, i) => [name, columns[i]]))
  return {
    id,
    core: { method, fromTag, toTag, callId, code, reason, timeS },
    receivedMs,
    createdMs,
    answeredMs,
    table,
    types,
    extra,
    legs,
    frozen,
    dialog: { row, answeredMs: dialogMs, expiresMs, callerSdp, calleeSdp },
  }
}
