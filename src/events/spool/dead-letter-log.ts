import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { EventType } from '../catalogue.ts'
import type { DeadLetter, DeadLetterStore, DeadLetters } from '../dead-letters.ts'
import { type DeliveryCode, DeliveryError } from '../transport.ts'
import type { Cursor, Handed } from './cursor.ts'
import { spoolFolder } from './files.ts'
import { type ItemCodec, Spool, type SpoolLimits } from './spool.ts'
import { fromStoredForm, type StoredForm, toStoredForm } from './stored-event.ts'

const FOLDER = 'dead-letters'
/** After the folder could not be opened it is tried again this often. */
const RETRY_MS = 5000
/** Letters that are too old are looked for so often. */
const LOOK_MS = 60_000

/** What is bounded is the number and size of the letters kept; this only catches what that leaves behind. */
const LIMITS: Partial<SpoolLimits> = {
  segmentBytes: 2 ** 20,
  retainMs: 0,
  retainBytes: 0,
  mostBytes: 256 * 2 ** 20,
}

export interface DeadLetterLogOptions {
  /** That of the spool: the letters have one of their own in it. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  readonly letters: DeadLetters
  /** The type of an event by its name; makes one for an event that no loaded module has any more. */
  readonly typeOf: (name: string) => EventType
  /** Whether the instance keeps anything on disk: a letter alone does not make a folder. */
  readonly isWanted: () => boolean
}

/** The dead letters on disk: written as they come, struck out as they are sent again or purged, there again after a restart. */
export class DeadLetterLog implements DeadLetterStore {
  readonly #options: DeadLetterLogOptions
  readonly #folder: string
  #cursor: Cursor<Entry> | undefined
  #spool: Spool<Entry> | undefined
  #opening: Promise<void> | undefined
  #timer: Timer | undefined
  /** Tells the letters of this run from those of earlier ones. */
  readonly #run = randomBytes(8).toString('hex')
  /** Letters of this run that are not on disk yet, by number. */
  readonly #early = new Map<number, DeadLetter>()
  readonly #onDisk = new Map<DeadLetter, Handed<Entry>>()

  constructor(options: DeadLetterLogOptions) {
    this.#options = options
    this.#folder = join(options.folder, FOLDER)
  }

  /** Takes up what an earlier run left. */
  async start(): Promise<void> {
    if (existsSync(this.#folder)) await this.#open()
  }

  added(letter: DeadLetter): void {
    if (this.#spool === undefined && !this.#options.isWanted()) return
    this.#early.set(letter.number, letter)
    if (this.#spool === undefined) void this.#open()
    else this.#write(letter)
  }

  removed(letter: DeadLetter): void {
    if (this.#early.get(letter.number) === letter) this.#early.delete(letter.number)
    const handed = this.#onDisk.get(letter)
    if (handed === undefined) return
    this.#onDisk.delete(letter)
    this.#cursor?.settle(handed)
  }

  /** What waits is written; then every file is closed. */
  async close(): Promise<void> {
    this.#timer?.clear()
    await this.#opening
    await this.#spool?.close()
  }

  #open(): Promise<void> {
    this.#opening ??= this.#tryOpen()
    return this.#opening
  }

  async #tryOpen(): Promise<void> {
    const { clock, log, letters, typeOf } = this.#options
    try {
      const files = await spoolFolder(this.#folder)
      const spool = await Spool.open({ files, clock, log, limits: LIMITS, codec: entryCodec(typeOf) })
      this.#spool = spool
      this.#cursor = spool.cursor('dead letters')
      this.#cursor.onReady = () => this.#takeUp()
      this.#takeUp()
      for (const letter of this.#early.values()) this.#write(letter)
      this.#timer = clock.every(LOOK_MS, () => letters.expire())
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.error('dead letters cannot be kept on disk', { folder: this.#folder, reason })
      this.#timer = clock.after(RETRY_MS, () => {
        this.#opening = undefined
        void this.#open()
      })
    }
  }

  #write(letter: DeadLetter): void {
    if (this.#cursor !== undefined)
      this.#spool?.append({ run: this.#run, letter }, this.#cursor, letter.event.sizeBytes)
  }

  /** What has come to be on disk: letters of this run, and before them those of earlier ones. */
  #takeUp(): void {
    for (let handed = this.#cursor?.shift(); handed !== undefined; handed = this.#cursor?.shift()) {
      const { run, letter } = handed.item
      const known = run === this.#run ? this.#early.get(letter.number) : letter
      // Struck out before it was written.
      if (known === undefined) this.#cursor?.settle(handed)
      else {
        this.#onDisk.set(known, handed)
        if (run === this.#run) this.#early.delete(letter.number)
        else this.#options.letters.restore(known)
      }
    }
  }
}

/** What is written of a letter beside itself. */
interface Entry {
  readonly run: string
  readonly letter: DeadLetter
}

/** An entry as it stands on disk. */
interface StoredEntry {
  readonly run: string
  readonly number: number
  readonly event: StoredForm
  readonly subscribed: string
  readonly filterText: string | null
  readonly socket: string
  readonly code: DeliveryCode
  readonly reason: string
  readonly attempts: number
  readonly diedAtMs: number
}

function entryCodec(typeOf: (name: string) => EventType): ItemCodec<Entry> {
  return {
    encode: ({ run, letter: { event, error, ...letter } }) => {
      const { code, message: reason } = error
      return Buffer.from(
        JSON.stringify({ run, event: toStoredForm(event), ...letter, code, reason } satisfies StoredEntry),
      )
    },
    decode: payload => {
      // The checksum of the record proves that these are our own words.
      const { run, event, code, reason, ...letter } = JSON.parse(payload.toString('utf8')) as StoredEntry
      const error = new DeliveryError(code, reason, { permanent: true })
      return { run, letter: { ...letter, event: fromStoredForm(event, typeOf), error } }
    },
  }
}
