import type { Log } from '../log/log.ts'
import { hostPort } from '../sip/net/address.ts'
import type { Hop, ListenSocket } from '../sip/net/endpoint.ts'
import type { SipProxy } from './proxy.ts'

/** A destination of a table, and where it is found to be. */
export interface Located {
  readonly uri: string
  /** Socket to send from, as written. */
  readonly socketText: string | null
  socket: ListenSocket | null
  addresses: readonly Hop[]
}

type Resolver = Pick<SipProxy, 'findSocket' | 'resolve'>

/** Finds socket and addresses of destinations. Calls `done` when the last name has been looked up. */
export function locate(destinations: readonly Located[], proxy: Resolver, log: Log, done: () => void): void {
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
      (error: unknown) =>
        log
          .often(destination.uri)
          .warn('a destination cannot be resolved', { uri: destination.uri, reason: String(error) }),
    )
    return [found]
  })
  if (waiting.length === 0) done()
  else void Promise.all(waiting).then(done)
}

function takeSocket(destination: Located, proxy: Pick<SipProxy, 'findSocket'>, log: Log): void {
  const { socketText, uri } = destination
  if (socketText === null) return
  destination.socket = proxy.findSocket(socketText) ?? null
  if (destination.socket === null)
    log.warn('the socket of a destination is not one of ours; it is ignored', { uri, socket: socketText })
}

/** Whether a destination is reached at this address; port 0 stands for every port. */
export function isAt({ addresses }: Pick<Located, 'addresses'>, address: string, port: number): boolean {
  return addresses.some(hop => hop.address === address && (port === 0 || hop.port === port))
}

/** `address:port` of each address, once. */
export function addressTexts({ addresses }: Pick<Located, 'addresses'>): readonly string[] {
  return [...new Set(addresses.map(({ address, port }) => hostPort(address, port)))]
}
