import { crc32 } from 'node:zlib'
import { type CursorFacts, cursorFiles, keyOfCursorFile, newestCursor } from './cursor-state.ts'
import type { SpoolFiles } from './files.ts'
import { type Frame, HEAD_BYTES, headFault } from './frame.ts'
import { numberOfSegment, Segment } from './segment.ts'
import { type Damage, readSegment } from './segment-reader.ts'

/** Bytes of a spool that could not be read, put aside under `file` in the same folder. */
export interface DamageReport {
  readonly segment: string
  readonly offset: number
  readonly bytes: number
  readonly reason: string
  /** Records that are gone for certain; more can be when the damage ends a segment. */
  readonly lostRecords: number
  /** The end of the last segment: what a crash in the middle of a write leaves. Nothing that was committed is lost. */
  readonly isTorn: boolean
  readonly file: string
}

/** Puts damaged bytes aside, each piece once, and reports it. */
export class Quarantine {
  readonly #files: SpoolFiles
  readonly #known: Set<string>
  readonly #report: (damage: DamageReport) => void

  constructor(files: SpoolFiles, present: readonly string[], report: (damage: DamageReport) => void) {
    this.#files = files
    this.#known = new Set(present)
    this.#report = report
  }

  async put(segment: Segment, damage: Damage, isTorn: boolean, nextFirst?: number): Promise<void> {
    // The checksum tells this damage from an earlier one of a segment that had the same name.
    const file = `${segment.name}.${damage.offset}.${crc32(damage.bytes).toString(16)}.bad`
    if (this.#known.has(file)) return
    this.#known.add(file)
    const found = damage.found ?? nextFirst ?? damage.expected
    const { offset, reason } = damage
    // Zeros are what a file has where nothing was written yet: there is nothing to keep.
    if (damage.bytes.some(byte => byte !== 0)) await this.#files.store(file, damage.bytes).catch(() => {})
    const lostRecords = isTorn ? 0 : Math.max(0, found - damage.expected)
    this.#report({ segment: segment.name, offset, bytes: damage.bytes.length, reason, lostRecords, isTorn, file })
  }
}

/** What a folder holds of earlier runs. */
export interface Recovered {
  /** Ascending. */
  readonly segments: readonly Segment[]
  readonly nextNumber: number
}

/** What earlier runs settled, by cursor key. */
export async function loadCursors(files: SpoolFiles, names: readonly string[]): Promise<Map<number, CursorFacts>> {
  const cursors = new Map<number, CursorFacts>()
  for (const name of names) {
    const key = keyOfCursorFile(name)
    if (key === undefined || cursors.has(key)) continue
    const facts = newestCursor(await Promise.all(cursorFiles(key).map(file => files.load(file))))
    if (facts !== undefined) cursors.set(key, facts)
  }
  return cursors
}

/** Reads every segment once: checks it, tells each record, and puts aside what is damaged. */
export async function loadSegments(
  files: SpoolFiles,
  names: readonly string[],
  quarantine: Quarantine,
  onRecord: (frame: Frame, segment: Segment) => void,
): Promise<Recovered> {
  const firsts = names
    .map(numberOfSegment)
    .filter(number => number !== undefined)
    .sort((a, b) => a - b)
  const segments: Segment[] = []
  let nextNumber = 1
  for (const [i, first] of firsts.entries()) {
    const segment = new Segment(files, first, HEAD_BYTES)
    await loadSegment(segment, firsts[i + 1], quarantine, onRecord)
    nextNumber = Math.max(nextNumber, segment.next)
    // Begun and never committed to.
    if (segment.newestMs === 0) await segment.remove()
    else segments.push(segment)
    await segment.close()
  }
  return { segments, nextNumber }
}

async function loadSegment(
  segment: Segment,
  nextFirst: number | undefined,
  quarantine: Quarantine,
  onRecord: (frame: Frame, segment: Segment) => void,
): Promise<void> {
  const file = await segment.file()
  const size = await file.size()
  const head = Buffer.alloc(Math.min(size, HEAD_BYTES))
  await file.read(head, 0)
  const fault = headFault(head, segment.first)
  // The head only repeats what the name says, so the records behind a damaged one still count.
  if (fault !== undefined && size > HEAD_BYTES) await quarantine.put(segment, headDamage(segment, head, fault), false)
  for await (const step of readSegment(file, HEAD_BYTES, size, segment.first)) {
    if (step.kind === 'damage') {
      const isTail = step.damage.found === null
      const isRepeated = isTail && nextFirst !== undefined && nextFirst <= segment.next
      // After a refused write the next segment repeats what this one breaks off with: nothing is lost.
      if (!isRepeated) await quarantine.put(segment, step.damage, isTail && nextFirst === undefined, nextFirst)
      continue
    }
    for (const { frame, end } of step.records) {
      if (nextFirst !== undefined && frame.number >= nextFirst) return
      onRecord(frame, segment)
      segment.note(frame.number, frame.timeMs)
      segment.bytes = end
    }
  }
}

const headDamage = (segment: Segment, bytes: Buffer, reason: string): Damage => ({
  offset: 0,
  bytes,
  reason,
  expected: segment.first,
  found: segment.first,
})
