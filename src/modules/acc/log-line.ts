import type { Value } from '../../util/spec.ts'
import type { CallRecord, Column, Columns, CoreValues } from './records.ts'

/** How a line of the log begins, by what it tells. */
export const Heading = {
  answered: 'ACC: transaction answered: ',
  missed: 'ACC: call missed: ',
  request: 'ACC: request accounted: ',
  ended: 'ACC: call ended: ',
} as const
export type Heading = (typeof Heading)[keyof typeof Heading]

/** Longest line, in bytes. */
const MAX_LINE_BYTES = 65535

/** A record of a transaction (acc reference, formats). */
export function transactionLine(
  heading: Heading,
  core: CoreValues,
  { createdS, setupS }: { readonly createdS: number; readonly setupS: number },
  columns: Columns,
): string {
  const times: Column[] = [
    ['timestamp', core.timeS],
    ['created', createdS],
    ['setuptime', setupS],
  ]
  return heading + joined([...times, ...coreColumns(core), ...columns.extras, ...columns.legs.flat()])
}

/** A record of a call that has ended. */
export function callLine(record: CallRecord, columns: Columns): string {
  const { core, createdS, durationS, durationMs, setupS, isRecovered } = record
  const times: Column[] = [
    ['created', createdS],
    ['call_start_time', core.timeS],
    ['duration', durationS],
    ['ms_duration', durationMs],
    ['setuptime', setupS],
  ]
  const mark: Column[] = isRecovered ? [['recovered', 1]] : []
  return Heading.ended + joined([...times, ...coreColumns(core), ...columns.extras, ...columns.legs.flat(), ...mark])
}

/** The line, cut to what a log takes; `isCut` tells. */
export function fitted(line: string): { readonly line: string; readonly isCut: boolean } {
  const bytes = Buffer.from(line)
  if (bytes.length <= MAX_LINE_BYTES) return { line, isCut: false }
  return { line: bytes.toString('utf8', 0, MAX_LINE_BYTES).replace(/\ufffd+$/, ''), isCut: true }
}

function coreColumns(core: CoreValues): readonly Column[] {
  return [
    ['method', core.method],
    ['from_tag', core.fromTag],
    ['to_tag', core.toTag],
    ['call_id', core.callId],
    ['code', core.code],
    ['reason', core.reason],
  ]
}

function joined(columns: readonly Column[]): string {
  return columns.map(([name, value]) => `${name}=${printable(value)}`).join(';')
}

/** On one line, whatever a peer has sent. */
function printable(value: Value): string {
  return value === null ? '' : String(value).replace(/\p{Cc}+/gu, ' ')
}
