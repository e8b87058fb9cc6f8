import type { Clock } from '../../util/clock.ts'
import type { SpoolFiles } from './files.ts'
import { encodeFrame, encodeHead, HEAD_BYTES } from './frame.ts'
import { Segment, segmentName } from './segment.ts'

/** Most bytes of one write: what waits behind it is not kept waiting long. */
const GROUP_BYTES = 1024 * 1024
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5000

/** A record on its way to the disk. */
export interface PendingRecord<T> {
  readonly number: number
  readonly timeMs: number
  /** Grows until the record is written: one record serves all receivers of a raise. */
  readonly receivers: number[]
  readonly item: T
  readonly estimatedBytes: number
  /** Offset behind it in its segment, once written. */
  end: number
}

/** What a writer tells the spool. */
export interface WriterListener<T> {
  encode(item: T): Buffer
  /** A segment has begun; one of the same name that nothing was committed to is replaced by it. */
  began(segment: Segment): void
  committed(records: readonly PendingRecord<T>[], segment: Segment): void
  /** The disk refuses (null: it takes again). What is pending is kept and tried again. */
  trouble(error: unknown): void
}

/** When a segment is full, by bytes or by age of its first record. */
export interface SegmentLimits {
  readonly segmentBytes: number
  readonly segmentAgeMs: number
}

/**
 * Writes records in groups: while one group is on its way to the disk the next gathers. A group is committed once fdatasync
 * has returned. After any error nothing is known of the file's end, so what was pending goes into a new segment as a whole.
 */
export class GroupWriter<T> {
  readonly #files: SpoolFiles
  readonly #clock: Clock
  readonly #limits: SegmentLimits
  readonly #listener: WriterListener<T>
  #pending: PendingRecord<T>[] = []
  #pendingBytes = 0
  #active: Segment | undefined
  #running: Promise<void> | undefined
  #failures = 0
  #isClosed = false

  constructor(files: SpoolFiles, clock: Clock, limits: SegmentLimits, listener: WriterListener<T>) {
    this.#files = files
    this.#clock = clock
    this.#limits = limits
    this.#listener = listener
  }

  /** Bytes that are not on disk yet, roughly. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** The record appended last, as long as no write has begun that holds it. */
  get last(): PendingRecord<T> | undefined {
    return this.#pending.at(-1)
  }

  append(record: PendingRecord<T>): void {
    this.#pending.push(record)
    this.#pendingBytes += record.estimatedBytes
    this.#start()
  }

  /** Resolves once all that was appended is on disk, or the disk has refused it. */
  async flush(): Promise<void> {
    while (this.#pending.length > 0 && this.#failures === 0) await this.#start()
    await this.#running
  }

  /** Writes what is pending, trying once, and closes the file. */
  async close(): Promise<void> {
    await this.#running
    this.#isClosed = true
    while (this.#pending.length > 0 && (await this.#write())) {}
    await this.#active?.close()
  }

  #start(): Promise<void> {
    // One turn later, so that a whole burst of raises makes one group.
    this.#running ??= Promise.resolve().then(() => this.#writeAll())
    return this.#running
  }

  async #writeAll(): Promise<void> {
    if (this.#failures === 0) while (this.#pending.length > 0 && (await this.#write())) {}
    this.#running = undefined
  }

  /** One group. False when the disk refused it. */
  async #write(): Promise<boolean> {
    const group = this.#takeGroup()
    try {
      const segment = await this.#segmentFor(group)
      const file = await segment.file()
      const pieces = this.#encode(group, segment.bytes)
      await file.write(pieces, segment.bytes)
      await file.sync()
      this.#commit(group, segment)
      return true
    } catch (error) {
      await this.#refused(group, error)
      return false
    }
  }

  #takeGroup(): PendingRecord<T>[] {
    let bytes = 0
    let count = 0
    while (count < this.#pending.length && bytes < GROUP_BYTES) bytes += this.#pending[count++]?.estimatedBytes ?? 0
    return count === this.#pending.length ? this.#takeAll() : this.#pending.splice(0, count)
  }

  #takeAll(): PendingRecord<T>[] {
    const all = this.#pending
    this.#pending = []
    return all
  }

  #encode(group: readonly PendingRecord<T>[], start: number): Buffer[] {
    let end = start
    return group.map(record => {
      const { number, timeMs, receivers, item } = record
      const bytes = encodeFrame({ number, timeMs, receivers, payload: this.#listener.encode(item) })
      end += bytes.length
      record.end = end
      return bytes
    })
  }

  #commit(group: readonly PendingRecord<T>[], segment: Segment): void {
    for (const { number, timeMs, estimatedBytes, end } of group) {
      segment.note(number, timeMs)
      segment.bytes = end
      this.#pendingBytes -= estimatedBytes
    }
    if (this.#failures > 0) this.#listener.trouble(null)
    this.#failures = 0
    this.#listener.committed(group, segment)
  }

  async #segmentFor(group: readonly PendingRecord<T>[]): Promise<Segment> {
    const active = this.#active
    const nowMs = this.#clock.nowMs()
    const { segmentBytes, segmentAgeMs } = this.#limits
    const isFull = active !== undefined && active.bytes >= segmentBytes
    const isOld = active !== undefined && active.oldestMs !== 0 && nowMs - active.oldestMs >= segmentAgeMs
    if (active !== undefined && !isFull && !isOld) return active
    const segment = await this.#begin(group[0]?.number ?? 0)
    this.#active = segment
    this.#listener.began(segment)
    return segment
  }

  async #begin(first: number): Promise<Segment> {
    const file = await this.#files.open(segmentName(first), 'empty')
    const segment = new Segment(this.#files, first, HEAD_BYTES)
    segment.adopt(file)
    try {
      await file.write([encodeHead(first)], 0)
    } catch (error) {
      await segment.close()
      throw error
    }
    return segment
  }

  async #refused(group: PendingRecord<T>[], error: unknown): Promise<void> {
    this.#pending = group.concat(this.#pending)
    const active = this.#active
    this.#active = undefined
    this.#failures++
    if (this.#failures === 1) this.#listener.trouble(error)
    // What was half written is cut off if it can be; a reader stops there anyway, since the next segment repeats the numbers.
    if (active !== undefined)
      await active
        .file()
        .then(file => file.truncate(active.bytes))
        .catch(() => {})
    if (this.#isClosed) return
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10))
    this.#clock.after(delayMs, () => void this.#retry())
  }

  async #retry(): Promise<void> {
    await this.#running
    if (this.#isClosed || this.#pending.length === 0) return
    this.#running = this.#write().then(() => {
      this.#running = undefined
      if (this.#pending.length > 0 && this.#failures === 0) this.#start()
    })
  }
}
