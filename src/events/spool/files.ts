import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One open file. Offsets and sizes are bytes. Everything rejects with the system's error. */
export interface SpoolFile {
  /** Writes all of the pieces, one behind the other. Rejects when not all of it went in; then some of it may have. */
  write(pieces: readonly Buffer[], at: number): Promise<void>
  /** Fills the buffer as far as the file goes; gives the number of bytes. */
  read(into: Buffer, at: number): Promise<number>
  /** Resolves once what was written is on the disk. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** The folder of a spool, as far as a spool needs it. */
export interface SpoolFiles {
  list(): Promise<readonly string[]>
  /** Opens a file for reading and writing; `empty` creates it, or cuts it to nothing. */
  open(name: string, mode: 'existing' | 'empty'): Promise<SpoolFile>
  /** The whole of a small file; undefined when there is none. */
  load(name: string): Promise<Buffer | undefined>
  /** Puts a small file into place as a whole. */
  store(name: string, bytes: Buffer): Promise<void>
  remove(name: string): Promise<void>
}

class NodeFile implements SpoolFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(pieces: readonly Buffer[], at: number): Promise<void> {
    const bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    if (bytes === undefined) return
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done)
      if (bytesWritten === 0) throw new Error('the system wrote nothing')
      done += bytesWritten
    }
  }

  async read(into: Buffer, at: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, at)
    return bytesRead
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size)
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** A folder of the file system, created when missing. */
export async function spoolFolder(path: string): Promise<SpoolFiles> {
  await mkdir(path, { recursive: true, mode: 0o750 })
  const at = (name: string): string => join(path, name)
  return {
    list: () => readdir(path),
    open: async (name, mode) => {
      const flags = mode === 'empty' ? constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC : constants.O_RDWR
      return new NodeFile(await open(at(name), flags, 0o640))
    },
    load: async name => {
      try {
        return await readFile(at(name))
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
    store: async (name, bytes) => {
      await writeFile(at(`${name}.new`), bytes, { mode: 0o640 })
      await rename(at(`${name}.new`), at(name))
    },
    remove: name => rm(at(name), { force: true }),
  }
}

const isNotFound = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
