import type { ModuleApis } from '../../module/define.ts'
import { AccContext } from './context.ts'
import type { AccFields } from './fields.ts'
import type { CallJournal } from './journal.ts'
import type { CallDetails, OpenCall } from './journal-lines.ts'
import { type AccType, TYPE_BIT } from './kinds.ts'
import type { Dialog } from './services.ts'

/** A call that the journal knows. */
export class RunningCall {
  readonly id: string
  readonly context: AccContext
  /** Null of a call that has ended before the restart. */
  readonly dialog: Dialog | null
  readonly #calls: RunningCalls
  /** Types whose record is settled, as bits. */
  settled = 0
  hasEnded = false
  /** The journal holds it. */
  isKnown: boolean
  /** It waits for what has changed of it to be written. */
  isChanged = false
  /** Something beside its dialog has changed since it was written. */
  isStale = false

  constructor(calls: RunningCalls, id: string, dialog: Dialog | null, context: AccContext, isKnown: boolean) {
    this.#calls = calls
    this.isKnown = isKnown
    this.id = id
    this.dialog = dialog
    this.context = context
  }

  contextChanged(): void {
    this.isStale = true
    this.#calls.changed(this.context)
  }
}

/** Most calls whose records are left to the next process: each takes a few kilobytes here too. */
const MAX_LEFT = 100_000

/** Keeps answered calls in the journal until their records are written, and brings them back from there. */
export class RunningCalls {
  readonly #journal: CallJournal | null
  readonly #dialogs: ModuleApis['dialog'] | undefined
  readonly #fields: AccFields
  #changed: RunningCall[] = []
  #acknowledged: RunningCall[] = []

  /** Without a journal it does nothing. */
  constructor(journal: CallJournal | null, dialogs: ModuleApis['dialog'] | undefined, fields: AccFields) {
    this.#journal = journal
    this.#dialogs = dialogs
    this.#fields = fields
    if (journal !== null) journal.beforeSync = () => this.#writeAcknowledged()
  }

  /** The call has been answered. */
  begin(dialog: Dialog, context: AccContext): void {
    if (this.#journal === null || context.running !== null) return
    const id = `${dialog.id}.${Math.round(context.answer?.answeredMs ?? 0)}`
    context.running = new RunningCall(this, id, dialog, context, false)
    this.changed(context)
  }

  /** Something has changed that belongs into the journal: it is written once for all changes of this turn. */
  changed({ running }: AccContext): void {
    if (running === null || running.hasEnded || running.isChanged) return
    if (this.#changed.length === 0) queueMicrotask(() => this.#writeChanged())
    running.isChanged = true
    this.#changed.push(running)
  }

  /** The ACK has come. That changes nothing for a call that is brought back: it is written before the disk is synced. */
  acknowledged({ running }: AccContext): void {
    if (running === null || running.hasEnded || this.#journal === null) return
    this.#acknowledged.push(running)
    this.#journal.syncSoon()
  }

  ended({ running }: AccContext, endedMs: number): void {
    if (running === null) return
    // What has changed of the dialog means nothing any more.
    if (running.isChanged) this.#write(running, true)
    running.hasEnded = true
    this.#journal?.add({ op: 'ended', id: running.id, endedMs })
  }

  /**
   * The record went to where this type goes (`nowhere`: nobody wanted it, so nobody can get it twice); or, with `waits`, it
   * cannot go there now: the next process tries.
   */
  settled(context: AccContext, type: AccType, how: 'done' | 'nowhere' | 'waits'): void {
    const { running } = context
    if (running === null) return
    if (how !== 'waits') this.#journal?.add({ op: 'written', id: running.id, type }, how === 'nowhere')
    else if ((this.#journal?.count ?? 0) > MAX_LEFT) this.#journal?.add({ op: 'forgotten', id: running.id })
    running.settled |= TYPE_BIT[type]
    if ((context.types.mask('cdr') & ~running.settled) === 0) context.running = null
  }

  /** There is to be no record. */
  forget(context: AccContext): void {
    if (context.running === null) return
    this.#journal?.add({ op: 'forgotten', id: context.running.id })
    context.running = null
  }

  /** A call of a process before this one: its accounting. Null where its dialog cannot be had. */
  restore({ call, endedMs, written }: OpenCall): { dialog: Dialog | null; context: AccContext } | null {
    const context = contextOf(call, written)
    const dialog = endedMs === 0 ? (this.#dialogs?.restore(call.dialog) ?? null) : null
    if (endedMs === 0 && dialog === null) return null
    context.running = new RunningCall(this, call.id, dialog, context, true)
    return { dialog, context }
  }

  #writeChanged(): void {
    const changed = this.#changed
    this.#changed = []
    for (const running of changed) if (running.isChanged) this.#write(running, false)
  }

  #writeAcknowledged(): void {
    const acknowledged = this.#acknowledged
    this.#acknowledged = []
    for (const running of acknowledged) if (!running.hasEnded) this.#write(running, false)
  }

  /** Writes what the journal does not know of a call. */
  #write(running: RunningCall, isOver: boolean): void {
    running.isChanged = false
    const { id, context, dialog } = running
    if (context.running !== running || dialog === null || this.#dialogs === undefined || this.#journal === null) return
    // The journal need not be asked for a call that it was never told of.
    const known = running.isKnown ? this.#journal.call(id) : undefined
    if (known !== undefined && !running.isStale && Object.keys(known.frozen).length === 0) {
      const row = isOver ? null : this.#dialogs.changes(dialog, known.dialog)
      if (row === null) return
      if (row !== 'all') {
        this.#journal.add({ op: 'row', id, row })
        return
      }
    }
    running.isStale = false
    running.isKnown = true
    const details = this.detailsOf(context)
    if (details !== null)
      this.#journal.add({ op: 'call', call: { ...details, id, dialog: this.#dialogs.snapshot(dialog) } })
  }

  /** What the record of a call needs beside its dialog; null before it is answered, and when there is no more to be written. */
  detailsOf(context: AccContext): CallDetails | null {
    const { answer, types } = context
    if (answer === null) return null
    return {
      core: answer.core,
      receivedMs: context.receivedMs,
      createdMs: context.createdMs,
      answeredMs: answer.answeredMs,
      table: context.table,
      types: types.all.map(type => [type, types.flagsOf(type)] as const),
      extra: context.hasExtra ? [...context.extra] : [],
      legs: context.legs.map(leg => [...leg]),
      frozen: answer.request === null ? context.frozen : this.#fields.freeze(answer.request),
    }
  }
}

/** The accounting of a call that another process, or another node, has begun. */
export function contextOf(call: CallDetails, written: readonly AccType[]): AccContext {
  const context = new AccContext(call.receivedMs)
  context.createdMs = call.createdMs
  context.table = call.table
  context.frozen = call.frozen
  context.isAnswered = true
  context.isRecovered = true
  context.answer = { core: call.core, answeredMs: call.answeredMs, request: null }
  for (const [tag, value] of call.extra) context.extra.set(tag, value)
  for (const leg of call.legs) context.legs.push(new Map(leg))
  for (const [type, flags] of call.types) {
    if (written.includes(type)) continue
    context.types.add(type)
    for (const flag of flags) context.types.add(type, flag)
  }
  return context
}
