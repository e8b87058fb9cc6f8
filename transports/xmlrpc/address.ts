import { portBetween } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** Where the calls of an `xmlrpc:` socket go. */
export interface XmlRpcAddress extends Address {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly method: string
}

const DEFAULT_PATH = '/RPC2'

/**
 * Parses what follows `xmlrpc:`: `host:port[path]:method`. The path begins with `/`, holds no `:` and is `/RPC2` when
 * absent; an IPv6 address stands in brackets; the method is all that follows. Throws AddressError.
 */
export function parseXmlRpcAddress(rest: string): XmlRpcAddress {
  const hostEnd = endOfHost(rest)
  const host = rest.startsWith('[') ? rest.slice(1, hostEnd - 1) : rest.slice(0, hostEnd)
  if (host === '') throw new AddressError('expected a host name or address', rest, 0)
  if (/[^\x21-\x7e]|[/@]/.test(host)) throw new AddressError(`"${host}" is no host name or address`, rest, 0)
  const methodColon = rest.indexOf(':', hostEnd + 1)
  if (methodColon < 0) throw new AddressError('expected ":" and a method after the port or path', rest, rest.length)
  const slash = rest.indexOf('/', hostEnd + 1)
  const portEnd = slash < 0 || slash > methodColon ? methodColon : slash
  const port = portBetween(rest, hostEnd + 1, portEnd)
  const path = portEnd === methodColon ? DEFAULT_PATH : rest.slice(portEnd, methodColon)
  if (/[^\x21-\x7e]/.test(path))
    throw new AddressError('blanks and non-ASCII characters of a path are written %XX', rest, portEnd)
  const method = rest.slice(methodColon + 1)
  if (method === '') throw new AddressError('expected the name of a method', rest, rest.length)
  const printedHost = host.includes(':') ? `[${host}]` : host
  const printedPath = path === DEFAULT_PATH ? '' : path
  const text = `xmlrpc:${printedHost}:${port}${printedPath}:${method}`
  return { scheme: 'xmlrpc', text, key: text, host, port, path, method }
}

/** Offset of the colon before the port. */
function endOfHost(rest: string): number {
  const from = rest.startsWith('[') ? rest.indexOf(']') + 1 : 0
  if (rest.startsWith('[') && from === 0)
    throw new AddressError('expected "]" after the IPv6 address', rest, rest.length)
  const colon = rest.indexOf(':', from)
  if (colon < 0) throw new AddressError('expected ":" and a port after the host', rest, rest.length)
  if (from > 0 && colon !== from) throw new AddressError('expected ":" after "]"', rest, from)
  return colon
}
