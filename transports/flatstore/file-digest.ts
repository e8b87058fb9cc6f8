import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What is in a file, by reading it. */
export interface FileDigest {
  /** Line ends. */
  readonly lines: number
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string
  /** Time of the last change, RFC 3339. */
  readonly changed: string
}

/** Read at a time: little enough that to count and to hash it holds nobody up. */
const CHUNK_BYTES = 65_536
const LINE_FEED = 10

/** Waits until the file is on disk, and reads it. Rejects where it cannot be read. */
export async function digestOf(path: string): Promise<FileDigest> {
  const handle = await open(path, 'r')
  try {
    await handle.datasync()
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let [lines, bytes] = [0, 0]
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, bytes)
      if (bytesRead === 0) break
      const part = chunk.subarray(0, bytesRead)
      hash.update(part)
      for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) lines++
      bytes += bytesRead
    }
    const { mtime } = await handle.stat()
    return { lines, bytes, sha256: hash.digest('hex'), changed: mtime.toISOString() }
  } finally {
    await handle.close()
  }
}

/** Where the file with this inode is: at its path, or under another name in its folder. Undefined when it is neither. */
export async function findFile(path: string, inode: number): Promise<string | undefined> {
  if ((await inodeOf(path)) === inode) return path
  const names = await readdir(dirname(path)).catch(() => [])
  for (const name of names) {
    const other = join(dirname(path), name)
    if ((await inodeOf(other)) === inode) return other
  }
  return undefined
}

const inodeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  )
