import { isRecord } from '../../cluster/message.ts'
import type { Dialog, Leg } from './dialog.ts'
import { DIALOG_TABLE, type DialogSnapshot, dialogFrom, membershipsIn, rowIn, snapshotOf } from './dialog-row.ts'
import { resumeDialog } from './lifecycle.ts'
import { joinProfiles, leaveProfiles } from './profile.ts'
import type { DialogServices } from './services.ts'

/** What nodes tell each other of dialogs. */
export type SharedMessage = PutMessage | EndMessage

/** A dialog as it is from now on. */
export interface PutMessage {
  readonly op: 'put'
  readonly owner: number
  readonly shtag: string
  readonly version: number
  readonly snapshot: DialogSnapshot
  /** What other modules keep with it, by their names. */
  readonly kept: Readonly<Record<string, unknown>>
}
/** A dialog has ended. */
export interface EndMessage {
  readonly op: 'end'
  /** Its id in a database. */
  readonly id: string
}

/** A dialog as other nodes are told of it. */
export function putMessage(services: DialogServices, dialog: Dialog, kept: PutMessage['kept']): PutMessage {
  const { owner, shtag, sharedVersion: version } = dialog
  return { op: 'put', owner, shtag, version, snapshot: snapshotOf(dialog, services.settings.defaultTimeoutS), kept }
}

/** Reads what another node tells; null where it is no such message. */
export function parseShared(body: unknown): SharedMessage | null {
  if (!isRecord(body)) return null
  const { op, id, owner, shtag, version, snapshot, kept } = body
  if (op === 'end') return typeof id === 'string' ? { op, id } : null
  if (op !== 'put' || !isWhole(owner) || !isWhole(version) || typeof shtag !== 'string') return null
  return isSnapshot(snapshot) ? { op, owner, shtag, version, snapshot, kept: isRecord(kept) ? kept : {} } : null
}

const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value)

function isSnapshot(value: unknown): value is DialogSnapshot {
  if (!isRecord(value)) return false
  const { row, answeredMs, expiresMs, callerSdp, calleeSdp } = value
  const isPlain =
    isWhole(answeredMs) && isWhole(expiresMs) && typeof callerSdp === 'string' && typeof calleeSdp === 'string'
  return (
    isPlain &&
    isRecord(row) &&
    Object.entries(DIALOG_TABLE.columns).every(([name, { type, nullable }]) => {
      const column = row[name]
      if (column === null) return nullable
      return type === 'int' ? isWhole(column) : typeof column === 'string'
    })
  )
}

/** Takes over what another node says of a dialog that is known here. */
export function takeOver(services: DialogServices, dialog: Dialog, snapshot: DialogSnapshot): void {
  const { profiles, proxy, settings } = services
  const row = rowIn(snapshot)
  const told = dialogFrom(row, proxy, settings.deleteDelayS)
  if (told === null) return
  takeLeg(dialog.caller, told.caller, snapshot.callerSdp)
  const callee = told.callee
  if (callee !== null) {
    const known = dialog.calleeByTag(callee.tag)
    if (known === undefined) dialog.addCallee({ ...callee, sdp: snapshot.calleeSdp })
    else takeLeg(known, callee, snapshot.calleeSdp)
    dialog.answered ??= dialog.calleeByTag(callee.tag) ?? null
  }
  // Both are states of an answered call, which is all that is told.
  const mustResume = told.state > dialog.state || dialog.expiresMs !== snapshot.expiresMs
  if (told.state > dialog.state) dialog.state = told.state
  dialog.expiresMs = snapshot.expiresMs
  dialog.flags = told.flags
  refill(dialog.userFlags, told.userFlags)
  dialog.values.clear()
  for (const [name, value] of told.values) dialog.values.set(name, value)
  Object.assign(dialog.routes, told.routes)
  if (snapshotOf(dialog, settings.defaultTimeoutS).row.profiles !== row.profiles) {
    leaveProfiles(dialog)
    joinProfiles(profiles, dialog, membershipsIn(row), false)
  }
  if (mustResume) resumeDialog(services, dialog)
}

/** CSeq numbers only grow, and a socket that this node does not have stays what it was. */
function takeLeg(leg: Leg, told: Leg, sdp: string): void {
  leg.contact = told.contact
  leg.routes = told.routes
  leg.socket = told.socket ?? leg.socket
  leg.cseq = Math.max(leg.cseq, told.cseq)
  leg.added = Math.max(leg.added, told.added)
  leg.sdp = sdp
}

function refill(set: Set<string>, values: Iterable<string>): void {
  set.clear()
  for (const value of values) set.add(value)
}
