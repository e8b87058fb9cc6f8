import type { SpoolFile, SpoolFiles } from './files.ts'

const NAME = /^([0-9a-f]{12})\.log$/

/** File name of the segment that begins with this record. */
export const segmentName = (firstNumber: number): string => `${firstNumber.toString(16).padStart(12, '0')}.log`

/** Number of the first record by a segment's file name; undefined for other files. */
export function numberOfSegment(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** One file of a spool, and who still needs its records. */
export class Segment {
  readonly first: number
  readonly name: string
  /** Bytes that are on disk and valid; what stands behind them is no part of the segment. */
  bytes: number
  /** Number behind that of its last record. */
  next: number
  /** Time of its first and of its last record; 0 when it has none. */
  oldestMs = 0
  newestMs = 0
  /** Records not yet settled, by cursor. */
  readonly #open = new Map<number, number>()
  readonly #files: SpoolFiles
  #file: Promise<SpoolFile> | undefined

  constructor(files: SpoolFiles, first: number, bytes: number) {
    this.#files = files
    this.first = first
    this.name = segmentName(first)
    this.bytes = bytes
    this.next = first
  }

  /** Takes a record that is on disk into account. */
  note(number: number, timeMs: number): void {
    this.next = number + 1
    if (this.oldestMs === 0) this.oldestMs = timeMs
    this.newestMs = timeMs
  }

  /** A cursor needs so many records more (or fewer). */
  change(cursor: number, by: number): void {
    const count = (this.#open.get(cursor) ?? 0) + by
    if (count > 0) this.#open.set(cursor, count)
    else this.#open.delete(cursor)
  }

  openFor(cursor: number): number {
    return this.#open.get(cursor) ?? 0
  }

  get isSettled(): boolean {
    return this.#open.size === 0
  }

  /** Cursors with unsettled records here. */
  get waiting(): Iterable<number> {
    return this.#open.keys()
  }

  /** Its file, opened when first asked for. */
  file(): Promise<SpoolFile> {
    this.#file ??= this.#files.open(this.name, 'existing').catch(error => {
      this.#file = undefined
      throw error
    })
    return this.#file
  }

  /** Uses a file that is open already. */
  adopt(file: SpoolFile): void {
    this.#file = Promise.resolve(file)
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.then(opened => opened.close()).catch(() => {})
  }

  async remove(): Promise<void> {
    await this.close()
    await this.#files.remove(this.name)
  }
}
