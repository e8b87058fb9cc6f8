import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { WireEvent } from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import type { Clock } from '../../src/util/clock.ts'
import { digestOf, findFile } from './file-digest.ts'
import type { RotationReason } from './flat-file.ts'

/** Why a file is written no more: a rotation, the end of the subscription or the process, or what an earlier run left. */
export type ClosingReason = RotationReason | 'end' | 'left'

/** What identifies an event in a file that may not have its id. */
interface EventMark {
  readonly id: string
  readonly sequence: number
}

/** What the manifest says of one file. */
interface FileEntry {
  /** Relative to the folder of the manifest. */
  name: string
  state: 'open' | 'complete'
  inode: number
  /** RFC 3339. */
  opened: string
  closed: string | null
  reason: ClosingReason | null
  /** Events written to it; what a run that crashed wrote last is not known. */
  events: number
  first: EventMark
  last: EventMark | null
  /** Line ends in it: in `csv` a value may have some, and the header has one. */
  lines: number | null
  bytes: number | null
  sha256: string | null
}

/** Files that are told of; what the consumer has taken away is forgotten anyway. */
const MOST_FILES = 10_000

/**
 * Tells a consumer which files of a path are complete: a JSON document beside them, replaced as a whole whenever one is
 * begun or complete. What it says of a complete file was read from the file, once it was on disk. Nothing here holds up
 * writing.
 */
export class Manifest {
  readonly #path: string
  readonly #clock: Clock
  readonly #log: Log
  #files: FileEntry[] = []
  #current: FileEntry | undefined
  #last: Promise<void>

  /** `path` is that of the manifest itself. */
  constructor(path: string, clock: Clock, log: Log) {
    this.#path = path
    this.#clock = clock
    this.#log = log
    this.#last = this.#load()
  }

  /** So many events were written, with these the first and the last of them. */
  wrote(
    file: { readonly path: string; readonly inode: number },
    events: number,
    first: WireEvent,
    last: WireEvent,
  ): void {
    const name = relative(dirname(this.#path), file.path)
    if (this.#current?.inode !== file.inode || this.#current.name !== name) this.#begin(name, file.inode, first)
    if (this.#current === undefined) return
    this.#current.events += events
    this.#current.last = markOf(last)
  }

  /** Nothing more is written to the file. */
  finish(reason: ClosingReason): void {
    const entry = this.#current
    this.#current = undefined
    if (entry === undefined) return
    const closed = this.#now()
    this.#then(() => this.#complete(entry, reason, closed))
  }

  /** Resolves once all that was told before is on disk. */
  settled(): Promise<void> {
    return this.#last
  }

  #begin(name: string, inode: number, first: WireEvent): void {
    this.finish('left')
    const facts = { closed: null, reason: null, last: null, lines: null, bytes: null, sha256: null }
    const entry: FileEntry = {
      name,
      state: 'open',
      inode,
      opened: this.#now(),
      events: 0,
      first: markOf(first),
      ...facts,
    }
    this.#current = entry
    this.#then(() => this.#takeUp(entry))
  }

  /** A file that is known goes on; what an earlier run left open besides is complete. */
  async #takeUp(entry: FileEntry): Promise<void> {
    const known = this.#files.find(({ name, inode }) => name === entry.name && inode === entry.inode)
    if (known !== undefined) {
      entry.opened = known.opened
      entry.first = known.first
      entry.events += known.events
    }
    const others = this.#files.filter(file => file !== known)
    this.#files = [...others, entry]
    for (const left of others) if (left.state === 'open') await this.#digest(left, 'left', null)
    await this.#save()
  }

  async #complete(entry: FileEntry, reason: ClosingReason, closed: string): Promise<void> {
    await this.#digest(entry, reason, closed)
    await this.#save()
  }

  /** `closed`: the time of the last change where it is not known. */
  async #digest(entry: FileEntry, reason: ClosingReason, closed: string | null): Promise<void> {
    const path = await findFile(join(dirname(this.#path), entry.name), entry.inode)
    if (path === undefined) {
      this.#files = this.#files.filter(file => file !== entry)
      return
    }
    const { changed, ...digest } = await digestOf(path)
    const name = relative(dirname(this.#path), path)
    Object.assign(entry, { name, state: 'complete', closed: closed ?? changed, reason, ...digest })
  }

  async #save(): Promise<void> {
    const there = await Promise.all(this.#files.map(({ name }) => isThere(join(dirname(this.#path), name))))
    this.#files = this.#files.filter((file, i) => file.state === 'open' || there[i]).slice(-MOST_FILES)
    const lines = this.#files.map(file => JSON.stringify(file)).join(',\n')
    const temporary = `${this.#path}.tmp`
    try {
      const handle = await open(temporary, 'w')
      await handle.writeFile(`{"version":1,"files":[\n${lines}\n]}\n`).finally(async () => {
        await handle.datasync()
        await handle.close()
      })
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw error
    }
  }

  async #load(): Promise<void> {
    const text = await readFile(this.#path, 'utf8').catch(() => undefined)
    if (text === undefined) return
    try {
      const { files } = JSON.parse(text) as { files: FileEntry[] }
      if (
        !Array.isArray(files) ||
        !files.every(({ name, inode }) => typeof name === 'string' && Number.isInteger(inode))
      )
        throw new Error('it has no list of files')
      this.#files = files
    } catch (error) {
      this.#log.warn('a manifest cannot be read and is begun anew; the old one is kept', {
        file: `${this.#path}.bad`,
        reason: (error as Error).message,
      })
      await rename(this.#path, `${this.#path}.bad`).catch(() => {})
    }
  }

  #then(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: Error) => {
      // It is written again, with all it should say, at the next change.
      this.#log.warn('a manifest cannot be written', { file: this.#path, reason: error.message })
    })
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString()
  }
}

const markOf = ({ id, sequence }: WireEvent): EventMark => ({ id, sequence })

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
