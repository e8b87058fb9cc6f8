import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { AddressError } from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import type { Clock, Timer } from '../../src/util/clock.ts'
import { FlatFile, type FlatFileOptions, type LineForm } from './flat-file.ts'
import { Manifest } from './manifest.ts'

export interface FlatFilesOptions extends FlatFileOptions {
  readonly log: Log
  /** Most files at a time. */
  readonly maxFiles: number
  /** A manifest is kept beside the files of each path. */
  readonly hasManifest: boolean
}

interface Entry {
  readonly file: FlatFile
  readonly format: string
  users: number
}

/** Every file of the flat store by its absolute path, however many subscriptions share it. */
export class FlatFiles {
  readonly #options: FlatFilesOptions
  readonly #entries = new Map<string, Entry>()
  /** They outlive the files: two of one path would undo what the other wrote. */
  readonly #manifests = new Map<string, Manifest>()

  constructor(options: FlatFilesOptions) {
    this.#options = options
  }

  /** The file for this path. Throws AddressError where it could not be written or would be one file too many. */
  acquire(path: string, format: string, form: LineForm): FlatFile {
    const absolute = resolve(path)
    const known = this.#entries.get(absolute)
    if (known !== undefined) {
      if (known.format !== format)
        throw new AddressError(`the file is written as ${known.format} already, by another subscription`, path, 0)
      known.users++
      return known.file
    }
    const { maxFiles } = this.#options
    if (this.#entries.size >= maxFiles)
      throw new AddressError(`there are ${maxFiles} files already (max_open_sockets)`, path, 0)
    refuseUnwritable(path, absolute)
    const file = new FlatFile(absolute, form, this.#options, this.#manifestOf(absolute))
    this.#entries.set(absolute, { file, format, users: 1 })
    return file
  }

  #manifestOf(path: string): Manifest | undefined {
    const { clock, log, hasManifest } = this.#options
    if (!hasManifest) return undefined
    const manifest = this.#manifests.get(path) ?? new Manifest(`${path}.manifest`, clock, log)
    this.#manifests.set(path, manifest)
    return manifest
  }

  async release(file: FlatFile): Promise<void> {
    const entry = this.#entries.get(file.path)
    if (entry === undefined || entry.file !== file) return
    entry.users--
    if (entry.users > 0) return
    this.#entries.delete(file.path)
    await file.close()
  }

  find(path: string): FlatFile | undefined {
    return this.#entries.get(resolve(path))?.file
  }

  all(): FlatFile[] {
    return [...this.#entries.values()].map(entry => entry.file)
  }
}

/** Rotates every file whenever Unix time is a multiple of the period. */
export function rotateEvery(periodS: number, clock: Clock, files: FlatFiles): Timer {
  const periodMs = periodS * 1000
  const periodNow = () => Math.floor(clock.nowMs() / periodMs)
  let current = periodNow()
  let timer = clock.after(periodMs - (clock.nowMs() % periodMs), function due() {
    if (periodNow() !== current) for (const file of files.all()) void file.rotate('period')
    current = periodNow()
    timer = clock.after(periodMs - (clock.nowMs() % periodMs), due)
  })
  return { clear: () => timer.clear() }
}

function refuseUnwritable(path: string, absolute: string): void {
  const existing = statSync(absolute, { throwIfNoEntry: false })
  if (existing !== undefined && !existing.isFile())
    throw new AddressError(existing.isDirectory() ? 'the path is a directory' : 'the path is no regular file', path, 0)
  const directory = statSync(dirname(absolute), { throwIfNoEntry: false })
  if (!directory?.isDirectory()) throw new AddressError(`there is no directory ${dirname(absolute)}`, path, 0)
  const needed = existing === undefined ? dirname(absolute) : absolute
  try {
    accessSync(needed, existing === undefined ? constants.W_OK | constants.X_OK : constants.W_OK)
  } catch (error) {
    throw new AddressError(`no permission to write ${needed} (${(error as NodeJS.ErrnoException).code})`, path, 0)
  }
}
