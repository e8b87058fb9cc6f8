import { isIP, SocketAddress } from 'node:net'
import type { Proto } from './endpoint.ts'

/** 4 or 6 for a textual IP address without brackets, 0 for anything else. */
export type Family = 0 | 4 | 6

/** Address family of a textual IP address; IPv6 without brackets, a zone (`%eth0`) allowed. */
export function familyOf(address: string): Family {
  return isIP(address) as Family
}

/** `[::1]` → `::1`; anything else as it is. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

/** The host as URIs and Via write it: IPv6 in brackets (RFC 3261 §25.1), without zone. */
export function bracketed(host: string): string {
  if (!host.includes(':') || host.startsWith('[')) return host
  const zone = host.indexOf('%')
  return `[${zone < 0 ? host : host.slice(0, zone)}]`
}

/** `host:port`, IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`
}

/** `udp:127.0.0.1:5060`, IPv6 in brackets: how sockets are written in scripts and logs. */
export function socketText(proto: Proto, host: string, port: number): string {
  return `${proto}:${hostPort(host, port)}`
}

/**
 * One spelling for every way to write a host: no brackets, lower case, IPv6 compressed (RFC 5952). Names stay names.
 */
export function canonicalHost(host: string): string {
  const plain = withoutBrackets(host)
  if (!plain.includes(':')) return plain.toLowerCase()
  if (isIP(plain) !== 6 || plain.includes('%')) return plain.toLowerCase()
  return new SocketAddress({ address: plain, family: 'ipv6' }).address
}

/**
 * Whether nothing may ever be sent there: the unspecified address, the limited broadcast address and multicast groups
 * (RFC 4475 §3.3.10). Directed broadcasts are refused by the kernel, since no socket asks for SO_BROADCAST.
 */
export function isRefusedDestination(address: string): boolean {
  if (isUnicastIpv4(address)) return false
  return mayNotBeSentTo(canonicalHost(address))
}

/** Whether it is an IPv4 address that begins with 1…223, as far as its first number tells: nearly all are. */
function isUnicastIpv4(address: string): boolean {
  let first = 0
  for (let i = 0; i < 4; i++) {
    const code = address.charCodeAt(i)
    if (code === 46) return first > 0 && first < 224
    if (code < 48 || code > 57) return false
    first = first * 10 + code - 48
  }
  return false
}

function mayNotBeSentTo(plain: string): boolean {
  if (plain.includes(':')) {
    if (plain.startsWith('::ffff:') && plain.includes('.')) return mayNotBeSentTo(plain.slice(7))
    return plain === '::' || plain.startsWith('ff')
  }
  const first = Number.parseInt(plain, 10)
  return plain === '255.255.255.255' || first === 0 || (first >= 224 && first <= 239)
}

/** Whether messages travel over connections with this protocol. */
export function isStream(proto: Proto): boolean {
  return proto !== 'udp'
}

/** A protocol name as Via or a transport parameter writes it, in any case; undefined for one unknown here. */
export function protoOf(name: string): Proto | undefined {
  switch (name.toLowerCase()) {
    case 'udp':
      return 'udp'
    case 'tcp':
      return 'tcp'
    case 'tls':
      return 'tls'
    case 'ws':
      return 'ws'
    case 'wss':
      return 'wss'
    default:
      return undefined
  }
}

/** A destination or socket as scripts write it: `host`, `host:port`, `proto:host:port`; port 0 where absent. */
export interface WrittenAddress {
  readonly proto: Proto | null
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

/** Reads `[proto:]host[:port]`, IPv6 in brackets. Undefined where it is something else. */
export function parseWrittenAddress(text: string): WrittenAddress | undefined {
  const match = /^(?:([a-z]+):)?(\[[0-9a-f:.%\w]+\]|[^\s:[\]@;?<>]+)(?::(\d{1,5}))?$/i.exec(text.trim())
  if (match === null) return plainIpv6(text.trim())
  const [, name, host = '', portText] = match
  const proto = name === undefined ? null : protoOf(name)
  // `localhost:5060` reads as host and port, `foo:bar` as nothing: foo is no protocol.
  if (proto === undefined) return portText === undefined && /^\d+$/.test(host) ? atPort(name ?? '', host) : undefined
  // `tcp:5060` is a host named tcp: no host is all digits.
  if (proto !== null && portText === undefined && /^\d+$/.test(host)) return atPort(name ?? '', host)
  return withPort(proto, withoutBrackets(host), portText)
}

function plainIpv6(text: string): WrittenAddress | undefined {
  return isIP(text) === 6 ? { proto: null, host: text, port: 0 } : undefined
}

function atPort(host: string, port: string): WrittenAddress | undefined {
  return withPort(null, host, port)
}

function withPort(proto: Proto | null, host: string, portText: string | undefined): WrittenAddress | undefined {
  const port = portText === undefined ? 0 : Number(portText)
  return port > 65535 ? undefined : { proto, host, port }
}
