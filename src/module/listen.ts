import { lookupService } from 'node:dns/promises'
import type { BinAddress } from '../cluster/node-info.ts'
import type { SipProxy } from '../proxy/proxy.ts'
import type { AliasDefinition, SocketDefinition } from '../script/sockets.ts'
import { familyOf } from '../sip/net/address.ts'
import type { ListenSocket, Proto } from '../sip/net/endpoint.ts'
import type { SocketDefinition as NetSocket } from '../sip/net/socket-definition.ts'

/** Protocols there are listeners for. */
const AVAILABLE: ReadonlySet<string> = new Set<Proto>(['udp', 'tcp', 'tls', 'ws', 'wss'])

/** Sockets that are not for SIP: nodes of a cluster reach each other there. */
const BIN = 'bin'

/** What 2.x listens on when the script names no socket. */
const EVERYWHERE: NetSocket = { proto: 'udp', host: '*', port: 5060 }

/** The sockets of a script as the network opens them, one for each port. Throws an Error for a protocol that is not available. */
export function socketsToOpen(definitions: readonly SocketDefinition[]): readonly NetSocket[] {
  const sip = definitions.filter(({ proto }) => proto !== BIN)
  if (sip.length === 0) return [EVERYWHERE]
  return sip.flatMap(definition => {
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

/** Where a script listens for other nodes, each place once. Throws an Error when no module serves such sockets. */
export function binAddresses(definitions: readonly SocketDefinition[], isServed: boolean): readonly BinAddress[] {
  const bin = definitions.filter(({ proto }) => proto === BIN)
  const [first] = bin
  if (first !== undefined && !isServed)
    throw new Error(
      `socket bin:${first.host}: no loaded module serves bin sockets; is a loadmodule "proto_bin.so" missing?`,
    )
  const addresses = bin.flatMap(({ host, ports }) => ports.map(port => ({ host, port })))
  return [...new Map(addresses.map(address => [`${address.host} ${address.port}`, address])).values()]
}

const isAvailable = (proto: string): proto is Proto => AVAILABLE.has(proto)

/** Tells the proxy the names it goes by beside its sockets: aliases, and what is below the names of sockets that say so. */
export function addAliases(
  proxy: Pick<SipProxy, 'addAlias'>,
  aliases: readonly AliasDefinition[],
  sockets: readonly SocketDefinition[],
): void {
  for (const { host, port, acceptSubdomain } of aliases) proxy.addAlias(host, port ?? 0, acceptSubdomain)
  for (const { host, ports, advertised, flags } of sockets) {
    const name = advertised?.host ?? host
    if (flags.has('accept_subdomain') && familyOf(name) === 0)
      for (const port of ports) proxy.addAlias(name, advertised?.port ?? port, true)
  }
}

/**
 * Tells the proxy the host names of its sockets (`auto_aliases`): those they were written with, and what a reverse lookup
 * gives for their addresses. An address without a name is passed over.
 */
export async function addHostNames(
  proxy: Pick<SipProxy, 'addAlias'>,
  definitions: readonly NetSocket[],
  sockets: readonly ListenSocket[],
): Promise<void> {
  for (const { host, port } of definitions) {
    if (host !== '*' && familyOf(host) === 0) proxy.addAlias(host, port ?? 0)
  }
  const found = await Promise.allSettled(
    sockets.map(async ({ address, port }) => ({ name: (await lookupService(address, port)).hostname, port })),
  )
  for (const one of found) {
    if (one.status === 'fulfilled' && familyOf(one.value.name) === 0) proxy.addAlias(one.value.name, one.value.port)
  }
}
