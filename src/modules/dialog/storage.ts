import { setImmediate as turn } from 'node:timers/promises'
import type { TableNames } from '../../db/database.ts'
import type { Databases } from '../../db/databases.ts'
import type { Table } from '../../db/table.ts'
import type { Timer } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import type { Dialog } from './dialog.ts'
import { DIALOG_TABLE, type DialogRow, rowOf } from './dialog-row.ts'
import type { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'
import { DialogState } from './states.ts'

/** When dialogs are written (dialog reference, `db_mode`). */
export const DbMode = { none: 0, realtime: 1, delayed: 2, shutdown: 3 } as const
export type DbMode = (typeof DbMode)[keyof typeof DbMode]

interface StorageParts {
  readonly services: DialogServices
  readonly restorer: Restorer
  readonly databases: Databases
  readonly url: string
  readonly names: TableNames<typeof DIALOG_TABLE>
  readonly mode: Exclude<DbMode, 0>
  readonly updatePeriodS: number
  /** Changes of values and profiles alone are written too. */
  readonly writesValues: boolean
  readonly failures: Counter
}

/** Pause before rows that could not be written are tried again, where every change is written at once. */
const RETRY_MS = 5_000

/** Dialogs in a database: written off the way of SIP, read at the start. What cannot be written waits. */
export class DialogStorage {
  readonly #parts: StorageParts
  #table: Table<typeof DIALOG_TABLE> | null = null
  #rows: readonly DialogRow[] = []
  /** By their ids in the database. */
  readonly #stored = new Set<string>()
  readonly #dirty = new Map<string, Dialog>()
  #work: Promise<void> | null = null
  #timer: Timer | null = null

  constructor(parts: StorageParts) {
    this.#parts = parts
    const { services, mode } = parts
    if (mode !== DbMode.shutdown)
      services.observers.changed.push((dialog, what) => {
        if (what !== 'values' || parts.writesValues) this.#note(dialog)
      })
    if (mode !== DbMode.shutdown) services.observers.left.push(dialog => this.#note(dialog))
  }

  /** Opens the table and reads it. Rejects with an Error that says what is wrong. */
  async start(): Promise<void> {
    const { databases, names, url } = this.#parts
    const database = await databases.open(url)
    this.#table = await database.table(DIALOG_TABLE, names)
    this.#rows = await this.#table.select()
  }

  /** Takes over the calls that were read, once the sockets they use are open. */
  async resume(): Promise<void> {
    const { mode, services, updatePeriodS } = this.#parts
    const rows = this.#rows
    this.#rows = []
    const { loaded, gone } = this.#take(rows)
    if (loaded > 0) services.log.notice('dialogs were read from the database', { dialogs: loaded })
    // What is not written before the end would come back after a crash.
    if (mode === DbMode.shutdown) await this.#table?.delete([])
    else for (const id of gone) await this.#table?.delete([['dlg_id', '=', id]])
    if (mode === DbMode.shutdown) this.#stored.clear()
    if (mode === DbMode.delayed) this.#timer = services.clock.every(updatePeriodS * 1000, () => void this.#flush())
  }

  /** Adds the calls of the database that are not known (`dialog:db_sync`). */
  async read(): Promise<void> {
    await this.#idle()
    if (this.#table !== null) this.#take(await this.#table.select())
  }

  /** Replaces what the database holds by the calls that stand (`dialog:restore_db`). */
  async rewrite(): Promise<void> {
    await this.#idle()
    await this.#table?.delete([])
    this.#stored.clear()
    for (const dialog of this.#parts.services.table.all())
      if (isKept(dialog)) this.#dirty.set(dialog.databaseId, dialog)
    if (!(await this.#flush())) throw new Error('the database did not take every dialog')
  }

  /** Writes what is not written yet. What cannot be is logged. */
  async stop(): Promise<void> {
    this.#timer?.clear()
    await this.#idle()
    if (this.#table === null) return
    for (const dialog of this.#parts.services.table.all())
      if (isKept(dialog)) this.#dirty.set(dialog.databaseId, dialog)
    await this.#flush()
    this.#timer?.clear()
  }

  #take(rows: readonly DialogRow[]): { readonly loaded: number; readonly gone: readonly bigint[] } {
    const { restorer, services } = this.#parts
    const nowS = services.clock.nowMs() / 1000
    const gone: bigint[] = []
    let loaded = 0
    for (const row of rows) {
      const dialog = row.timeout <= nowS ? null : restorer.fromRow(row)
      if (dialog === null) gone.push(row.dlg_id)
      else {
        loaded++
        this.#stored.add(dialog.databaseId)
      }
    }
    return { loaded, gone }
  }

  #note(dialog: Dialog): void {
    // Its row, if it has one here, is kept up to date by the other node, or not at all.
    if (dialog.isReplica && dialog.isActive) return
    if (!isKept(dialog) && !this.#stored.has(dialog.databaseId) && !this.#dirty.has(dialog.databaseId)) return
    this.#dirty.set(dialog.databaseId, dialog)
    if (this.#parts.mode === DbMode.realtime && this.#timer === null) this.#work ??= this.#begin()
  }

  async #begin(): Promise<void> {
    // Lets the message that changed it go on; what else it changes is written with it.
    await turn()
    this.#work = null
    await this.#flush()
  }

  async #idle(): Promise<void> {
    while (this.#work !== null) await this.#work
  }

  /** Writes every dialog that has changed. False: some could not be written, and stay to be. */
  #flush(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const before = this.#work ?? Promise.resolve()
    this.#work = before.then(async () => {
      const isWritten = await this.#writeDirty()
      this.#work = null
      // What has changed meanwhile is written next, what could not be written after a while.
      if (this.#parts.mode === DbMode.realtime && this.#dirty.size > 0) {
        if (isWritten) this.#work = this.#begin()
        else this.#retryLater()
      }
      resolve(isWritten)
    })
    return promise
  }

  #retryLater(): void {
    this.#timer?.clear()
    this.#timer = this.#parts.services.clock.after(RETRY_MS, () => {
      this.#timer = null
      void this.#flush()
    })
  }

  async #writeDirty(): Promise<boolean> {
    const { failures, services } = this.#parts
    const batch = [...this.#dirty]
    this.#dirty.clear()
    let failed = 0
    for (const [id, dialog] of batch) {
      try {
        await this.#write(id, dialog)
      } catch (error) {
        if (!this.#dirty.has(id)) this.#dirty.set(id, dialog)
        failures.value++
        if (++failed === 1)
          services.log.error('a dialog could not be written to the database: it is tried again', {
            callid: dialog.origin.callId,
            reason: error instanceof Error ? error.message : String(error),
          })
      }
      await turn()
    }
    return failed === 0
  }

  async #write(id: string, dialog: Dialog): Promise<void> {
    const key = [['dlg_id', '=', BigInt(id)]] as const
    if (!isKept(dialog)) {
      await this.#table?.delete(key)
      this.#stored.delete(id)
      return
    }
    const row = rowOf(dialog, this.#parts.services.settings.defaultTimeoutS)
    // Nodes may share the database: one that takes a dialog over finds the row of the other there.
    if (this.#stored.has(id) || dialog.sharedVersion > 0) await this.#table?.replace(row, key)
    else await this.#table?.insert(row)
    this.#stored.add(id)
  }
}

/** Calls that ring, and calls that were answered and go on; those of other nodes are theirs to keep. */
function isKept(dialog: Dialog): boolean {
  return !dialog.isReplica && (dialog.isActive || dialog.state === DialogState.early)
}
