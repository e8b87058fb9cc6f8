import { getSystemErrorName } from 'node:util'
import koffi from 'koffi'

/**
 * The system calls of unix datagram sockets, which Node's own modules do not offer. Layouts are those of 64-bit Linux
 * and macOS.
 */

const mac = process.platform === 'darwin'
const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = mac ? 0x80 : 0x40
const POLLIN = 1
/** Bytes of `sun_path`, its final NUL included. */
const PATH_BYTES = mac ? 104 : 108
/** `sun_path` stands behind two bytes of family (and, on macOS, length). */
const PATH_OFFSET = 2

const system = koffi.load(null)
const calls = {
  socket: system.func('int socket(int, int, int)'),
  bind: system.func('int bind(int, const uint8_t *, uint32_t)'),
  poll: system.func('int poll(uint8_t *, uintptr_t, int)'),
  recvfrom: system.func('intptr_t recvfrom(int, uint8_t *, size_t, int, uint8_t *, uint8_t *)'),
  sendto: system.func('intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)'),
  close: system.func('int close(int)'),
}

/** A datagram and the path its sender is bound to; '' when it is bound to none. */
export interface UnixDatagram {
  readonly bytes: Buffer
  readonly from: string
}

/** Makes a socket bound to a path and gives its descriptor. Throws an Error with the system's code. */
export function bindUnix(path: string): number {
  const address = encodeAddress(path)
  const fd: number = calls.socket(AF_UNIX, SOCK_DGRAM, 0)
  if (fd < 0) throw systemError('socket')
  if (calls.bind(fd, address, address.length) === 0) return fd
  const error = systemError(`bind to ${path}`)
  calls.close(fd)
  throw error
}

export function closeUnix(fd: number): void {
  calls.close(fd)
}

/** Waits, blocking the thread, until there is a datagram to take; false when the time is over. */
export function awaitUnix(fd: number, timeoutMs: number): boolean {
  const request = Buffer.alloc(8)
  request.writeInt32LE(fd, 0)
  request.writeInt16LE(POLLIN, 4)
  return calls.poll(request, 1, timeoutMs) > 0
}

/** Takes a waiting datagram; null when there is none. What does not fit the buffer is lost. */
export function receiveUnix(fd: number, buffer: Buffer): UnixDatagram | null {
  const address = Buffer.alloc(PATH_OFFSET + PATH_BYTES)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(address.length)
  const count = Number(calls.recvfrom(fd, buffer, buffer.length, MSG_DONTWAIT, address, length))
  if (count < 0) return null
  return { bytes: Buffer.from(buffer.subarray(0, count)), from: decodeAddress(address, length.readUInt32LE()) }
}

/** Sends one datagram without waiting. Throws an Error with the system's code: ENOENT, ECONNREFUSED, EAGAIN … */
export function sendUnix(fd: number, bytes: Buffer, path: string): void {
  const address = encodeAddress(path)
  const sent = Number(calls.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length))
  if (sent < 0) throw systemError(`send to ${path}`)
}

/** A leading NUL, which names a Linux abstract address, is kept. */
function encodeAddress(path: string): Buffer {
  const name = Buffer.from(path)
  if (name.length >= PATH_BYTES) throw new Error(`socket path "${path}" is longer than ${PATH_BYTES - 1} bytes`)
  const address = Buffer.alloc(PATH_OFFSET + name.length + (path.startsWith('\0') ? 0 : 1))
  if (mac) address.writeUInt8(address.length, 0)
  if (mac) address.writeUInt8(AF_UNIX, 1)
  else address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, PATH_OFFSET)
  return address
}

function decodeAddress(address: Buffer, length: number): string {
  const name = address.toString('utf8', PATH_OFFSET, Math.min(Math.max(length, PATH_OFFSET), address.length))
  const end = name.indexOf('\0', 1)
  return end < 0 ? name : name.slice(0, end)
}

function systemError(what: string): Error {
  const number = koffi.errno()
  const code = getSystemErrorName(-number)
  return Object.assign(new Error(`${what}: ${code}`), { code })
}
