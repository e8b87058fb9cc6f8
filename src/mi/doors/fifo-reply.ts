import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs'
import { Socket } from 'node:net'
import type { Clock } from '../../util/clock.ts'

const MAX_PATH_BYTES = 128
/** How often, and how far apart, a reply FIFO that nobody reads yet is tried again (mi_fifo reference). */
const RETRIES = 4
const RETRY_MS = 80
/** A reader that takes no more of its reply is given up on. */
const WRITE_TIMEOUT_MS = 10_000

/** Why a reply was dropped, for the log. */
export class FifoReplyError extends Error {
  override readonly name = 'FifoReplyError'
  readonly code = 'E_FIFO_REPLY'
}

/**
 * The path of a reply FIFO: directory and name put together, no separator added. Throws FifoReplyError for a name
 * that could lead out of the directory, and for a path over 128 bytes.
 */
export function replyPath(directory: string, name: string): string {
  if (/[./\\\0]/.test(name)) {
    throw new FifoReplyError(`reply name ${JSON.stringify(name)} holds ".", "/", "\\" or NUL, but must be a bare name`)
  }
  const path = directory + name
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new FifoReplyError(`reply path is longer than ${MAX_PATH_BYTES} bytes`)
  }
  return path
}

/**
 * Writes an answer to a reply FIFO and closes it. The target must be a FIFO with one name, not a link, and must
 * still be that when it is open: else a client could make the proxy write to a file of its choosing. Rejects with
 * FifoReplyError when the answer had to be dropped.
 */
export async function writeReply(path: string, text: string, clock: Clock): Promise<void> {
  let fd = openForWriting(path)
  for (let retry = 0; fd === null && retry < RETRIES; retry++) {
    await new Promise<void>(resolve => clock.after(RETRY_MS, resolve))
    fd = openForWriting(path)
  }
  if (fd === null) throw new FifoReplyError('nobody reads the reply FIFO')
  await writeAll(fd, text, clock)
}

/** A descriptor; null while the FIFO has no reader. */
function openForWriting(path: string): number | null {
  const before = inspect(path)
  const fd = openNonBlocking(path)
  if (fd === null) return null
  const after = fstatSync(fd)
  if (isLoneFifo(after) && after.ino === before.ino && after.dev === before.dev) return fd
  closeSync(fd)
  throw new FifoReplyError('the reply FIFO was replaced while it was opened')
}

function inspect(path: string): Stats {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new FifoReplyError('the reply FIFO does not exist')
  if (!isLoneFifo(stats)) throw new FifoReplyError('the reply target is not a FIFO, or it has several names')
  return stats
}

const isLoneFifo = (stats: Stats): boolean => stats.isFIFO() && stats.nlink === 1

function openNonBlocking(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null
    throw new FifoReplyError(`the reply FIFO cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

function writeAll(fd: number, text: string, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const pipe = new Socket({ fd, readable: false, writable: true })
    const giveUp = clock.after(WRITE_TIMEOUT_MS, () => pipe.destroy(new FifoReplyError('the reader stopped reading')))
    pipe.once('error', reject)
    pipe.once('close', () => {
      giveUp.clear()
      resolve()
    })
    pipe.end(text, () => pipe.destroy())
  })
}
