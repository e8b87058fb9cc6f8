import { closeSync, fdatasync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { mkdir, open, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import {
  apply,
  formatLine,
  type JournalLine,
  type JournalledCall,
  linesOf,
  type OpenCall,
  readLines,
} from './journal-lines.ts'
import { takeLock } from './journal-lock.ts'
import { textOf } from './journal-text.ts'
import { LineBuffer } from './line-buffer.ts'

interface JournalParts {
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  /** Batches that could not be written. */
  readonly failures: Counter
  /** Lines that could not be read. */
  readonly damaged: Counter
}

/** Below this a file is not worth being written anew. */
const SMALL_BYTES = 4_000_000
const syncData = promisify(fdatasync)
/** Power loss can take what was written for so long. */
const SYNC_EVERY_MS = 100

/**
 * The calls that have no record yet, on disk: a file that lines are appended to. What happens in one turn of the event loop
 * is handed to the system as one piece at its end, when the messages of that turn are on their way, so a process that dies
 * loses what its last turn did at most. The disk is synced behind it, ten times a second. The folder is there only while
 * calls are.
 */
export class CallJournal {
  readonly #parts: JournalParts
  readonly #calls = new Map<string, OpenCall>()
  readonly #lines = new LineBuffer()
  #isScheduled = false
  readonly #writeAtEnd = (): void => {
    this.#isScheduled = false
    this.#write()
  }
  #file: number | null = null
  #lock: ReturnType<typeof takeLock> = null
  #bytes = 0
  /** Bytes of the file when it was last written anew. */
  #compactBytes = 0
  #compacting: Promise<void> | null = null
  /** What is written while the file is written anew: it belongs into the new one too. */
  #meanwhile: Buffer[] = []
  #syncing: Promise<void> | null = null
  #nextSync: Timer | null = null
  #isSynced = true
  #isFailing = false
  #isForeign = false
  /** Adds what has waited for the disk to be synced. */
  beforeSync: () => void = () => {}

  constructor(parts: JournalParts) {
    this.#parts = parts
  }

  /** A call that it holds, as it knows it. */
  call(id: string): JournalledCall | undefined {
    return this.#calls.get(id)?.call
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
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))) return null
      throw error
    })
    if (text === null || !this.#take()) return []
    const { calls, damaged, isTorn } = readLines(text)
    if (isTorn)
      this.#parts.log.warn('the last line of the journal of calls was not written to its end', {
        folder: this.#parts.folder,
      })
    if (damaged.length > 0) await this.#reportDamage(text, damaged)
    for (const [id, call] of calls) this.#calls.set(id, call)
    await this.#rewrite()
    return [...calls.values()]
  }

  /** Makes the folder and takes it away again. Rejects with the system's error: calls could not be kept there. */
  async probe(): Promise<void> {
    await mkdir(this.#parts.folder, { recursive: true })
    await writeFile(join(this.#parts.folder, 'probe'), '')
    await rm(join(this.#parts.folder, 'probe'), { force: true })
    await rmdir(this.#parts.folder).catch(() => {})
  }

  /**
   * Takes a line; it is on disk at the end of this turn, or, where it can wait, with the next one that cannot, and before the
   * disk is synced. Lines about calls that it does not hold mean nothing.
   */
  add(line: JournalLine, canWait = false): void {
    if (!apply(this.#calls, line)) return
    if (!this.#isForeign) this.#lines.add(textOf(line))
    if (canWait) this.syncSoon()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(this.#writeAtEnd)
    }
  }

  /** Everything taken so far is on disk. */
  async flush(): Promise<void> {
    this.beforeSync()
    this.#write()
    await this.#compacting
    await this.#syncing
    if (!this.#isSynced) this.#sync()
    await this.#syncing
  }

  /** Ends writing. Where no call is left, nothing is left on disk. */
  async close(): Promise<void> {
    await this.flush()
    this.#closeFile()
    if (this.#lock === null) return
    const isEmpty = this.#calls.size === 0
    if (isEmpty) await rm(this.#path, { force: true })
    this.#lock.release()
    this.#lock = null
    // It stays where something else is in it, as a damaged file.
    if (isEmpty) await rmdir(this.#parts.folder).catch(() => {})
  }

  get #path(): string {
    return join(this.#parts.folder, 'calls')
  }

  async #reportDamage(text: string, lines: readonly number[]): Promise<void> {
    const { damaged, folder, log } = this.#parts
    damaged.value += lines.length
    const copy = join(folder, 'calls.damaged')
    await writeFile(copy, text)
    log.error('lines of the journal of calls are damaged and were passed over', {
      lines: lines.slice(0, 20).join(','),
      count: lines.length,
      copy,
    })
  }

  #write(): void {
    if (this.#lines.isEmpty) return
    const lines = this.#lines.take()
    if (this.#compacting !== null) this.#meanwhile.push(Buffer.from(lines))
    try {
      if (!this.#take()) return
      // After a failure the file may lack lines, or end within one: it is written anew, with this.
      if (!this.#isFailing) this.#append(lines)
      if (this.#isFailing || this.#bytes > Math.max(SMALL_BYTES, 4 * this.#compactBytes)) this.#compact()
    } catch (error) {
      this.#fail(error)
    }
  }

  #append(lines: Buffer): void {
    this.#file ??= openSync(this.#path, 'a', 0o640)
    writeAll(this.#file, lines)
    this.#bytes += lines.length
    this.syncSoon()
  }

  /** Has the disk synced, one at a time: what is wanted meanwhile goes with the next. */
  syncSoon(): void {
    this.#isSynced = false
    if (this.#syncing === null) this.#nextSync ??= this.#parts.clock.after(SYNC_EVERY_MS, () => this.#sync())
  }

  #sync(): void {
    this.beforeSync()
    this.#write()
    this.#nextSync?.clear()
    this.#nextSync = null
    if (this.#file === null || this.#syncing !== null) return
    this.#isSynced = true
    this.#syncing = syncData(this.#file)
      .catch(() => {})
      .then(() => {
        this.#syncing = null
        if (!this.#isSynced) this.syncSoon()
      })
  }

  /** Writes the file anew behind the back of what goes on. */
  #compact(): void {
    this.#compacting ??= this.#rewrite()
      .then(
        () => {
          if (this.#isFailing)
            this.#parts.log.notice('the journal of calls is written again', { folder: this.#parts.folder })
          this.#isFailing = false
        },
        (error: unknown) => this.#fail(error),
      )
      .finally(() => {
        this.#compacting = null
      })
  }

  #fail(error: unknown): void {
    this.#parts.failures.value++
    if (!this.#isFailing)
      this.#parts.log.error('the journal of calls cannot be written: a crash would now lose records of calls', {
        folder: this.#parts.folder,
        reason: String(error),
      })
    this.#isFailing = true
  }

  /** A new file with what still matters, in the place of the old one. */
  async #rewrite(): Promise<void> {
    this.#meanwhile = []
    const text = [...this.#calls.values()].flatMap(linesOf).map(formatLine).join('')
    const temporary = `${this.#path}.new`
    const written = await open(temporary, 'w', 0o640)
    try {
      await written.writeFile(text)
      await written.datasync()
    } finally {
      await written.close()
    }
    await this.#syncing
    // From here on nothing else runs until the new file is the one that is written.
    const file = openSync(temporary, 'a')
    try {
      const added = Buffer.concat(this.#meanwhile)
      this.#meanwhile = []
      writeAll(file, added)
      renameSync(temporary, this.#path)
      this.#closeFile()
      this.#file = file
      this.#bytes = Buffer.byteLength(text) + added.length
      this.#compactBytes = this.#bytes
    } catch (error) {
      closeSync(file)
      throw error
    }
  }

  #closeFile(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }

  /** Makes sure that nobody else writes here. */
  #take(): boolean {
    if (this.#lock !== null) return true
    const { folder, log } = this.#parts
    mkdirSync(folder, { recursive: true, mode: 0o750 })
    this.#lock = takeLock(join(folder, 'lock'))
    if (this.#lock !== null) return true
    this.#isForeign = true
    log.error('another process writes this journal of calls: calls are not journalled; give each its own cdr_journal', {
      folder,
    })
    return false
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}
