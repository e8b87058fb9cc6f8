import { type AdvertisedAddress, isSameSocket, ownAddress, sourceUri } from '../../proxy/own-address.ts'
import type { HeadersAtSend } from '../../proxy/proxy.ts'
import { escapeParam, escapeUser } from '../../sip/codec/uri.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'

export interface PathSettings extends AdvertisedAddress {
  /** '' for none. */
  readonly user: string
  /** Also tells where the registration came from. */
  readonly withReceived: boolean
  /** Two Paths where the registration leaves by another socket than it came in by: each side has its own. */
  readonly isDouble: boolean
}

/** The Path of a registration as it goes out, above those it has: `Path: <sip:user@host;lr;received=…>` (RFC 3327 §5.2). */
export function pathHeaders(settings: PathSettings): HeadersAtSend {
  return ({ socket }, m) => {
    const { user, withReceived, isDouble } = settings
    const arrival = m.origin.socket
    const name = user === '' ? '' : `${escapeUser(user)}@`
    const received = withReceived ? `;received=${escapeParam(sourceUri(m.origin))}` : ''
    const line = (side: ListenSocket, marker: string): string =>
      `Path: <sip:${name}${ownAddress(m, side, settings)};lr${received}${marker}>\r\n`
    if (!isDouble || isSameSocket(arrival, socket)) return line(arrival, '')
    return line(socket, ';r2=on') + line(arrival, ';r2=on')
  }
}
