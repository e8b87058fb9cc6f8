import type { Dialog } from './dialog.ts'
import { type DialogRow, type DialogSnapshot, dialogFrom, membershipsIn, rowIn } from './dialog-row.ts'
import { resumeDialog } from './lifecycle.ts'
import { joinProfiles } from './profile.ts'
import type { DialogServices } from './services.ts'
import { DialogState } from './states.ts'

/** Brings dialogs of a process before this one back. Their timers run from {@link Restorer.start} on. */
export class Restorer {
  readonly #services: DialogServices
  /** Those that wait for the start; null once it was. */
  #waiting: Dialog[] | null = []

  constructor(services: DialogServices) {
    this.#services = services
  }

  /**
   * The dialog of a row: the one there is already, or a new one, prepared before anything counts it. Null where the row is of
   * no call that goes on.
   */
  fromRow(row: DialogRow, prepare: (dialog: Dialog) => void = () => {}): Dialog | null {
    const { profiles, proxy, settings, table } = this.#services
    const dialog = dialogFrom(row, proxy, settings.deleteDelayS)
    if (dialog === null) return null
    const known = table.find(dialog)
    if (known !== undefined) return known
    prepare(dialog)
    joinProfiles(profiles, dialog, membershipsIn(row), true)
    this.#enter(dialog)
    return dialog
  }

  /** The same of a snapshot. */
  fromSnapshot(snapshot: DialogSnapshot, prepare?: (dialog: Dialog) => void): Dialog | null {
    const { answeredMs, expiresMs, callerSdp, calleeSdp } = snapshot
    const dialog = this.fromRow(rowIn(snapshot), prepare)
    if (dialog === null) return null
    dialog.answeredMs = answeredMs
    dialog.expiresMs = expiresMs
    dialog.caller.sdp = callerSdp
    if (dialog.callee !== null) dialog.callee.sdp = calleeSdp
    return dialog
  }

  /** Lets time run for them: what they raise when they end now finds its subscribers. */
  start(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const dialog of waiting) if (dialog.endedMs === 0) resumeDialog(this.#services, dialog)
  }

  #enter(dialog: Dialog): void {
    const { counts, table } = this.#services
    dialog.isRestored = true
    table.add(dialog)
    if (dialog.isActive) counts.active++
    if (dialog.state === DialogState.early) counts.early++
    if (this.#waiting === null) resumeDialog(this.#services, dialog)
    else this.#waiting.push(dialog)
  }
}
