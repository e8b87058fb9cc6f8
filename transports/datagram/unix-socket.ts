import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'

/** What came of handing over a datagram: 0, or the system's error number. */
export type SendResult = number

/** Sends datagrams to unix sockets, which Node itself cannot. */
export interface UnixSocket {
  /** Never blocks. `target` comes from {@link unixTarget}. */
  send(bytes: Buffer, target: Buffer): SendResult
  close(): void
}

const AF_UNIX = 1
const SOCK_DGRAM = 2
const IS_DARWIN = process.platform === 'darwin'
// MSG_DONTWAIT; and on Linux MSG_NOSIGNAL, so that a broken peer raises no SIGPIPE.
const SEND_FLAGS = IS_DARWIN ? 0x80 : 0x40 | 0x4000

/** A `sockaddr_un` for this path. */
export function unixTarget(path: string): Buffer {
  const name = Buffer.from(`${path}\0`)
  const head = Buffer.alloc(2)
  // Darwin has one byte each for length and family, Linux two for the family.
  if (IS_DARWIN) head.set([2 + name.length, AF_UNIX])
  else head.writeUInt16LE(AF_UNIX)
  return Buffer.concat([head, name])
}

/** Opens a socket to send from. Throws where the system has none or the native library is missing. */
export function openUnixSocket(): UnixSocket {
  // Loaded here and not above: only those who use `unix:` need the native library.
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const libc = koffi.load(null)
  const socket = libc.func('int socket(int domain, int type, int protocol)')
  const sendto = libc.func(
    'intptr_t sendto(int fd, const uint8_t *bytes, size_t length, int flags, const uint8_t *target, uint32_t targetLength)',
  )
  const close = libc.func('int close(int fd)')
  const fd: number = socket(AF_UNIX, SOCK_DGRAM, 0)
  if (fd < 0) throw new Error(`cannot open a unix datagram socket: ${getSystemErrorName(-koffi.errno())}`)
  return {
    send: (bytes, target) => {
      const sent: number = sendto(fd, bytes, bytes.length, SEND_FLAGS, target, target.length)
      return sent < 0 ? koffi.errno() : 0
    },
    close: () => void close(fd),
  }
}
