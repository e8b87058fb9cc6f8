import type { Log } from '../../log/log.ts'
import type { Host, ModuleApis } from '../../module/define.ts'
import type { Clock } from '../../util/clock.ts'
import type { CallBooks } from './call-books.ts'
import type { AccContext } from './context.ts'
import type { RecordStore } from './db-store.ts'
import type { AccFields } from './fields.ts'
import type { RunningCalls } from './running-calls.ts'
import type { AccWriter } from './writer.ts'

export type Dialog = NonNullable<ReturnType<ModuleApis['dialog']['current']>>
/** Where something is kept with dialogs. */
export interface DialogSlot<T> {
  get(dialog: Dialog): T | undefined
  set(dialog: Dialog, value: T | undefined): void
}
export type Transaction = NonNullable<ReturnType<ModuleApis['tm']['current']>>

/** What every file of the module works with. */
export interface AccServices {
  /** What was ended, raised, stored and confirmed. */
  readonly books: CallBooks
  readonly clock: Clock
  readonly log: Log
  readonly proxy: Host['proxy']
  readonly tm: ModuleApis['tm']
  readonly dialog: ModuleApis['dialog'] | undefined
  readonly rr: ModuleApis['rr'] | undefined
  readonly writer: AccWriter
  readonly database: RecordStore
  readonly running: RunningCalls
  readonly fields: AccFields
  /** The accounting of calls that get a CDR. */
  readonly calls: DialogSlot<AccContext>
  /** What the script asks for somewhere, known once it is loaded. */
  readonly wanted: { cdr: boolean }
  readonly settings: {
    readonly accountsEarlyMedia: boolean
    readonly accountsCancels: boolean
    readonly detectsDirection: boolean
  }
}
