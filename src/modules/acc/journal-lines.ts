import { crc32 } from 'node:zlib'
import type { ModuleApis } from '../../module/define.ts'
import type { Value } from '../../util/spec.ts'
import type { FrozenValues } from './fields.ts'
import { named, textOf } from './journal-text.ts'
import { ACC_FLAGS, type AccFlag, type AccType, AVAILABLE_TYPES } from './kinds.ts'
import type { CoreValues } from './records.ts'

/** A dialog as the module dialog can bring it back. */
export type DialogSnapshot = ReturnType<ModuleApis['dialog']['snapshot']>
type Known = Exclude<Value, null>

/** What the record of an answered call needs beside its dialog. */
export interface CallDetails {
  readonly core: CoreValues
  readonly receivedMs: number
  readonly createdMs: number
  readonly answeredMs: number
  readonly table: string | null
  readonly types: readonly (readonly [AccType, readonly AccFlag[]])[]
  readonly extra: readonly (readonly [string, Known])[]
  readonly legs: readonly (readonly (readonly [string, Known])[])[]
  readonly frozen: FrozenValues
}

/** An answered call with everything its record needs. */
export interface JournalledCall extends CallDetails {
  readonly id: string
  readonly dialog: DialogSnapshot
}

/** Some columns of the row of a dialog. */
export type DialogColumns = Exclude<ReturnType<ModuleApis['dialog']['changes']>, 'all' | null>

/**
 * One line of the journal: a call as it stands, what has changed of its dialog, that it has ended, that its record went
 * out, that nothing is to be written.
 */
export type JournalLine =
  | { readonly op: 'call'; readonly call: JournalledCall }
  | { readonly op: 'row'; readonly id: string; readonly row: DialogColumns }
  | { readonly op: 'ended'; readonly id: string; readonly endedMs: number }
  | { readonly op: 'written'; readonly id: string; readonly type: AccType }
  | { readonly op: 'forgotten'; readonly id: string }

/** What a journal says of a call whose record is not complete. */
export interface OpenCall {
  call: JournalledCall
  /** 0 while it goes on. */
  endedMs: number
  /** Where its record went already. */
  written: readonly AccType[]
}
const NOWHERE: readonly AccType[] = []

/** A journal that was read. */
export interface JournalContent {
  /** By id, in order of their beginnings. */
  readonly calls: ReadonlyMap<string, OpenCall>
  /** Numbers of the lines that cannot be read, from 1. */
  readonly damaged: readonly number[]
  /** The last line has no end: it was being written when the process died. */
  readonly isTorn: boolean
}

/** `CRC JSON LF` (journal-text.ts), the checksum (CRC-32 of the JSON) in eight hexadecimal digits. */
export function formatLine(line: JournalLine): string {
  const text = textOf(line)
  return `${checksum(text)} ${text}\n`
}

/** Reads a whole journal. Lines that were damaged are passed over and named. */
export function readLines(text: string): JournalContent {
  const lines = text.split('\n')
  // Behind the last line end there is nothing, or a line that was not written to its end.
  const isTorn = lines.pop() !== ''
  const calls = new Map<string, OpenCall>()
  const damaged: number[] = []
  for (const [i, line] of lines.entries()) {
    const parsed = parseLine(line)
    if (parsed === null) damaged.push(i + 1)
    else apply(calls, parsed)
  }
  return { calls, damaged, isTorn }
}

/** What a line changes; the calls are those of a journal, and its to change. False: it is about none of them. */
export function apply(calls: Map<string, OpenCall>, line: JournalLine): boolean {
  const known = calls.get(line.op === 'call' ? line.call.id : line.id)
  if (line.op === 'call') {
    if (known === undefined) calls.set(line.call.id, { call: line.call, endedMs: 0, written: NOWHERE })
    else known.call = line.call
    return true
  }
  if (known === undefined) return false
  if (line.op === 'ended') known.endedMs = line.endedMs
  else if (line.op === 'row') Object.assign(known.call.dialog.row, line.row)
  else if (line.op === 'forgotten' || isComplete(known, line.type)) calls.delete(line.id)
  else known.written = [...known.written.filter(type => type !== line.type), line.type]
  return true
}

/** Whether the record is everywhere once it is there too. */
function isComplete({ call, written }: OpenCall, last: AccType): boolean {
  for (const [type, flags] of call.types)
    if (flags.includes('cdr') && type !== last && !written.includes(type)) return false
  return true
}

/** The lines that say the same of a call. */
export function linesOf({ call, endedMs, written }: OpenCall): readonly JournalLine[] {
  const { id } = call
  const ended: JournalLine[] = endedMs === 0 ? [] : [{ op: 'ended', id, endedMs }]
  return [{ op: 'call', call }, ...ended, ...written.map(type => ({ op: 'written', id, type }) as const)]
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')

function parseLine(line: string): JournalLine | null {
  const text = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(text)) return null
  try {
    const value = named(JSON.parse(text))
    return isLine(value) ? value : null
  } catch {
    return null
  }
}

/** The checksum proves that a line is as it was written; this, that it was not written by another version. */
function isLine(value: unknown): value is JournalLine {
  if (!isRecord(value)) return false
  const { op, id } = value
  if (op === 'call') return isCall(value['call'])
  if (typeof id !== 'string') return false
  if (op === 'ended') return typeof value['endedMs'] === 'number'
  if (op === 'row') return isRecord(value['row'])
  return op === 'forgotten' || (op === 'written' && AVAILABLE_TYPES.some(type => type === value['type']))
}

function isCall(value: unknown): boolean {
  return isRecord(value) && typeof value['id'] === 'string' && isRecord(value['dialog']) && isDetails(value)
}

/** Whether a value that came from outside is the details of a call. */
export function isDetails(value: unknown): value is CallDetails {
  if (!isRecord(value)) return false
  const { core, types, extra, legs, frozen } = value
  const numbers = ['receivedMs', 'createdMs', 'answeredMs'].every(name => typeof value[name] === 'number')
  return (
    numbers &&
    [core, frozen].every(isRecord) &&
    [extra, legs].every(Array.isArray) &&
    Array.isArray(types) &&
    types.every(isTypeEntry)
  )
}

function isTypeEntry(entry: unknown): boolean {
  if (!Array.isArray(entry) || !AVAILABLE_TYPES.some(type => type === entry[0])) return false
  return Array.isArray(entry[1]) && entry[1].every(flag => ACC_FLAGS.some(known => known === flag))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
