import type { SipProxy } from '../proxy/proxy.ts'
import type { AliasDefinition, SocketDefinition } from '../script/sockets.ts'
import type { Proto } from '../sip/net/endpoint.ts'
import type { SocketDefinition as NetSocket } from '../sip/net/socket-definition.ts'

/** Protocols there are listeners for. */
const AVAILABLE: ReadonlySet<string> = new Set<Proto>(['udp', 'tcp'])

/** What 2.x listens on when the script names no socket. */
const EVERYWHERE: NetSocket = { proto: 'udp', host: '*', port: 5060 }

/** The sockets of a script as the network opens them, one for each port. Throws an Error for a protocol that is not available. */
export function socketsToOpen(definitions: readonly SocketDefinition[]): readonly NetSocket[] {
  if (definitions.length === 0) return [EVERYWHERE]
  return definitions.flatMap(definition => {
    const { proto, host, ports, advertised, tag, flags } = definition
    if (!isAvailable(proto))
      throw new Error(
        `socket ${proto}:${host}: the protocol ${proto} is not available, expected ${[...AVAILABLE].join(' or ')}`,
      )
    return ports.map(port => ({
      proto,
      host,
      port,
      advertisedHost: advertised?.host ?? null,
      advertisedPort: advertised?.port ?? null,
      tag,
      reusePort: flags.has('reuse_port'),
    }))
  })
}

const isAvailable = (proto: string): proto is Proto => AVAILABLE.has(proto)

/** Tells the proxy the names it goes by beside its sockets. */
export function addAliases(proxy: Pick<SipProxy, 'addAlias'>, aliases: readonly AliasDefinition[]): void {
  for (const { host, port, acceptSubdomain } of aliases) proxy.addAlias(host, port ?? 0, acceptSubdomain)
}
