import type { EventType } from '../../events/catalogue.ts'
import type { Logger } from '../../log/logger.ts'
import type { Host } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { AccContext } from './context.ts'
import type { AccFields } from './fields.ts'
import type { AccType } from './kinds.ts'
import { callLine, fitted, Heading, transactionLine } from './log-line.ts'
import { type CallRecord, type Column, type CoreValues, columnsOf } from './records.ts'

type AccEvent = 'E_ACC_CDR' | 'E_ACC_EVENT' | 'E_ACC_MISSED_EVENT'

/** What a record of a transaction says beside its columns. */
export interface TransactionRecord {
  readonly heading: Exclude<Heading, typeof Heading.ended>
  readonly core: CoreValues
  readonly createdS: number
  readonly setupS: number
}

/** Writes records to where they go. */
export class AccWriter {
  readonly #host: Host
  readonly #fields: AccFields
  readonly #level: number

  constructor(host: Host, fields: AccFields, level: number) {
    this.#host = host
    this.#fields = fields
    this.#level = level
  }

  transaction(type: AccType, record: TransactionRecord, context: AccContext, m: RouteContext): void {
    const { heading, core, createdS, setupS } = record
    if (type === 'log') {
      if (this.#logs) this.#log(transactionLine(heading, core, record, columnsOf(this.#fields, type, context, m)))
      return
    }
    const isMissed = heading === Heading.missed || (heading === Heading.request && !(Number(core.code || 999) < 300))
    const tail: Column[] = isMissed
      ? [
          ['setuptime', setupS],
          ['created', createdS],
        ]
      : []
    this.#raise(isMissed ? 'E_ACC_MISSED_EVENT' : 'E_ACC_EVENT', core, tail, context, m)
  }

  call(type: AccType, record: CallRecord, context: AccContext, m: RouteContext): void {
    if (type === 'log') {
      if (this.#logs) this.#log(callLine(record, columnsOf(this.#fields, type, context, m)))
      return
    }
    const tail: Column[] = [
      ['duration', record.durationS],
      ['ms_duration', record.durationMs],
      ['setuptime', record.setupS],
      ['created', record.createdS],
    ]
    this.#raise('E_ACC_CDR', record.core, tail, context, m)
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

  /** Nothing is evaluated where nobody listens. */
  #raise(name: AccEvent, core: CoreValues, tail: readonly Column[], context: AccContext, m: RouteContext): void {
    const { bus } = this.#host
    const type: EventType | undefined = bus.catalogue.find(name)
    if (type === undefined || !bus.isHeard(type)) return
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
