import { type FileHandle, mkdir, open, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../log/log.ts'
import type { Counter } from '../../util/spec.ts'
import { apply, formatLine, type JournalLine, linesOf, type OpenCall, readLines } from './journal-lines.ts'
import { takeLock } from './journal-lock.ts'

interface JournalParts {
  readonly folder: string
  readonly log: Log
  /** Batches that could not be written. */
  readonly failures: Counter
  /** Lines that could not be read. */
  readonly damaged: Counter
}

/** Below this a file is not worth being written anew. */
const SMALL_BYTES = 4_000_000

/**
 * The calls that have no record yet, on disk: a file that lines are appended to. What happens in one turn of the event loop is
 * written at once at its end, so a process that dies loses at most its last turn; the disk is synced as often as it can be,
 * without anything waiting for it. The folder is there only while calls are.
 */
export class CallJournal {
  readonly #parts: JournalParts
  readonly #calls = new Map<string, OpenCall>()
  #lines: JournalLine[] = []
  #isScheduled = false
  #writing: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | null = null
  #file: FileHandle | null = null
  #lock: { release(): Promise<void> } | null = null
  #bytes = 0
  /** Bytes of the file when it was last written anew. */
  #compactBytes = 0
  #isFailing = false
  #isForeign = false

  constructor(parts: JournalParts) {
    this.#parts = parts
  }

  /** How many calls it holds. */
  get count(): number {
    return this.#calls.size
  }

  /**
   * Reads what a process before this one left. Damaged lines are reported, and the file is kept beside the new one. Rejects
   * with the system's error.
   */
  async recover(): Promise<readonly OpenCall[]> {
    const { damaged, folder, log } = this.#parts
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))) return null
      throw error
    })
    if (text === null) return []
    if (!(await this.#take())) return []
    const content = readLines(text)
    if (content.isTorn) log.warn('the last line of the journal of calls was not written to its end', { folder })
    if (content.damaged.length > 0) {
      damaged.value += content.damaged.length
      const copy = join(folder, 'calls.damaged')
      await writeFile(copy, text)
      const lines = content.damaged.slice(0, 20).join(',')
      log.error('lines of the journal of calls are damaged and were passed over', {
        lines,
        count: content.damaged.length,
        copy,
      })
    }
    for (const [id, open] of content.calls) this.#calls.set(id, open)
    await this.#compact()
    return [...content.calls.values()]
  }

  /** Makes the folder and takes it away again. Rejects with the system's error: calls could not be kept there. */
  async probe(): Promise<void> {
    await mkdir(this.#parts.folder, { recursive: true })
    await writeFile(join(this.#parts.folder, 'probe'), '')
    await rm(join(this.#parts.folder, 'probe'), { force: true })
    await rmdir(this.#parts.folder).catch(() => {})
  }

  /** Takes a line; it is on disk soon. Lines about calls that it does not hold mean nothing. */
  add(line: JournalLine): void {
    if (line.op !== 'call' && !this.#calls.has(line.id)) return
    apply(this.#calls, line)
    this.#lines.push(line)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#write()
    })
  }

  /** Everything taken so far is on disk. */
  async flush(): Promise<void> {
    this.#write()
    await this.#writing
    await this.#syncing
  }

  /** Ends writing. Where no call is left, nothing is left on disk. */
  async close(): Promise<void> {
    await this.flush()
    await this.#file?.close()
    this.#file = null
    if (this.#lock === null) return
    const isEmpty = this.#calls.size === 0
    if (isEmpty) await rm(this.#path, { force: true })
    await this.#lock.release()
    this.#lock = null
    // It stays where something else is in it, as a damaged file.
    if (isEmpty) await rmdir(this.#parts.folder).catch(() => {})
  }

  get #path(): string {
    return join(this.#parts.folder, 'calls')
  }

  #write(): void {
    if (this.#lines.length > 0) this.#writing = this.#writing.then(() => this.#writeBatch())
  }

  async #writeBatch(): Promise<void> {
    if (this.#lines.length === 0 || this.#isForeign) return
    const lines = this.#lines
    this.#lines = []
    try {
      if (!(await this.#take())) return
      // After a failure the file may lack lines, or end within one.
      if (this.#file === null || this.#isFailing || this.#isLarge) await this.#compact()
      else await this.#append(lines.map(formatLine).join(''))
      if (this.#isFailing)
        this.#parts.log.notice('the journal of calls is written again', { folder: this.#parts.folder })
      this.#isFailing = false
    } catch (error) {
      this.#parts.failures.value++
      if (!this.#isFailing)
        this.#parts.log.error('the journal of calls cannot be written: a crash would now lose records of calls', {
          folder: this.#parts.folder,
          reason: String(error),
        })
      this.#isFailing = true
    }
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    await this.#file?.appendFile(bytes)
    this.#bytes += bytes.length
    this.#sync()
  }

  /** One at a time; what is written meanwhile goes with the next. */
  #sync(): void {
    this.#syncing ??= (this.#file?.datasync() ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        this.#syncing = null
      })
  }

  get #isLarge(): boolean {
    return this.#bytes > Math.max(SMALL_BYTES, 4 * this.#compactBytes)
  }

  /** Writes the file anew, with what still matters only. */
  async #compact(): Promise<void> {
    // What waits to be appended is part of what the calls are now.
    this.#lines = []
    const text = [...this.#calls.values()].flatMap(linesOf).map(formatLine).join('')
    const temporary = `${this.#path}.new`
    await this.#syncing
    await this.#file?.close()
    this.#file = null
    const file = await open(temporary, 'w', 0o640)
    try {
      await file.writeFile(text)
      await file.datasync()
      await rename(temporary, this.#path)
    } catch (error) {
      await file.close()
      throw error
    }
    this.#file = file
    this.#bytes = Buffer.byteLength(text)
    this.#compactBytes = this.#bytes
  }

  /** Makes sure that nobody else writes here. */
  async #take(): Promise<boolean> {
    if (this.#lock !== null) return true
    const { folder, log } = this.#parts
    await mkdir(folder, { recursive: true, mode: 0o750 })
    this.#lock = await takeLock(join(folder, 'lock'))
    if (this.#lock !== null) return true
    this.#isForeign = true
    log.error('another process writes this journal of calls: calls are not journalled; give each its own cdr_journal', {
      folder,
    })
    return false
  }
}
