import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { AccContext } from './context.ts'
import { type AccFields, legCount } from './fields.ts'
import type { AccType } from './kinds.ts'

/** What every record says. */
export interface CoreValues {
  readonly method: string
  readonly fromTag: string
  readonly toTag: string
  readonly callId: string
  readonly code: string
  readonly reason: string
  /** Seconds since 1970. */
  readonly timeS: number
}

/** The columns of one type that the configuration adds, with their values. */
export interface Columns {
  readonly extras: readonly Column[]
  /** One list for each leg; none where there are no leg fields. */
  readonly legs: readonly (readonly Column[])[]
}
export type Column = readonly [name: string, value: Value]

/** An answered call that waits for its end. */
export interface CallAnswer {
  readonly core: CoreValues
  readonly answeredMs: number
  /** The INVITE; null after a restart, and where no variables are read from it. */
  readonly request: RouteContext | null
}

/** A call that has ended, in the columns of a CDR. */
export interface CallRecord {
  readonly core: CoreValues
  /** Whole seconds, rounded up. */
  readonly durationS: number
  readonly durationMs: number
  readonly setupS: number
  readonly createdS: number
  /** The proxy was restarted during the call. */
  readonly isRecovered: boolean
}

export const wholeSeconds = (timeMs: number): number => Math.floor(timeMs / 1000)

/** What a call that ends at `endedMs` comes to. */
export function callRecord(context: AccContext, answer: CallAnswer, endedMs: number): CallRecord {
  const durationMs = Math.max(0, Math.round(endedMs - answer.answeredMs))
  const createdS = wholeSeconds(context.createdMs)
  return {
    core: answer.core,
    durationS: Math.ceil(durationMs / 1000),
    durationMs,
    setupS: Math.max(0, wholeSeconds(answer.answeredMs) - createdS),
    createdS,
    isRecovered: context.isRecovered,
  }
}

/** The added columns of a type, of the accounted request `m`. */
export function columnsOf(fields: AccFields, type: AccType, context: AccContext, m: RouteContext | null): Columns {
  const legs = Array.from({ length: legCount(fields, type, context, m) }, (_, leg) =>
    fields.legs[type].map(field => [field.name, field.read(context, m, leg)] as const),
  )
  return { extras: fields.extras[type].map(field => [field.name, field.read(context, m, 0)] as const), legs }
}
