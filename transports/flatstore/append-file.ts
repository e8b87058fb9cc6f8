import type { Stats } from 'node:fs'
import { type FileHandle, open, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import { DeliveryError } from '../../src/events/transport.ts'

/** A write that failed. `isTorn`: part of it is in the file and could not be taken back. */
export class WriteError extends DeliveryError {
  readonly isTorn: boolean
  constructor(message: string, isTorn: boolean, options?: ErrorOptions) {
    super('E_REFUSED', message, options)
    this.isTorn = isTorn
  }
}

/**
 * A file open for appending in which every write is whole or not there at all. The stream below does not see a short
 * write (a disk that fills up), so the size is read after each one through a handle of our own.
 */
export class AppendFile {
  readonly #stream: RotatingFileStream
  readonly #handle: FileHandle
  readonly path: string
  readonly inode: number
  #sizeBytes: number

  private constructor(path: string, stream: RotatingFileStream, handle: FileHandle, { ino, size }: Stats) {
    this.path = path
    this.inode = ino
    this.#stream = stream
    this.#handle = handle
    this.#sizeBytes = size
  }

  /** Opens or creates the file; `mode` is subject to the umask. Rejects with DeliveryError. */
  static async open(path: string, mode: number): Promise<AppendFile> {
    await checkPlace(path)
    const stream = createStream(path, { mode })
    try {
      await opened(stream)
      const handle = await open(path, 'r+')
      return new AppendFile(path, stream, handle, await handle.stat())
    } catch (error) {
      stream.destroy()
      throw fileError(path, error)
    }
  }

  /** Bytes in the file. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Appends the bytes; rejects with WriteError, after which the file is of no use and wants closing. */
  async write(bytes: Buffer): Promise<void> {
    let cause: unknown
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.write(bytes, error => (error ? reject(error) : resolve()))
      })
    } catch (error) {
      cause = error
    }
    const { size } = await this.#handle.stat()
    if (cause === undefined && size >= this.#sizeBytes + bytes.length) this.#sizeBytes = size
    else await this.#examine(bytes, size, cause)
  }

  /** The text at the beginning of the file, at most so many bytes of it. */
  async start(mostBytes: number): Promise<string> {
    const bytes = Buffer.alloc(Math.min(mostBytes, this.#sizeBytes))
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, 0)
    return bytes.toString('utf8', 0, bytesRead)
  }

  async close(): Promise<void> {
    await this.#handle.close()
    if (this.#stream.destroyed) return
    await new Promise<void>(resolve => {
      this.#stream.once('close', resolve)
      this.#stream.once('error', () => resolve())
      this.#stream.end()
    })
  }

  /** The file is smaller than it should be: either someone emptied it meanwhile, or the write was cut short. */
  async #examine(bytes: Buffer, size: number, cause: unknown): Promise<void> {
    if (cause === undefined && size < this.#sizeBytes + bytes.length && (await this.#endsWith(bytes, size))) {
      this.#sizeBytes = size
      return
    }
    const why = cause === undefined ? 'the disk is full (short write)' : messageOf(cause)
    throw new WriteError(`cannot write: ${why}`, !(await this.#takeBack(size)), { cause })
  }

  async #endsWith(bytes: Buffer, size: number): Promise<boolean> {
    if (size < bytes.length) return false
    const tail = Buffer.alloc(bytes.length)
    const { bytesRead } = await this.#handle.read(tail, 0, tail.length, size - bytes.length)
    return bytesRead === tail.length && tail.equals(bytes)
  }

  /** Removes what a failed write left behind. True when nothing of it is in the file. */
  async #takeBack(size: number): Promise<boolean> {
    if (size === this.#sizeBytes) return true
    if (size < this.#sizeBytes) return false
    try {
      await this.#handle.truncate(this.#sizeBytes)
      return true
    } catch {
      return false
    }
  }
}

/** Rejects with DeliveryError where a file at `path` cannot be written: no directory, no regular file, no space. */
export async function checkPlace(path: string): Promise<void> {
  try {
    const directory = await stat(dirname(path))
    if (!directory.isDirectory()) throw new Error(`${dirname(path)} is not a directory`)
    const file = await statOrNone(path)
    if (file !== undefined && !file.isFile()) throw new Error('it is not a regular file')
    if ((await statfs(dirname(path))).bavail === 0) throw new Error('the disk is full')
  } catch (error) {
    throw fileError(path, error)
  }
}

async function statOrNone(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function opened(stream: RotatingFileStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('open', () => resolve())
    // Stays for the life of the stream: what goes wrong later reaches the callback of the write it happened in.
    stream.on('error', reject)
  })
}

function fileError(path: string, error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  return new DeliveryError('E_NOT_CONNECTED', `cannot open ${path}: ${messageOf(error)}`, { cause: error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
