import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import { hostPort } from '../../sip/net/address.ts'
import type { Destination } from './destination.ts'

/** Finds socket and addresses of destinations. Calls `done` when the last name has been looked up. */
export function locate(
  destinations: readonly Destination[],
  proxy: Pick<SipProxy, 'findSocket' | 'resolve'>,
  log: Log,
  done: () => void,
): void {
  const waiting = destinations.flatMap(destination => {
    takeSocket(destination, proxy, log)
    const hops = proxy.resolve(destination.uri)
    if (!(hops instanceof Promise)) {
      destination.addresses = hops
      return []
    }
    const found = hops.then(
      addresses => {
        destination.addresses = addresses
      },
      (error: unknown) => log.warn('a destination cannot be resolved', { uri: destination.uri, reason: String(error) }),
    )
    return [found]
  })
  if (waiting.length === 0) done()
  else void Promise.all(waiting).then(done)
}

function takeSocket(destination: Destination, proxy: Pick<SipProxy, 'findSocket'>, log: Log): void {
  const { socketText, uri } = destination.data
  if (socketText === null) return
  destination.socket = proxy.findSocket(socketText) ?? null
  if (destination.socket === null)
    log.warn('the socket of a destination is not one of ours; it is ignored', { uri, socket: socketText })
}

/** `address:port` of each address, once. */
export function addressTexts({ addresses }: Destination): readonly string[] {
  return [...new Set(addresses.map(({ address, port }) => hostPort(address, port)))]
}
