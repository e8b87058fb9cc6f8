import { lookup } from 'node:dns/promises'
import { canonicalHost, type Family, familyOf, withoutBrackets } from './address.ts'
import { DEFAULT_PORT, type Proto } from './endpoint.ts'
import { interfaceAddresses, localAddresses } from './local-addresses.ts'

/** One `socket=` or `listen=` of the script, with one port; lists of ports are expanded by the caller. */
export interface SocketDefinition {
  readonly proto: Proto
  /** `*`, an address, the name of an interface or a host name. */
  readonly host: string
  /** null: the protocol's default; 0: a free one. */
  readonly port: number | null
  readonly advertisedHost?: string | null
  readonly advertisedPort?: number | null
  readonly tag?: string | null
  readonly reusePort?: boolean
}

/** The addresses and the port a definition stands for. */
export interface BoundTo {
  readonly addresses: readonly string[]
  readonly port: number
}

/**
 * Finds what to bind to. `*` and the unspecified addresses give every local address, since a socket must have one to show
 * in Via. Rejects with an Error that names the host when it stands for no address.
 */
export async function resolveDefinition(definition: SocketDefinition): Promise<BoundTo> {
  const addresses = await addressesOf(withoutBrackets(definition.host))
  return { addresses, port: definition.port ?? DEFAULT_PORT[definition.proto] }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (host === '*') return every(0)
  if (host === '0.0.0.0') return every(4)
  if (host === '::') return every(6)
  if (familyOf(host) !== 0) return [canonicalHost(host)]
  const ofInterface = interfaceAddresses(host)
  if (ofInterface.length > 0) return ofInterface
  try {
    return [(await lookup(host)).address]
  } catch (error) {
    throw new Error(`socket host "${host}" is no address, no interface of this machine and no name DNS knows`, {
      cause: error,
    })
  }
}

function every(family: Family): readonly string[] {
  return localAddresses(family).map(local => local.address)
}
