import type { SpoolFile } from './files.ts'
import { type Frame, nextMarker, readFrame } from './frame.ts'

const CHUNK_BYTES = 1024 * 1024

/** Bytes of a segment that are no record: where they stand and why no record could be read there. */
export interface Damage {
  readonly offset: number
  readonly bytes: Buffer
  readonly reason: string
  /** Number the next readable record should have had, and the one it has; null when none follows. */
  readonly expected: number
  readonly found: number | null
}

/** A record and where it ends. */
export interface Located {
  readonly frame: Frame
  readonly end: number
}

/** One step through a segment: records behind one another, or bytes that are none. */
export type Step =
  | { readonly kind: 'records'; readonly records: readonly Located[] }
  | { readonly kind: 'damage'; readonly damage: Damage; readonly end: number }

/**
 * Walks through the records of a file from `offset` to `limit`, `expected` being the number of the first. Damaged bytes are
 * a step of their own and the walk goes on behind them, so a flipped bit costs one record and a walk always ends.
 */
export async function* readSegment(
  file: SpoolFile,
  offset: number,
  limit: number,
  expected: number,
): AsyncGenerator<Step, void, undefined> {
  let at = offset
  let next = expected
  let size = CHUNK_BYTES
  while (at < limit) {
    const bytes = await load(file, at, Math.min(size, limit - at))
    const { records, stop } = recordsOf(bytes, at, next)
    const last = records.at(-1)
    if (last !== undefined) {
      yield { kind: 'records', records }
      at = last.end
      next = last.frame.number + 1
    }
    const isWhole = at + size >= limit
    if (stop === 'short' && !isWhole) {
      // The record at the edge is loaded by the length it gives; a damaged length costs one large read.
      size = last === undefined ? lengthAt(bytes) : CHUNK_BYTES
      continue
    }
    size = CHUNK_BYTES
    if (at >= limit || (stop === 'short' && last !== undefined)) continue
    const damage = await damageAt(file, at, limit, next, stop === 'short' ? 'it breaks off' : stop)
    yield { kind: 'damage', damage, end: at + damage.bytes.length }
    at += damage.bytes.length
    next = damage.found ?? next
  }
}

/** The records at the beginning of these bytes, and why there are no more: `short`, or what is wrong with the next. */
function recordsOf(bytes: Buffer, start: number, expected: number): { records: Located[]; stop: string } {
  const records: Located[] = []
  let at = 0
  let next = expected
  for (;;) {
    const reading = readFrame(bytes, at)
    if (reading.kind === 'short') return { records, stop: 'short' }
    if (reading.kind === 'damaged') return { records, stop: reading.reason }
    if (reading.frame.number < next) return { records, stop: 'it repeats a number' }
    records.push({ frame: reading.frame, end: start + reading.end })
    next = reading.frame.number + 1
    at = reading.end
  }
}

async function load(file: SpoolFile, start: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size)
  let filled = 0
  while (filled < size) {
    const count = await file.read(bytes.subarray(filled), start + filled)
    if (count === 0) break
    filled += count
  }
  // A file shorter than it should be reads as bytes that are no record: they are reported, not looked for again.
  return bytes.fill(0, filled)
}

function lengthAt(bytes: Buffer): number {
  return bytes.length < 8 ? CHUNK_BYTES : Math.max(CHUNK_BYTES, bytes.readUInt32LE(4) + 12)
}

/** What stands before the next whole record behind `at`. */
async function damageAt(file: SpoolFile, at: number, limit: number, expected: number, reason: string): Promise<Damage> {
  const bytes = await load(file, at, limit - at)
  for (let marker = nextMarker(bytes, 0); marker >= 0; marker = nextMarker(bytes, marker)) {
    const reading = readFrame(bytes, marker)
    if (reading.kind !== 'record' || reading.frame.number < expected) continue
    return { offset: at, bytes: bytes.subarray(0, marker), reason, expected, found: reading.frame.number }
  }
  return { offset: at, bytes, reason, expected, found: null }
}
