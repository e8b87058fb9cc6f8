import type { EventType } from '../../events/catalogue.ts'
import type { Logger } from '../../log/logger.ts'
import type { Host } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { AccContext } from './context.ts'
import type { RecordStore, Row } from './db-store.ts'
import type { AccFields } from './fields.ts'
import type { AccType } from './kinds.ts'
import { callLine, fitted, Heading, transactionLine } from './log-line.ts'
import { type CallRecord, type Column, type Columns, type CoreValues, columnsOf } from './records.ts'
import { ACC_TABLE, MISSED_CALLS_TABLE } from './tables.ts'

type AccEvent = 'E_ACC_CDR' | 'E_ACC_EVENT' | 'E_ACC_MISSED_EVENT'

/** What a record of a transaction says beside its columns. */
export interface TransactionRecord {
  readonly heading: Exclude<Heading, typeof Heading.ended>
  readonly core: CoreValues
  readonly createdS: number
  readonly setupS: number
  /** Table instead of the usual one. */
  readonly table: string | null
}

/** The usual tables. */
export interface TableNames {
  readonly acc: string
  readonly missed: string
}

interface WriterParts {
  readonly host: Host
  readonly fields: AccFields
  /** Level of the lines in the log. */
  readonly level: number
  readonly store: RecordStore
  readonly tables: TableNames
}

/** Writes records to where they go. */
export class AccWriter {
  readonly #host: Host
  readonly #fields: AccFields
  readonly #level: number
  readonly #store: RecordStore
  readonly #tables: TableNames
  readonly #events: Partial<Record<AccEvent, EventType | undefined>> = {}

  constructor({ host, fields, level, store, tables }: WriterParts) {
    this.#host = host
    this.#fields = fields
    this.#level = level
    this.#store = store
    this.#tables = tables
  }

  transaction(type: AccType, record: TransactionRecord, context: AccContext, m: RouteContext): void {
    const { heading, core, createdS, setupS } = record
    if (type === 'log') {
      if (this.#logs) this.#log(transactionLine(heading, core, record, columnsOf(this.#fields, type, context, m)))
      return
    }
    if (type === 'db') {
      this.#storeTransaction(record, context, m)
      return
    }
    const isMissed = heading === Heading.missed || (heading === Heading.request && !(Number(core.code || 999) < 300))
    const event = this.#heard(isMissed ? 'E_ACC_MISSED_EVENT' : 'E_ACC_EVENT')
    if (event === null) return
    const tail: Column[] = isMissed
      ? [
          ['setuptime', setupS],
          ['created', createdS],
        ]
      : []
    this.#raise(event, core, tail, context, m)
  }

  /** Into the log, or as an event. False: nobody wants it. */
  call(type: Exclude<AccType, 'db'>, record: CallRecord, context: AccContext, m: RouteContext | null): boolean {
    if (type === 'log') {
      if (this.#logs) this.#log(callLine(record, columnsOf(this.#fields, type, context, m)))
      return this.#logs
    }
    const event = this.#heard('E_ACC_CDR')
    if (event === null) return false
    const tail: Column[] = [
      ['duration', record.durationS],
      ['ms_duration', record.durationMs],
      ['setuptime', record.setupS],
      ['created', record.createdS],
    ]
    if (record.isRecovered) tail.push(['recovered', 1])
    this.#raise(event, record.core, tail, context, m)
    return true
  }

  #storeTransaction(
    { heading, core, createdS, setupS, table }: TransactionRecord,
    context: AccContext,
    m: RouteContext,
  ) {
    const isMissed = heading === Heading.missed
    const [spec, usual] = isMissed
      ? ([MISSED_CALLS_TABLE, this.#tables.missed] as const)
      : ([ACC_TABLE, this.#tables.acc] as const)
    const times = { setuptime: setupS, created: createdS }
    const row = { ...coreRow(core), ...times, ...(isMissed ? {} : { duration: 0, ms_duration: 0 }) }
    for (const added of legRows(columnsOf(this.#fields, 'db', context, m)))
      this.#store.put(spec, isMissed ? usual : (table ?? usual), { ...row, ...added }, () => {})
  }

  /** Into the database. `settled` is called once the row is there, with false where it was dropped. */
  storeCall(record: CallRecord, context: AccContext, m: RouteContext | null, settled: (isDone: boolean) => void): void {
    const row = {
      ...coreRow(record.core),
      duration: record.durationS,
      ms_duration: record.durationMs,
      setuptime: record.setupS,
      created: record.createdS,
      recovered: record.isRecovered ? 1 : 0,
    }
    const rows = legRows(columnsOf(this.#fields, 'db', context, m))
    let left = rows.length
    let areDone = true
    for (const added of rows)
      this.#store.put(ACC_TABLE, context.table ?? this.#tables.acc, { ...row, ...added }, isDone => {
        areDone &&= isDone
        if (--left === 0) settled(areDone)
      })
  }

  get #logger(): Logger {
    return this.#host.logger
  }
  get #logs(): boolean {
    return this.#level <= this.#logger.level
  }

  #log(text: string): void {
    const { line, isCut } = fitted(text)
    if (isCut)
      this.#logger.part('acc').warn('an accounting line is too long and was cut', { bytes: Buffer.byteLength(text) })
    this.#logger.write(this.#level, 'acc', line)
  }

  /** The event, where somebody listens: nothing is put together for nobody. */
  #heard(name: AccEvent): EventType | null {
    const { bus } = this.#host
    const type = (this.#events[name] ??= bus.catalogue.find(name))
    return type !== undefined && bus.isHeard(type) ? type : null
  }

  #raise(
    type: EventType,
    core: CoreValues,
    tail: readonly Column[],
    context: AccContext,
    m: RouteContext | null,
  ): void {
    const { bus } = this.#host
    const { extras, legs } = columnsOf(this.#fields, 'evi', context, m)
    for (const leg of legs.length === 0 ? [[]] : legs) {
      const columns = [...coreFields(core), ...extras, ...leg, ...tail]
      bus.raise(
        type,
        columns.map(([field]) => field),
        columns.map(([, value]) => value),
      )
    }
  }
}

function coreFields(core: CoreValues): readonly (readonly [string, Value])[] {
  return [
    ['method', core.method],
    ['from_tag', core.fromTag],
    ['to_tag', core.toTag === '' ? null : core.toTag],
    ['callid', core.callId],
    ['sip_code', core.code],
    ['sip_reason', core.reason],
    ['time', core.timeS],
  ]
}

function coreRow(core: CoreValues): Row {
  return {
    method: core.method,
    from_tag: core.fromTag,
    to_tag: core.toTag,
    callid: core.callId,
    sip_code: core.code,
    sip_reason: core.reason,
    time: core.timeS,
  }
}

/** The added columns: one row for each leg, and one where there are none. */
function legRows({ extras, legs }: Columns): readonly Row[] {
  const textOf = ([name, value]: Column): readonly [string, string | null] => [
    name,
    value === null ? null : String(value),
  ]
  return (legs.length === 0 ? [[]] : legs).map(leg => Object.fromEntries([...extras, ...leg].map(textOf)))
}
