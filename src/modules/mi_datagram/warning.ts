import { parseDatagramAddress } from '../../mi/doors/datagram.ts'
import { exposureWarning } from '../../mi/doors/exposure.ts'

/**
 * What is unsafe about this `socket_name`, as a sentence; null when nothing is. Datagrams carry no credentials, so
 * only an address of this machine is safe. Throws when `socket_name` is not readable.
 */
export function datagramWarning(socketName: string): string | null {
  const address = parseDatagramAddress(socketName)
  if (address.kind === 'unix') return null
  return exposureWarning({
    door: 'mi_datagram',
    host: address.host,
    port: address.port,
    authenticated: false,
    remedy: 'set socket_name to udp:127.0.0.1:port or to the path of a unix socket',
  })
}
