import {
  DELIVERED,
  type Delivery,
  DeliveryError,
  failed,
  type Outcomes,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { AppendFile, checkPlace, WriteError } from './append-file.ts'
import { CsvTable } from './csv.ts'
import type { Manifest } from './manifest.ts'
import { encodePiece, type LineWriter, NO_BOUND, type Piece, type Room } from './piece.ts'

export type RotationReason = 'count' | 'size' | 'period' | 'mi'

/** What a rotation changed: the names of the file written from now on and of the one written before. */
export interface Rotation {
  readonly reason: RotationReason
  readonly filename: string
  readonly oldFilename: string
}

/** The form of the lines of a file: `csv`, whose columns the file itself has, or a function that writes one. */
export type LineForm = 'csv' | LineWriter

export interface FlatFileOptions {
  readonly clock: Clock
  /** Stands between the fields of `csv`. */
  readonly delimiter: string
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

/** A write is given up this much before its deadline, so that what is answered then is our answer. */
const AHEAD_MS = 20

/** A header is looked for in so much of a file. */
const HEADER_BYTES = 65_536

interface Job {
  readonly batch: readonly WireEvent[]
  isRunning: boolean
  /** Why single events cannot be lines, by their place in the batch. */
  refused: Map<number, Delivery> | undefined
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
  readonly #form: LineForm
  readonly #options: FlatFileOptions
  readonly #manifest: Manifest | undefined
  readonly #lostListeners = new Set<(error: DeliveryError) => void>()
  #filename: string | undefined
  #file: AppendFile | undefined
  /** The columns of the open file. */
  #table: CsvTable | undefined
  #wasOpened = false
  #last: Promise<unknown> = Promise.resolve()
  /** Since the last rotation, for those that are due by count or size. */
  #lines = 0
  #bytes = 0

  /** `manifest` is told what is written where. */
  constructor(path: string, form: LineForm, options: FlatFileOptions, manifest?: Manifest) {
    this.path = path
    this.#manifest = manifest
    this.#form = form
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
  async append(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const job: Job = { batch, isRunning: false, givenUp: undefined, refused: undefined }
    const done = this.#exclusively(() => job.givenUp ?? this.#append(job))
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

  async close(): Promise<void> {
    await this.#exclusively(() => this.#shut())
    this.#manifest?.finish('end')
    await this.#manifest?.settled()
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

  async #append(job: Job): Promise<Outcomes> {
    job.isRunning = true
    const { batch } = job
    let from = 0
    try {
      while (from < batch.length) {
        this.#file ??= await this.#open()
        from = await this.#appendPiece(this.#file, job, from)
        const reason = this.#rotationDue()
        if (reason !== undefined) await this.#rotate(reason)
      }
      const { refused } = job
      return refused === undefined ? DELIVERED : batch.map((_, i) => refused.get(i) ?? DELIVERED)
    } catch (error) {
      const delivery = deliveryError(error)
      await this.#shut()
      for (const onLost of [...this.#lostListeners]) onLost(delivery)
      const isTorn = error instanceof WriteError && error.isTorn
      return from > 0 || isTorn ? unknown(delivery) : failed(delivery)
    }
  }

  /** Writes events from `from` on, up to a piece's size or the line that makes a rotation due. Returns where it stopped. */
  async #appendPiece(file: AppendFile, job: Job, from: number): Promise<number> {
    const piece = this.#encode(job, from, this.#lineWriter(file, job.batch[from]))
    if (piece.ends !== undefined) {
      await file.write(this.#withHeader(file, piece.bytes))
      this.#manifest?.wrote(file, piece.lines, ...piece.ends)
    }
    this.#lines += piece.lines
    this.#bytes += piece.bytes.length
    return piece.to
  }

  #encode(job: Job, from: number, lineOf: LineWriter): Piece {
    return encodePiece(job.batch, from, lineOf, this.#room, (at, error) => {
      job.refused ??= new Map()
      job.refused.set(at, failed(error))
    })
  }

  get #room(): Room {
    const { rotateCount, rotateSizeBytes } = this.#options
    if (rotateCount === 0 && rotateSizeBytes === 0) return NO_BOUND
    return {
      lines: rotateCount === 0 ? Number.POSITIVE_INFINITY : rotateCount - this.#lines,
      bytes: rotateSizeBytes === 0 ? Number.POSITIVE_INFINITY : rotateSizeBytes - this.#bytes,
    }
  }

  /** A file that begins with this event gets its columns from it. */
  #lineWriter(file: AppendFile, first: WireEvent | undefined): LineWriter {
    if (this.#form !== 'csv') return this.#form
    if (file.sizeBytes === 0 && first !== undefined) this.#table = CsvTable.forEvent(first, this.#options.delimiter)
    const table = this.#table
    return (text, event) => table?.addRecord(text, event) ?? NO_TABLE
  }

  #withHeader(file: AppendFile, bytes: Buffer): Buffer {
    if (file.sizeBytes > 0 || this.#table === undefined) return bytes
    return Buffer.concat([Buffer.from(this.#table.header), bytes])
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
    if (this.#form === 'csv' && file.sizeBytes > 0) await this.#readHeader(file)
    return file
  }

  async #readHeader(file: AppendFile): Promise<void> {
    this.#table = CsvTable.forFile(await file.start(HEADER_BYTES), this.#options.delimiter)
    if (this.#table !== undefined) return
    await file.close()
    throw new DeliveryError('E_NOT_CONNECTED', `${this.#name()} does not begin with a header of csv; rotate it`)
  }

  async #rotate(reason: RotationReason): Promise<void> {
    const oldFilename = this.#name()
    await this.#shut()
    this.#manifest?.finish(reason)
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

const NO_TABLE = new DeliveryError('E_REFUSED', 'the file has no header')

function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new DeliveryError('E_REFUSED', message, { cause: error })
}
