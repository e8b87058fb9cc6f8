import type { ModuleApis } from '../../module/define.ts'
import { AccContext } from './context.ts'
import type { AccFields } from './fields.ts'
import type { CallJournal } from './journal.ts'
import {
  type CallDetails,
  changedColumns,
  type JournalLine,
  type JournalledCall,
  type OpenCall,
} from './journal-lines.ts'
import type { AccType } from './kinds.ts'
import type { Dialog } from './services.ts'

/** A call that the journal knows. */
interface Running {
  readonly id: string
  /** Null of a call that has ended before the restart. */
  readonly dialog: Dialog | null
  readonly settled: Set<AccType>
  hasEnded: boolean
  /** Something beside its dialog has changed since it was written. */
  isStale: boolean
}

/** Most calls whose records are left to the next process: each takes a few kilobytes here too. */
const MAX_LEFT = 100_000

/** Keeps answered calls in the journal until their records are written, and brings them back from there. */
export class RunningCalls {
  readonly #journal: CallJournal | null
  readonly #dialogs: ModuleApis['dialog'] | undefined
  readonly #fields: AccFields
  readonly #running = new Map<AccContext, Running>()
  readonly #changed = new Set<AccContext>()

  /** Without a journal it does nothing. */
  constructor(journal: CallJournal | null, dialogs: ModuleApis['dialog'] | undefined, fields: AccFields) {
    this.#journal = journal
    this.#dialogs = dialogs
    this.#fields = fields
  }

  /** The call has been answered. */
  begin(dialog: Dialog, context: AccContext): void {
    if (this.#journal === null || this.#running.has(context)) return
    this.#follow(`${dialog.databaseId}.${Math.round(context.answer?.answeredMs ?? 0)}`, dialog, context)
    this.changed(context)
  }

  /** Something has changed that belongs into the journal: it is written once for all changes of this turn. */
  changed(context: AccContext): void {
    const running = this.#running.get(context)
    if (running === undefined || running.hasEnded) return
    if (this.#changed.size === 0) queueMicrotask(() => this.#writeChanged())
    this.#changed.add(context)
  }

  ended(context: AccContext, endedMs: number): void {
    const running = this.#running.get(context)
    if (running === undefined) return
    this.#writeChanged()
    running.hasEnded = true
    this.#journal?.add({ op: 'ended', id: running.id, endedMs })
  }

  /** The record went to where this type goes; or, with `isDone` false, it cannot go there now: the next process tries. */
  settled(context: AccContext, type: AccType, isDone: boolean): void {
    const running = this.#running.get(context)
    if (running === undefined) return
    if (isDone) this.#journal?.add({ op: 'written', id: running.id, type })
    else if ((this.#journal?.count ?? 0) > MAX_LEFT) this.#journal?.add({ op: 'forgotten', id: running.id })
    running.settled.add(type)
    if (context.typesWith('cdr').every(wanted => running.settled.has(wanted))) this.#leave(context)
  }

  /** There is to be no record. */
  forget(context: AccContext): void {
    const running = this.#running.get(context)
    if (running === undefined) return
    this.#journal?.add({ op: 'forgotten', id: running.id })
    this.#leave(context)
  }

  /** A call of a process before this one: its accounting. Null where its dialog cannot be had. */
  restore({ call, endedMs, written }: OpenCall): { dialog: Dialog | null; context: AccContext } | null {
    const context = contextOf(call, written)
    const dialog = endedMs === 0 ? (this.#dialogs?.restore(call.dialog) ?? null) : null
    if (endedMs === 0 && dialog === null) return null
    this.#follow(call.id, dialog, context)
    return { dialog, context }
  }

  #follow(id: string, dialog: Dialog | null, context: AccContext): void {
    const running: Running = { id, dialog, settled: new Set(), hasEnded: false, isStale: false }
    this.#running.set(context, running)
    context.onChange = () => {
      running.isStale = true
      this.changed(context)
    }
  }

  #leave(context: AccContext): void {
    this.#running.delete(context)
    this.#changed.delete(context)
    context.onChange = () => {}
  }

  #writeChanged(): void {
    for (const context of this.#changed) {
      const running = this.#running.get(context)
      const line = running === undefined ? null : this.#lineOf(running, context)
      if (line !== null) this.#journal?.add(line)
    }
    this.#changed.clear()
  }

  /** What the journal does not know of a call; null when it knows all. */
  #lineOf(running: Running, context: AccContext): JournalLine | null {
    const { id, dialog } = running
    const known = this.#journal?.call(id)
    if (
      dialog !== null &&
      this.#dialogs !== undefined &&
      known !== undefined &&
      !running.isStale &&
      !hasAny(known.frozen)
    ) {
      const row = changedColumns(known.dialog, this.#dialogs.snapshot(dialog))
      if (row !== null) return hasAny(row) ? { op: 'row', id, row } : null
    }
    running.isStale = false
    const call = this.#callOf(running, context)
    return call === null ? null : { op: 'call', call }
  }

  #callOf({ id, dialog }: Running, context: AccContext): JournalledCall | null {
    const details = this.detailsOf(context)
    if (details === null || dialog === null || this.#dialogs === undefined) return null
    return { id, ...details, dialog: this.#dialogs.snapshot(dialog) }
  }

  /** What the record of a call needs beside its dialog; null before it is answered, and when there is no more to be written. */
  detailsOf(context: AccContext): CallDetails | null {
    const { answer } = context
    if (answer === null) return null
    return {
      core: answer.core,
      receivedMs: context.receivedMs,
      createdMs: context.createdMs,
      answeredMs: answer.answeredMs,
      table: context.table,
      types: [...context.types].map(([type, flags]) => [type, [...flags]] as const),
      extra: [...context.extra],
      legs: context.legs.map(leg => [...leg]),
      frozen: answer.request === null ? context.frozen : this.#fields.freeze(answer.request),
    }
  }
}

const hasAny = (record: object): boolean => Object.keys(record).length > 0

/** The accounting of a call that another process, or another node, has begun. */
export function contextOf(call: CallDetails, written: ReadonlySet<AccType>): AccContext {
  const context = new AccContext(call.receivedMs)
  context.createdMs = call.createdMs
  context.table = call.table
  context.frozen = call.frozen
  context.isAnswered = true
  context.isRecovered = true
  context.answer = { core: call.core, answeredMs: call.answeredMs, request: null }
  for (const [tag, value] of call.extra) context.extra.set(tag, value)
  for (const leg of call.legs) context.legs.push(new Map(leg))
  for (const [type, flags] of call.types) if (!written.has(type)) context.types.set(type, new Set(flags))
  return context
}
