import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { codeAt } from '../codec/chars.ts'

/** A datagram and the IPv4 address it came from. */
export interface Datagram {
  readonly bytes: Buffer
  readonly address: string
  readonly port: number
}

/** What a descriptor is opened with. */
export interface DescriptorOptions {
  /** Numeric IPv4 address. */
  readonly address: string
  readonly port: number
  readonly reusePort: boolean
  /** Receive buffer to ask for, bytes; 0 leaves the kernel's default. */
  readonly receiveBufferBytes: number
}

/** Most datagrams that one system call takes in. */
export const MOST_AT_ONCE = 16
const DATAGRAM_BYTES = 65_536
/** Small enough that a message that is kept for long does not keep much else. */
const SLAB_BYTES = 32_768

// Linux, 64 bits.
const AF_INET = 2
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0x800
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_REUSEPORT = 15
const SO_RCVBUFFORCE = 33
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
/** `sockaddr_in`. */
const ADDRESS_BYTES = 16
/** Where the last byte of the address stands in it. */
const LAST_BYTE = 7
const DOT = 0x2e
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
/** `mmsghdr` and the places in it; `iovec`. */
const HEADER_BYTES = 64
const Header = { name: 0, nameLength: 8, vectors: 16, vectorCount: 24, received: 56 } as const
const VECTOR_BYTES = 16

type SystemCalls = ReturnType<typeof loadCalls>

function loadCalls() {
  // Loaded here and not above: where it is not to be had, Node's own module does.
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const system = koffi.load(null)
  return {
    socket: system.func('int socket(int, int, int)'),
    setsockopt: system.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
    bind: system.func('int bind(int, const uint8_t *, uint32_t)'),
    sendto: system.func('intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)'),
    recvmmsg: system.func('int recvmmsg(int, uint8_t *, uint32_t, int, void *)'),
    close: system.func('int close(int)'),
    errno: () => koffi.errno(),
    addressOf: (bytes: Buffer) => koffi.address(bytes),
  }
}

/** The system calls and the room that all sockets of the process take in datagrams with, one after the other. */
interface Shared {
  readonly calls: SystemCalls
  readonly inbox: Inbox
}
let shared: Shared | null | undefined

function openShared(): Shared | null {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return null
  try {
    const calls = loadCalls()
    return { calls, inbox: new Inbox(calls) }
  } catch {
    return null
  }
}

/**
 * An IPv4 UDP socket by its descriptor. Node's own module waits for it (`bind({ fd })`) and closes it; what is sent, and what
 * came together with a datagram that Node has handed over, takes the short way, without an object and a callback each.
 */
export class UdpDescriptor {
  readonly fd: number
  readonly #calls: SystemCalls
  readonly #target = Buffer.alloc(ADDRESS_BYTES)
  readonly #inbox: Inbox

  private constructor(calls: SystemCalls, fd: number, inbox: Inbox) {
    this.#calls = calls
    this.fd = fd
    this.#inbox = inbox
    this.#target.writeUInt16LE(AF_INET)
  }

  /** Opens and binds one; null where the system calls are not known or not to be had. Throws the system's error. */
  static open(options: DescriptorOptions): UdpDescriptor | null {
    if (shared === undefined) shared = openShared()
    if (shared === null) return null
    const { calls, inbox } = shared
    const fd: number = calls.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (fd < 0) throw systemError(calls, 'socket')
    const descriptor = new UdpDescriptor(calls, fd, inbox)
    if (options.reusePort) descriptor.#set(SO_REUSEPORT, 1)
    const { receiveBufferBytes, address, port } = options
    // Who may, has more than the system's limit for everybody (net.core.rmem_max).
    if (receiveBufferBytes > 0 && !descriptor.#set(SO_RCVBUFFORCE, receiveBufferBytes))
      descriptor.#set(SO_RCVBUF, receiveBufferBytes)
    if (descriptor.#address(address, port) && calls.bind(fd, descriptor.#target, ADDRESS_BYTES) === 0) return descriptor
    const error = systemError(calls, 'bind', ` ${address}:${port}`)
    calls.close(fd)
    throw error
  }

  /** Sends a datagram without waiting. Gives 0, or the system's error number. */
  send(bytes: Buffer, address: string, port: number): number {
    if (!this.#address(address, port)) return constants.errno.EAFNOSUPPORT
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL
    const sent: number = this.#calls.sendto(this.fd, bytes, bytes.length, flags, this.#target, ADDRESS_BYTES)
    return sent < 0 ? this.#calls.errno() : 0
  }

  /** Hands over what has come, at most {@link MOST_AT_ONCE} datagrams, and gives how many they were. */
  receive(take: (datagram: Datagram) => void): number {
    return this.#inbox.fill(this.fd, take)
  }

  #set(option: number, value: number): boolean {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(Math.min(value, 0x3fffffff))
    return this.#calls.setsockopt(this.fd, SOL_SOCKET, option, bytes, bytes.length) === 0
  }

  /** Makes this the target. False: it is no IPv4 address. */
  #address(address: string, port: number): boolean {
    const target = this.#target
    target[2] = port >>> 8
    target[3] = port & 0xff
    let at = 4
    let byte = 0
    const { length } = address
    for (let i = 0; i < length; i++) {
      const code = codeAt(address, i)
      if (code === DOT && at < LAST_BYTE) {
        target[at++] = byte
        byte = 0
      } else if (code >= DIGIT_0 && code <= DIGIT_9) byte = byte * 10 + code - DIGIT_0
      else return false
    }
    target[LAST_BYTE] = byte
    return at === LAST_BYTE
  }
}

/**
 * Room for the datagrams of one system call. Its parts are larger than what the runtime keeps among its own objects, which it
 * moves: the addresses in them stay true.
 */
class Inbox {
  readonly #calls: SystemCalls
  readonly #headers = Buffer.alloc(MOST_AT_ONCE * HEADER_BYTES)
  readonly #vectors = Buffer.alloc(MOST_AT_ONCE * VECTOR_BYTES)
  readonly #addresses = Buffer.alloc(MOST_AT_ONCE * ADDRESS_BYTES)
  readonly #room = Buffer.allocUnsafeSlow(MOST_AT_ONCE * DATAGRAM_BYTES)
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #used = 0

  constructor(calls: SystemCalls) {
    this.#calls = calls
    const [vectors, addresses, room] = [this.#vectors, this.#addresses, this.#room].map(calls.addressOf)
    for (let n = 0; n < MOST_AT_ONCE; n++) {
      const at = n * HEADER_BYTES
      this.#vectors.writeBigUInt64LE(placeIn(room, n * DATAGRAM_BYTES), n * VECTOR_BYTES)
      this.#vectors.writeUInt32LE(DATAGRAM_BYTES, n * VECTOR_BYTES + 8)
      this.#headers.writeBigUInt64LE(placeIn(addresses, n * ADDRESS_BYTES), at + Header.name)
      this.#headers.writeUInt32LE(ADDRESS_BYTES, at + Header.nameLength)
      this.#headers.writeBigUInt64LE(placeIn(vectors, n * VECTOR_BYTES), at + Header.vectors)
      this.#headers.writeUInt32LE(1, at + Header.vectorCount)
    }
  }

  fill(fd: number, take: (datagram: Datagram) => void): number {
    const count: number = this.#calls.recvmmsg(fd, this.#headers, MOST_AT_ONCE, MSG_DONTWAIT, null)
    for (let n = 0; n < count; n++) {
      const length = this.#headers.readUInt32LE(n * HEADER_BYTES + Header.received)
      const at = n * ADDRESS_BYTES
      const from = this.#addresses
      const address = `${from[at + 4]}.${from[at + 5]}.${from[at + 6]}.${from[at + 7]}`
      take({ bytes: this.#keep(n * DATAGRAM_BYTES, length), address, port: from.readUInt16BE(at + 2) })
    }
    return Math.max(0, count)
  }

  /** A copy, of its own size: the room is for the next ones. */
  #keep(from: number, length: number): Buffer {
    if (length > SLAB_BYTES / 4) return Buffer.from(this.#room.subarray(from, from + length))
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += length
    this.#room.copy(this.#slab, start, from, from + length)
    return this.#slab.subarray(start, this.#used)
  }
}

const placeIn = (start: bigint | undefined, offset: number): bigint => (start ?? 0n) + BigInt(offset)

/** As Node words it: `bind EADDRINUSE 127.0.0.1:5060`. */
function systemError(calls: SystemCalls, call: string, where = ''): Error {
  const code = getSystemErrorName(-calls.errno())
  return Object.assign(new Error(`${call} ${code}${where}`), { code })
}
