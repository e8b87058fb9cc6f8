import { BlockList, isIP } from 'node:net'

/** Where a management door listens, as far as its safety goes. */
export interface DoorExposure {
  /** The door in the words of the script: `httpd`, `mi_datagram`. */
  readonly door: string
  /** Address or host name it listens on; '' or `*` for all. */
  readonly host: string
  readonly port: number
  /** Whether it asks for a name and password. */
  readonly authenticated: boolean
  /** What to set to be safe again. */
  readonly remedy: string
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether only this machine reaches the address. A name other than `localhost` counts as reachable by others. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * What is wrong with a management door that anyone on the network may use, as a sentence for the log or for
 * `fanfare check`; null when nothing is.
 */
export function exposureWarning({ door, host, port, authenticated, remedy }: DoorExposure): string | null {
  if (authenticated || isLoopback(host)) return null
  const where = host === '' || host === '*' ? `port ${port} of all addresses` : `${host} port ${port}`
  return `${door} offers every management command on ${where} without asking for a password: ${remedy}`
}
