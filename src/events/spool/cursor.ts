import { type CursorFacts, Settlements } from './cursor-state.ts'
import { type Frame, HEAD_BYTES } from './frame.ts'
import type { PendingRecord } from './group-writer.ts'
import type { Segment } from './segment.ts'
import { type Damage, readSegment } from './segment-reader.ts'

/** With so many records in memory no more are read, nor taken from a commit: they are read back later. */
const READY_MOST = 512

/** A record handed to a receiver. */
export interface Handed<T> {
  readonly number: number
  readonly timeMs: number
  readonly item: T
  readonly segment: Segment
}

/** What a cursor needs of its spool. */
export interface CursorHost<T> {
  /** Segments, ascending; the last may still grow. */
  readonly segments: readonly Segment[]
  /** Number behind the last record that is on disk, and behind the last appended. */
  readonly committedNext: number
  readonly appendedNext: number
  /** The item of a record that was written earlier; undefined when it cannot be read. */
  decode(frame: Frame): T | undefined
  /** Bytes of a segment that are no record, met while reading. */
  damaged(segment: Segment, damage: Damage): Promise<void>
  /** Reading failed: it is tried again by the next `wake`. */
  trouble(error: unknown): void
}

/** The place of one receiver in the log: which records it has still to get, in order, and which it has settled. */
export class Cursor<T> {
  readonly name: string
  readonly key: number
  readonly #host: CursorHost<T>
  readonly #settlements: Settlements
  readonly #ready: Handed<T>[] = []
  #readyHead = 0
  /** Records in memory or with the receiver, by segment. */
  readonly #held = new Map<Segment, number>()
  /** Number of the next record to read. */
  #next: number
  /** Where it stands, when that is known. */
  #segment: Segment | undefined
  #offset = HEAD_BYTES
  /** Number that the record at the offset has, or the first one behind it. */
  #expected = 0
  #isFilling = false
  #isEnded = false
  #open: number
  generation: number
  /** Settlements that are not on disk yet. */
  isDirty = false
  /** Records that were lost to damage, known when the cursor has passed it. */
  lost = 0
  onReady: () => void = () => {}

  /** `open`: records on disk that are its own and not settled. */
  constructor(name: string, key: number, host: CursorHost<T>, facts: CursorFacts | undefined, open: number) {
    this.name = name
    this.key = key
    this.#host = host
    this.#settlements = new Settlements(facts?.low ?? 0, facts?.beyond ?? [])
    this.generation = facts?.generation ?? 0
    this.#next = open > 0 ? (facts?.low ?? 0) + 1 : host.appendedNext
    this.#open = open
    this.wake()
  }

  /** Reads on if there is something to read and room for it. */
  wake(): void {
    if (this.#next < this.#host.committedNext && this.#readyCount < READY_MOST) void this.#fill()
  }

  /** Records that wait: on disk, on their way to it, or in memory; not those handed out. */
  get waiting(): number {
    return this.#open - this.#settlements.openCount
  }

  /** The same and those handed out. */
  get unsettled(): number {
    return this.#open
  }

  /** Time of the record that comes next; undefined when there is none in memory now. */
  get headTimeMs(): number | undefined {
    return this.#ready[this.#readyHead]?.timeMs
  }

  get facts(): Omit<CursorFacts, 'generation'> {
    return { name: this.name, low: this.#settlements.low, beyond: this.#settlements.beyond }
  }

  /** A record of its own was appended. */
  appended(): void {
    this.#open++
  }

  /** Records were committed; some may be its own. */
  committed(records: readonly PendingRecord<T>[], segment: Segment): void {
    // A reading that is under way comes to them by itself.
    if (this.#isEnded || this.#isFilling) return
    let isWoken = false
    for (const { number, timeMs, receivers, item, end } of records) {
      // Only while it has taken all before this one is it at the tail, where records come from memory.
      if (this.#next !== number || this.#readyCount >= READY_MOST) break
      this.#standAt(segment, end, number)
      if (receivers.includes(this.key)) {
        this.#hold({ number, timeMs, item, segment })
        isWoken = true
      } else this.#passBy(number)
    }
    if (isWoken) this.onReady()
    else if (this.#readyCount === 0) this.wake()
  }

  /** The next record; undefined when none is in memory now (`onReady` tells when there is). */
  shift(): Handed<T> | undefined {
    const handed = this.#ready[this.#readyHead]
    if (handed === undefined) return undefined
    this.#readyHead++
    if (this.#readyHead > 64 && this.#readyHead * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#readyHead)
      this.#readyHead = 0
    }
    this.#settlements.handOut(handed.number)
    if (this.#readyCount < READY_MOST / 4) this.wake()
    return handed
  }

  /** A record that was handed out is done with. */
  settle({ number, segment }: Handed<T>): void {
    if (!this.#settlements.settle(number)) return
    this.#release(segment)
    this.isDirty = true
  }

  /** Everything is done with: nothing of it is kept for this receiver any more. Gives the number of records given up. */
  end(lastNumber: number): number {
    this.#isEnded = true
    const given = this.#open
    for (const segment of this.#host.segments) segment.change(this.key, -segment.openFor(this.key))
    this.#ready.length = 0
    this.#readyHead = 0
    this.#open = 0
    this.#settlements.abandon(lastNumber)
    this.isDirty = true
    return given
  }

  /** Its records in this segment will not be there any more. Gives how many of them were neither read nor settled. */
  forgo(segment: Segment): number {
    const lost = segment.openFor(this.key) - (this.#held.get(segment) ?? 0)
    this.#loseUnread(segment, lost)
    if (this.#segment === segment || this.#next < segment.next) {
      this.#next = Math.max(this.#next, segment.next)
      this.#segment = undefined
    }
    return lost
  }

  get #readyCount(): number {
    return this.#ready.length - this.#readyHead
  }

  /** It has passed the record `number`, which ends at `offset`. */
  #standAt(segment: Segment, offset: number, number: number): void {
    this.#segment = segment
    this.#offset = offset
    this.#expected = number + 1
    this.#next = Math.max(this.#next, number + 1)
  }

  #hold(handed: Handed<T>): void {
    this.#ready.push(handed)
    this.#held.set(handed.segment, (this.#held.get(handed.segment) ?? 0) + 1)
  }

  #release(segment: Segment): void {
    this.#open--
    segment.change(this.key, -1)
    const held = (this.#held.get(segment) ?? 0) - 1
    if (held > 0) this.#held.set(segment, held)
    else this.#held.delete(segment)
  }

  #loseUnread(segment: Segment, count: number): void {
    if (count <= 0) return
    this.#open -= count
    segment.change(this.key, -count)
  }

  /** Reads on until enough is in memory or the end of what is on disk is reached. One at a time. */
  async #fill(): Promise<void> {
    if (this.#isFilling || this.#isEnded) return
    this.#isFilling = true
    let isMore = true
    try {
      while (isMore && !this.#isEnded && this.#readyCount < READY_MOST) {
        const before = this.#readyCount
        isMore = await this.#read()
        if (this.#readyCount > before) this.onReady()
      }
      this.#isFilling = false
      // What was committed after the last look.
      this.wake()
    } catch (error) {
      this.#isFilling = false
      this.#host.trouble(error)
    }
  }

  /** One segment, or a part of it. False at the end of what is on disk. */
  async #read(): Promise<boolean> {
    const segment = this.#segmentToRead()
    if (segment === undefined) return false
    const limit = segment.bytes
    const { segments } = this.#host
    const following = segments[segments.indexOf(segment) + 1]?.first ?? Number.POSITIVE_INFINITY
    if (this.#offset < limit) {
      const file = await segment.file()
      for await (const step of readSegment(file, this.#offset, limit, this.#expected)) {
        if (step.kind === 'damage') await this.#host.damaged(segment, step.damage)
        else for (const { frame, end } of step.records) if (frame.number < following) this.#take(frame, end, segment)
        // A chunk is taken whole: it would have to be read again.
        if (this.#isEnded || this.#readyCount >= READY_MOST) return true
      }
    }
    return this.#leave(segment, limit)
  }

  #take(frame: Frame, end: number, segment: Segment): void {
    const { number, timeMs, receivers } = frame
    const isOwn = number >= this.#next && receivers.includes(this.key) && !this.#settlements.isSettled(number)
    const item = isOwn ? this.#host.decode(frame) : undefined
    this.#standAt(segment, end, number)
    if (item === undefined) this.#passBy(number)
    else this.#hold({ number, timeMs, item, segment })
  }

  /** A record that is not for it, or not any more. */
  #passBy(number: number): void {
    if (this.#readyCount === 0) this.#settlements.passed(number)
  }

  /** Goes on to the next segment, if there is one. What should have been in this one and was not is lost. */
  #leave(segment: Segment, limit: number): boolean {
    const { segments } = this.#host
    const following = segments[segments.indexOf(segment) + 1]
    if (following === undefined && segment.bytes > limit) return true
    const lost = segment.openFor(this.key) - (this.#held.get(segment) ?? 0)
    this.#loseUnread(segment, lost)
    this.lost += Math.max(0, lost)
    this.#next = Math.max(this.#next, segment.next)
    this.#offset = limit
    if (following === undefined) return false
    this.#enter(following)
    return true
  }

  #segmentToRead(): Segment | undefined {
    const { segments } = this.#host
    if (this.#segment !== undefined && segments.includes(this.#segment)) return this.#segment
    const segment = segments.find(candidate => this.#next < candidate.next)
    if (segment !== undefined) this.#enter(segment)
    return segment
  }

  #enter(segment: Segment): void {
    this.#segment = segment
    this.#offset = HEAD_BYTES
    this.#expected = segment.first
  }
}
