import type { RouteContext } from '../script/context.ts'
import { bracketed, hostPort } from '../sip/net/address.ts'
import type { ListenSocket, Origin } from '../sip/net/endpoint.ts'

/** What the whole proxy shows instead of its sockets' addresses (`advertised_address`, `advertised_port`). */
export interface AdvertisedAddress {
  readonly advertisedHost: string | undefined
  readonly advertisedPort: number | undefined
}

/**
 * Host and port of a socket of ours as URIs made for a message show it: the port where it is not the default, and the
 * transport as a parameter where it is not UDP.
 */
export function ownAddress(m: RouteContext, socket: ListenSocket, shown: AdvertisedAddress): string {
  const host = m.advertisedHost ?? socket.advertisedHost ?? shown.advertisedHost ?? socket.address
  const port = m.advertisedPort ?? socket.advertisedPort ?? shown.advertisedPort ?? socket.port
  const isDefault = port === (socket.proto === 'tls' ? 5061 : 5060) && !socket.proto.startsWith('ws')
  return `${bracketed(host)}${isDefault ? '' : `:${port}`}${socket.proto === 'udp' ? '' : `;transport=${socket.proto}`}`
}

/** Whether two sockets are the same protocol, address and port. */
export function isSameSocket(a: ListenSocket, b: ListenSocket): boolean {
  return a === b || (a.proto === b.proto && a.address === b.address && a.port === b.port)
}

/** Where a message came from, as a URI: `sip:address:port`, with the transport where it is not UDP. */
export function sourceUri({ address, port, proto }: Origin): string {
  return `sip:${hostPort(address, port)}${proto === 'udp' ? '' : `;transport=${proto}`}`
}
