import {
  DELIVERED,
  type Delivery,
  DeliveryError,
  type EventData,
  failed,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { AppendFile, checkPlace, WriteError } from './append-file.ts'

export type RotationReason = 'count' | 'size' | 'period' | 'mi'

/** What a rotation changed: the names of the file written from now on and of the one written before. */
export interface Rotation {
  readonly reason: RotationReason
  readonly filename: string
  readonly oldFilename: string
}

export interface FlatFileOptions {
  readonly clock: Clock
  readonly record: (event: EventData) => string
  /** Permission bits of a new file, subject to the umask. */
  readonly mode: number
  /** Lines after which the file is rotated; 0 for never. */
  readonly rotateCount: number
  /** Bytes after which the file is rotated; 0 for never. */
  readonly rotateSizeBytes: number
  /** What follows the path in the name of the file, worked out at the first open and at each rotation. */
  readonly suffix: () => string
  readonly onRotation: (rotation: Rotation) => void
}

/** Written in pieces of about this many characters. */
const PIECE = 262_144
/** A write is given up this much before its deadline, so that what is answered then is our answer. */
const AHEAD_MS = 20

interface Job {
  isRunning: boolean
  /** What was answered when the deadline came first. */
  givenUp: Delivery | undefined
}

/**
 * One path of the flat store, shared by all sockets that name it. Writes and rotations happen one after the other. The
 * file is opened at the first write, and again at the first write after a rotation or a failure.
 */
export class FlatFile {
  /** The path as it was subscribed, absolute. */
  readonly path: string
  readonly #options: FlatFileOptions
  readonly #lostListeners = new Set<(error: DeliveryError) => void>()
  #filename: string | undefined
  #file: AppendFile | undefined
  #wasOpened = false
  #last: Promise<unknown> = Promise.resolve()
  #lines = 0
  #bytes = 0

  constructor(path: string, options: FlatFileOptions) {
    this.path = path
    this.#options = options
  }

  /** Rejects with DeliveryError while the file cannot be written. `onLost` is called when it becomes so later. */
  async connect(onLost: (error: DeliveryError) => void): Promise<void> {
    await checkPlace(this.#name())
    this.#lostListeners.add(onLost)
  }

  disconnect(onLost: (error: DeliveryError) => void): void {
    this.#lostListeners.delete(onLost)
  }

  /**
   * Appends a line for each event. `failed`: none of them is in the file; `unknown`: some may be. What has not begun by
   * the deadline is not written.
   */
  async append(batch: readonly WireEvent[], deadlineMs: number): Promise<Delivery> {
    const job: Job = { isRunning: false, givenUp: undefined }
    const done = this.#exclusively(() => job.givenUp ?? this.#append(batch, job))
    const late = Promise.withResolvers<Delivery>()
    const { clock } = this.#options
    const delayMs = Math.max(0, deadlineMs - AHEAD_MS - clock.monotonicMs())
    const timer = clock.after(delayMs, () => late.resolve(this.#giveUp(job)))
    const outcome = await Promise.race([done, late.promise])
    timer.clear()
    return outcome
  }

  /** Goes on in the file of the name that is due now; without a suffix that reopens the same path. */
  rotate(reason: RotationReason): Promise<void> {
    return this.#exclusively(() => this.#rotate(reason))
  }

  close(): Promise<void> {
    return this.#exclusively(() => this.#shut())
  }

  #exclusively<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  #giveUp(job: Job): Delivery {
    const error = new DeliveryError('E_TIMEOUT', `writing ${this.path} takes too long`)
    job.givenUp = job.isRunning ? unknown(error) : failed(error)
    return job.givenUp
  }

  async #append(batch: readonly WireEvent[], job: Job): Promise<Delivery> {
    job.isRunning = true
    let from = 0
    try {
      while (from < batch.length) {
        this.#file ??= await this.#open()
        const to = await this.#appendPiece(this.#file, batch, from)
        from = to
        const reason = this.#rotationDue()
        if (reason !== undefined) await this.#rotate(reason)
      }
      return DELIVERED
    } catch (error) {
      const delivery = deliveryError(error)
      await this.#shut()
      for (const onLost of [...this.#lostListeners]) onLost(delivery)
      const isTorn = error instanceof WriteError && error.isTorn
      return from > 0 || isTorn ? unknown(delivery) : failed(delivery)
    }
  }

  /** Writes events from `from` on, up to a piece's size or the line that makes a rotation due. Returns where it stopped. */
  async #appendPiece(file: AppendFile, batch: readonly WireEvent[], from: number): Promise<number> {
    const { record, rotateCount, rotateSizeBytes } = this.#options
    const room = rotateCount > 0 ? rotateCount - this.#lines : Number.POSITIVE_INFINITY
    const end = Math.min(batch.length, from + room)
    const lines: string[] = []
    let length = 0
    let to = from
    let bytes = this.#bytes
    while (to < end && length < PIECE && (rotateSizeBytes === 0 || bytes < rotateSizeBytes)) {
      const event = batch[to]
      if (event === undefined) break
      const line = record(event)
      if (rotateSizeBytes > 0) bytes += Buffer.byteLength(line)
      lines.push(line)
      length += line.length
      to++
    }
    await file.write(Buffer.from(lines.join('')))
    this.#lines += to - from
    this.#bytes = bytes
    return to
  }

  #rotationDue(): RotationReason | undefined {
    const { rotateCount, rotateSizeBytes } = this.#options
    if (rotateCount > 0 && this.#lines >= rotateCount) return 'count'
    if (rotateSizeBytes > 0 && this.#bytes >= rotateSizeBytes) return 'size'
    return undefined
  }

  async #open(): Promise<AppendFile> {
    const file = await AppendFile.open(this.#name(), this.#options.mode)
    // What an earlier run left counts towards the size, but may not make a rotation due before a line is written.
    if (!this.#wasOpened) this.#bytes = Math.min(file.sizeBytes, Math.max(0, this.#options.rotateSizeBytes - 1))
    this.#wasOpened = true
    return file
  }

  async #rotate(reason: RotationReason): Promise<void> {
    const oldFilename = this.#name()
    await this.#shut()
    this.#lines = 0
    this.#bytes = 0
    this.#filename = this.path + this.#options.suffix()
    this.#options.onRotation({ reason, filename: this.#filename, oldFilename })
  }

  #name(): string {
    this.#filename ??= this.path + this.#options.suffix()
    return this.#filename
  }

  async #shut(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    // What was written is in the file already; there is nothing to lose by a close that fails.
    await file?.close().catch(() => {})
  }
}

function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new DeliveryError('E_REFUSED', message, { cause: error })
}
