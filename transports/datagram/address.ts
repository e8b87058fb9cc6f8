import { isIPv6 } from 'node:net'
import { portBetween } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** `udp:HOST:PORT`: a name, an IPv4 address, or an IPv6 address in brackets. */
export interface UdpAddress extends Address {
  readonly scheme: 'udp'
  /** Without brackets, lower case. */
  readonly host: string
  readonly port: number
}

/** `unix:PATH`: a datagram socket. */
export interface UnixAddress extends Address {
  readonly scheme: 'unix'
  readonly path: string
}

/** Longest path of a unix socket in bytes (sun_path of Linux without its closing NUL). */
export const MAX_UNIX_PATH_BYTES = 107

/** Parses what follows `udp:`. Throws AddressError. */
export function parseUdp(rest: string): UdpAddress {
  const bracketed = rest.startsWith('[')
  const hostEnd = bracketed ? rest.indexOf(']') + 1 : rest.indexOf(':')
  if (hostEnd <= 0) throw new AddressError(`expected HOST:PORT, found "${rest}"`, rest, 0)
  const host = rest.slice(bracketed ? 1 : 0, bracketed ? hostEnd - 1 : hostEnd).toLowerCase()
  if (bracketed && !isIPv6(host)) throw new AddressError(`"${host}" is not an IPv6 address`, rest, 1)
  if (host === '' || /[\s/@]/.test(host)) throw new AddressError(`"${host}" is not a host name`, rest, 0)
  if (rest[hostEnd] !== ':') throw new AddressError('expected ":" and a port after the host', rest, hostEnd)
  const port = portBetween(rest, hostEnd + 1, rest.length)
  const text = `udp:${bracketed ? `[${host}]` : host}:${port}`
  return { scheme: 'udp', text, key: text, host, port }
}

/** Parses what follows `unix:`. Throws AddressError. */
export function parseUnix(rest: string): UnixAddress {
  const bytes = Buffer.byteLength(rest)
  if (bytes === 0) throw new AddressError('expected the path of a datagram socket, found nothing', rest, 0)
  if (bytes > MAX_UNIX_PATH_BYTES)
    throw new AddressError(`the path has ${bytes} bytes; the system allows ${MAX_UNIX_PATH_BYTES}`, rest, 0)
  const nul = rest.indexOf('\0')
  if (nul >= 0) throw new AddressError('the path holds a NUL', rest, nul)
  const text = `unix:${rest}`
  return { scheme: 'unix', text, key: text, path: rest }
}
