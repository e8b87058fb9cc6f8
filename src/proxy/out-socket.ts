import { familyOf } from '../sip/net/address.ts'
import type { Hop, ListenSocket } from '../sip/net/endpoint.ts'
import { type LocalAddress, localAddresses } from '../sip/net/local-addresses.ts'

/**
 * The socket to send from: `preferred` if it fits the hop's protocol and address family; else one on the same address;
 * else, with `mhomed`, one in the hop's network; else the first that fits. Null when none does.
 */
export function chooseSocket(
  sockets: readonly ListenSocket[],
  hop: Hop,
  preferred: ListenSocket | null,
  mhomed: boolean,
): ListenSocket | null {
  if (preferred !== null && !mhomed && isOfKind(preferred, hop)) return preferred
  const fitting = sockets.filter(socket => isOfKind(socket, hop))
  const near = mhomed ? fitting.find(socket => isNear(socket, hop.address)) : undefined
  if (near !== undefined) return near
  if (preferred !== null && isOfKind(preferred, hop)) return preferred
  return fitting.find(socket => socket.address === preferred?.address) ?? fitting[0] ?? null
}

/** Whether protocol and address family are the same. Both addresses are numeric. */
function isOfKind(socket: ListenSocket, hop: Hop): boolean {
  return socket.proto === hop.proto && socket.address.includes(':') === hop.address.includes(':')
}

/** The network of a socket's address; sockets keep their address, so it is looked up once. */
const networks = new WeakMap<ListenSocket, LocalAddress | null>()

function networkOf(socket: ListenSocket): LocalAddress | null {
  const known = networks.get(socket)
  if (known !== undefined) return known
  const found = localAddresses().find(candidate => candidate.address === socket.address) ?? null
  networks.set(socket, found)
  return found
}

/** Whether the remote address is in the network of the socket. */
function isNear(socket: ListenSocket, remote: string): boolean {
  const own = networkOf(socket)
  return own !== null && own.prefixBits >= 0 && isInNetwork(own, remote)
}

function isInNetwork(own: LocalAddress, remote: string): boolean {
  const a = bitsOf(own.address, own.family)
  const b = bitsOf(remote, own.family)
  const shift = BigInt((own.family === 4 ? 32 : 128) - own.prefixBits)
  return a !== null && b !== null && a >> shift === b >> shift
}

/** The address as a number, or null where it is of another family. */
function bitsOf(address: string, family: 4 | 6): bigint | null {
  if (familyOf(address) !== family) return null
  if (family === 4) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
  return ipv6Bits(address)
}

function ipv6Bits(address: string): bigint | null {
  if (address.includes('.') || address.includes('%')) return null
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const first = groups(head)
  const last = groups(tail)
  const middle = new Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...middle, ...last].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}
