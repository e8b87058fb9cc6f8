import { crc32 } from 'node:zlib'

/*
 * A spool is a row of segment files. A segment is a head and records behind one another:
 *
 *     head      "FANSPOOL" | version u32 | number of its first record u48 | 0 u16
 *     record    marker u32 | length u32 | crc32 u32 | number u48 | time u48 | n u16 | n receivers u48 | payload
 *
 * All numbers are little-endian. `length` counts what follows the checksum, and the checksum covers just that. The marker
 * is what a reader looks for behind bytes that are no record.
 */

const MAGIC = Buffer.from('FANSPOOL')
const VERSION = 1
/** Bytes before the first record of a segment. */
export const HEAD_BYTES = 20
const MARKER = Buffer.from([0xfa, 0x9f, 0x52, 0xec])
const MARKER_NUMBER = MARKER.readUInt32LE(0)
const PREFIX_BYTES = 12
const FIXED_BYTES = 14
const RECEIVER_BYTES = 6
/** A record longer than this is none: its length was damaged. */
const MOST_BYTES = 64 * 2 ** 20

/** One record as it stands in a segment. */
export interface Frame {
  /** 1, 2, 3 … over all segments of a spool. */
  readonly number: number
  /** Wall-clock milliseconds. */
  readonly timeMs: number
  /** Keys of the cursors it is meant for (48 bits each). */
  readonly receivers: readonly number[]
  readonly payload: Buffer
}

/** What stands at an offset: a record and where the next begins; too few bytes to tell; or something else. */
export type Reading =
  | { readonly kind: 'record'; readonly frame: Frame; readonly end: number }
  | { readonly kind: 'short' }
  | { readonly kind: 'damaged'; readonly reason: string }

const SHORT: Reading = { kind: 'short' }

export function encodeHead(firstNumber: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  MAGIC.copy(head)
  head.writeUInt32LE(VERSION, 8)
  head.writeUIntLE(firstNumber, 12, 6)
  return head
}

/** Why these first bytes of a segment are not the head that its name promises; undefined when they are. */
export function headFault(head: Buffer, firstNumber: number): string | undefined {
  if (head.length < HEAD_BYTES) return `its head has ${head.length} bytes instead of ${HEAD_BYTES}`
  return head.subarray(0, HEAD_BYTES).equals(encodeHead(firstNumber)) ? undefined : 'its head is damaged'
}

export function encodeFrame({ number, timeMs, receivers, payload }: Frame): Buffer {
  const length = FIXED_BYTES + receivers.length * RECEIVER_BYTES + payload.length
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + length)
  MARKER.copy(bytes)
  bytes.writeUInt32LE(length, 4)
  bytes.writeUIntLE(number, 12, 6)
  bytes.writeUIntLE(timeMs, 18, 6)
  bytes.writeUInt16LE(receivers.length, 24)
  let at = PREFIX_BYTES + FIXED_BYTES
  for (const receiver of receivers) at = bytes.writeUIntLE(receiver, at, RECEIVER_BYTES)
  payload.copy(bytes, at)
  bytes.writeUInt32LE(crc32(bytes.subarray(PREFIX_BYTES)), 8)
  return bytes
}

/** Reads the record at an offset. The payload is a view into `bytes`. Never throws. */
export function readFrame(bytes: Buffer, at: number): Reading {
  if (bytes.length - at < PREFIX_BYTES) return SHORT
  if (bytes.readUInt32LE(at) !== MARKER_NUMBER) return { kind: 'damaged', reason: 'no record begins here' }
  const length = bytes.readUInt32LE(at + 4)
  if (length < FIXED_BYTES || length > MOST_BYTES)
    return { kind: 'damaged', reason: `a record cannot have ${length} bytes` }
  const start = at + PREFIX_BYTES
  const end = start + length
  if (end > bytes.length) return SHORT
  if (crc32(bytes.subarray(start, end)) !== bytes.readUInt32LE(at + 8))
    return { kind: 'damaged', reason: 'its checksum is wrong' }
  const count = bytes.readUInt16LE(start + 12)
  const payloadAt = start + FIXED_BYTES + count * RECEIVER_BYTES
  if (payloadAt > end) return { kind: 'damaged', reason: `${count} receivers do not fit into it` }
  const receivers = new Array<number>(count)
  for (let i = 0; i < count; i++) receivers[i] = bytes.readUIntLE(start + FIXED_BYTES + i * RECEIVER_BYTES, 6)
  const frame = {
    number: bytes.readUIntLE(start, 6),
    timeMs: bytes.readUIntLE(start + 6, 6),
    receivers,
    payload: bytes.subarray(payloadAt, end),
  }
  return { kind: 'record', frame, end }
}

/** Offset of the next marker behind `at`, or -1. */
export const nextMarker = (bytes: Buffer, at: number): number => bytes.indexOf(MARKER, at + 1)
