import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import { checkedJson } from './checked-json.ts'
import { Cursor, type CursorHost } from './cursor.ts'
import { type CursorFacts, cursorFiles, cursorKey } from './cursor-state.ts'
import type { SpoolFiles } from './files.ts'
import { type Frame, HEAD_BYTES } from './frame.ts'
import { GroupWriter, type PendingRecord } from './group-writer.ts'
import { type DamageReport, loadCursors, loadSegments, Quarantine } from './recovery.ts'
import type { Segment } from './segment.ts'
import { type Damage, readSegment } from './segment-reader.ts'

/** Settlements are written, and old segments looked for, so often. */
const TICK_MS = 200

/** Bounds of a spool. */
export interface SpoolLimits {
  /** A segment is closed at this size, or when its first record is this old. */
  readonly segmentBytes: number
  readonly segmentAgeMs: number
  /** Segments all of whose records are settled are kept for replay: so long, and so many bytes in all. */
  readonly retainMs: number
  readonly retainBytes: number
  /** Most bytes on disk. Beyond it the oldest segment goes, settled or not. */
  readonly mostBytes: number
  /** Most bytes that wait for the disk. Beyond it nothing more is taken. */
  readonly mostPendingBytes: number
}

const MIB = 2 ** 20

/** Half a gigabyte for replay, eight in all. */
export const DEFAULT_SPOOL_LIMITS: SpoolLimits = {
  segmentBytes: 16 * MIB,
  segmentAgeMs: 600_000,
  retainMs: 86_400_000,
  retainBytes: 512 * MIB,
  mostBytes: 8192 * MIB,
  mostPendingBytes: 64 * MIB,
}

/** How items become bytes and back. */
export interface ItemCodec<T> {
  encode(item: T): Buffer
  /** Throws when the bytes are none of its own. */
  decode(payload: Buffer): T
}

/** What a spool tells beside its log lines. */
export interface SpoolListener<T> {
  damaged?(report: DamageReport): void
  /** The disk refuses (a text) or takes again (null). */
  refused?(reason: string | null): void
  /** An unsettled record went with its segment, because the spool was at its bound. */
  forgone?(cursor: string, count: number): void
  /** Only for the type. */
  readonly item?: T
}

export interface SpoolOptions<T> {
  readonly files: SpoolFiles
  readonly clock: Clock
  readonly log: Log
  readonly codec: ItemCodec<T>
  readonly limits?: Partial<SpoolLimits>
  readonly listener?: SpoolListener<T>
}

/** One record of the log, for listing and replay. */
export interface SpoolRecord<T> {
  readonly number: number
  readonly timeMs: number
  readonly item: T
  /** Keys of the cursors it was meant for. */
  readonly receivers: readonly number[]
}

/** A receiver as listings show it. */
export interface CursorSummary {
  readonly name: string
  /** Records not settled yet, those with the receiver among them. */
  readonly waiting: number
  readonly lost: number
}

/**
 * An append-only log on disk that several receivers read, each at its own pace and settling in any order. A record is
 * handed out only once it is on disk, and again after a restart unless its settlement was. Written once, however many
 * receivers it has. See docs/guarantees.md for what survives what.
 */
export class Spool<T> {
  readonly #options: SpoolOptions<T>
  readonly #limits: SpoolLimits
  readonly #writer: GroupWriter<T>
  readonly #quarantine: Quarantine
  readonly #segments: Segment[]
  readonly #cursors = new Map<number, Cursor<T>>()
  /** Cursors of earlier runs that nobody has opened yet. */
  readonly #known: Map<number, CursorFacts>
  readonly #host: CursorHost<T>
  readonly #tick: Timer
  #next: number
  #isRefused = false
  #saving: Promise<void> | undefined

  private constructor(
    options: SpoolOptions<T>,
    limits: SpoolLimits,
    known: Map<number, CursorFacts>,
    quarantine: Quarantine,
    segments: readonly Segment[],
    next: number,
  ) {
    this.#options = options
    this.#limits = limits
    this.#known = known
    this.#quarantine = quarantine
    this.#segments = [...segments]
    this.#next = next
    this.#host = this.#makeHost()
    this.#writer = new GroupWriter(options.files, options.clock, limits, {
      encode: item => options.codec.encode(item),
      began: segment => this.#began(segment),
      committed: (records, segment) => this.#committed(records, segment),
      trouble: error => this.#trouble(error),
    })
    this.#tick = options.clock.every(TICK_MS, () => void this.#look())
  }

  /** Opens a folder and checks all it holds. Rejects when the folder cannot be read. */
  static async open<T>(options: SpoolOptions<T>): Promise<Spool<T>> {
    const { files, log, listener } = options
    const names = await files.list()
    const known = await loadCursors(files, names)
    const quarantine = new Quarantine(files, names, report => {
      const { segment, offset, bytes, reason, lostRecords, file } = report
      const fields = { segment, offset, bytes, reason, file }
      if (report.isTorn) log.notice('the last write of the spool was not finished; what was committed is there', fields)
      else log.error('damaged bytes in the spool were put aside', { ...fields, lostRecords })
      listener?.damaged?.(report)
    })
    const { segments, nextNumber } = await loadSegments(files, names, quarantine, (frame, segment) => {
      for (const key of frame.receivers) if (!isSettled(known.get(key), frame.number)) segment.change(key, 1)
    })
    await forgetSpent(files, known, segments)
    const afterSettled = Math.max(nextNumber, ...[...known.values()].map(({ low }) => low + 1))
    return new Spool(options, { ...DEFAULT_SPOOL_LIMITS, ...options.limits }, known, quarantine, segments, afterSettled)
  }

  /** The place of a receiver, as it was left, or at the end for a new one. One object a name. */
  cursor(name: string): Cursor<T> {
    const key = cursorKey(name)
    const present = this.#cursors.get(key)
    if (present !== undefined) return present
    const open = this.#segments.reduce((sum, segment) => sum + segment.openFor(key), 0)
    const cursor = new Cursor(name, key, this.#host, this.#known.get(key), open)
    this.#known.delete(key)
    this.#cursors.set(key, cursor)
    return cursor
  }

  /**
   * Appends an item for a receiver. The same item for another receiver right behind it shares its record. False when
   * nothing more is taken because too much waits for the disk.
   */
  append(item: T, receiver: Cursor<T>, estimatedBytes: number): boolean {
    const last = this.#writer.last
    if (last?.item === item) {
      last.receivers.push(receiver.key)
      receiver.appended()
      return true
    }
    if (this.#writer.pendingBytes + estimatedBytes > this.#limits.mostPendingBytes) return false
    const timeMs = Math.floor(this.#options.clock.nowMs())
    this.#writer.append({ number: this.#next++, timeMs, receivers: [receiver.key], item, estimatedBytes, end: 0 })
    receiver.appended()
    return true
  }

  /** A receiver is gone for good: nothing is kept for it. Gives the number of its records that were given up. */
  end(cursor: Cursor<T>): number {
    const given = cursor.end(this.#next - 1)
    this.#cursors.delete(cursor.key)
    this.#known.set(cursor.key, { ...cursor.facts, generation: cursor.generation + 1 })
    void this.#save([cursor])
    return given
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  get segmentCount(): number {
    return this.#segments.length
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  /** Every receiver with something to get, those nobody has opened in this run included. */
  summary(): readonly CursorSummary[] {
    const opened = [...this.#cursors.values()].map(({ name, unsettled, lost }) => ({ name, waiting: unsettled, lost }))
    const others = [...this.#known].map(([key, { name }]) => ({
      name,
      waiting: this.#segments.reduce((sum, segment) => sum + segment.openFor(key), 0),
      lost: 0,
    }))
    return [...opened, ...others.filter(({ waiting }) => waiting > 0)]
  }

  /** Every record still on disk from a time on, in order, settled or not. */
  async *records(fromMs: number, toMs: number): AsyncGenerator<SpoolRecord<T>, void, undefined> {
    for (const segment of [...this.#segments]) {
      if (segment.newestMs < fromMs || segment.oldestMs > toMs || !this.#segments.includes(segment)) continue
      for await (const step of readSegment(await segment.file(), HEAD_BYTES, segment.bytes, segment.first)) {
        if (step.kind === 'damage') continue
        for (const { frame } of step.records) {
          const item = frame.timeMs >= fromMs && frame.timeMs <= toMs ? this.#decode(frame) : undefined
          if (item !== undefined) yield { number: frame.number, timeMs: frame.timeMs, item, receivers: frame.receivers }
        }
      }
    }
  }

  /** Resolves once all that was appended is on disk, or the disk has refused it. */
  flush(): Promise<void> {
    return this.#writer.flush()
  }

  /** Writes what is pending and what was settled, and closes every file. */
  async close(): Promise<void> {
    this.#tick.clear()
    await this.#writer.close()
    await this.#saving
    await this.#save([...this.#cursors.values()])
    await Promise.all(this.#segments.map(segment => segment.close()))
  }

  #makeHost(): CursorHost<T> {
    const spool = this
    return {
      segments: this.#segments,
      get committedNext() {
        return spool.#segments.at(-1)?.next ?? 0
      },
      get appendedNext() {
        return spool.#next
      },
      decode: frame => this.#decode(frame),
      damaged: (segment, damage) => this.#damaged(segment, damage),
      trouble: error => this.#options.log.often().error('the spool cannot be read', { reason: messageOf(error) }),
    }
  }

  #decode(frame: Frame): T | undefined {
    try {
      return this.#options.codec.decode(frame.payload)
    } catch (error) {
      this.#options.log.often().error('a record of the spool holds no event', {
        number: frame.number,
        reason: messageOf(error),
      })
      return undefined
    }
  }

  #damaged(segment: Segment, damage: Damage): Promise<void> {
    return this.#quarantine.put(segment, damage, false)
  }

  #began(segment: Segment): void {
    const last = this.#segments.at(-1)
    if (last?.first === segment.first) this.#segments.pop()
    this.#segments.push(segment)
  }

  #committed(records: readonly PendingRecord<T>[], segment: Segment): void {
    // Those of a receiver that has ended meanwhile are needed by nobody.
    for (const { receivers } of records) for (const key of receivers) if (this.#cursors.has(key)) segment.change(key, 1)
    for (const cursor of this.#cursors.values()) cursor.committed(records, segment)
  }

  #trouble(error: unknown): void {
    const { log, listener } = this.#options
    this.#isRefused = error !== null
    if (error === null) log.notice('the spool is written again')
    else log.error('the spool cannot be written; events wait in memory', { reason: messageOf(error) })
    listener?.refused?.(error === null ? null : messageOf(error))
  }

  /** What is due now and then: settlements to disk, cursors that stopped at an error, segments nobody needs. */
  async #look(): Promise<void> {
    for (const cursor of this.#cursors.values()) cursor.wake()
    this.#saving ??= this.#save([...this.#cursors.values()])
      .then(() => this.#tidy())
      .catch(error => this.#options.log.error('the spool cannot be tidied', { reason: messageOf(error) }))
      .finally(() => {
        this.#saving = undefined
      })
    await this.#saving
  }

  async #save(cursors: readonly Cursor<T>[]): Promise<void> {
    for (const cursor of cursors) {
      if (!cursor.isDirty) continue
      cursor.isDirty = false
      const generation = ++cursor.generation
      const file = cursorFiles(cursor.key)[generation % 2 === 0 ? 0 : 1]
      try {
        await this.#options.files.store(file, checkedJson({ ...cursor.facts, generation }))
      } catch (error) {
        // What is settled and not known to be is delivered once more after a restart, with the same id.
        cursor.isDirty = true
        this.#options.log.warn('what was settled cannot be written', { cursor: cursor.name, reason: messageOf(error) })
      }
    }
  }

  /** Removes segments that nobody needs, and, beyond the bound, those somebody does. */
  async #tidy(): Promise<void> {
    const { retainMs, retainBytes, mostBytes } = this.#limits
    const nowMs = this.#options.clock.nowMs()
    for (;;) {
      const oldest = this.#segments[0]
      // The last one is being written.
      if (oldest === undefined || this.#segments.length === 1) return
      const bytes = this.bytes
      const isOver = bytes > mostBytes
      // A full disk needs the room more than a replay does.
      const isKeptEnough = nowMs - oldest.newestMs > retainMs || bytes > retainBytes || this.#isRefused
      const isSpent = oldest.isSettled && isKeptEnough
      if (!isOver && !isSpent) return
      this.#forgo(oldest)
      this.#segments.shift()
      await oldest.remove()
    }
  }

  #forgo(segment: Segment): void {
    for (const key of [...segment.waiting]) {
      const cursor = this.#cursors.get(key)
      const count = cursor === undefined ? segment.openFor(key) : cursor.forgo(segment)
      if (count <= 0) continue
      const name = cursor?.name ?? this.#known.get(key)?.name ?? 'unknown'
      this.#options.log.error('the spool is at its bound: events were given up', { cursor: name, count })
      this.#options.listener?.forgone?.(name, count)
    }
  }
}

/** Removes what is kept of cursors that no record on disk is meant for any more. */
async function forgetSpent(
  files: SpoolFiles,
  known: Map<number, CursorFacts>,
  segments: readonly Segment[],
): Promise<void> {
  const oldest = segments[0]?.first
  if (oldest === undefined) return
  for (const [key, { low }] of known) {
    if (low >= oldest || segments.some(segment => segment.openFor(key) > 0)) continue
    known.delete(key)
    for (const file of cursorFiles(key)) await files.remove(file)
  }
}

const isSettled = (facts: CursorFacts | undefined, number: number): boolean =>
  facts !== undefined && (number <= facts.low || facts.beyond.includes(number))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
