import { familyOf, socketText, withoutBrackets } from '../sip/net/address.ts'
import { DEFAULT_PORT, type Hop, type ListenSocket } from '../sip/net/endpoint.ts'
import { Network, type NetworkParts } from '../sip/net/network.ts'
import type { SocketDefinition } from '../sip/net/socket-definition.ts'
import type { TestDns } from './test-dns.ts'
import type { Station, Wire, WireAddress } from './wire.ts'

/** What the unspecified addresses stand for: the machine's own would differ from one machine to the next. */
const EVERYWHERE: Readonly<Record<string, string>> = { '*': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }
const FIRST_FREE_PORT = 5060

/**
 * The SIP sockets of a proxy under test: nothing of the machine is opened. Whole messages are handed in and taken out, of
 * every protocol in the same way; each address over a stream protocol counts as one connection that is always open.
 */
export class VirtualNetwork extends Network {
  readonly #wire: Wire
  readonly #dns: TestDns
  readonly #stations = new Map<ListenSocket, Station>()
  readonly #connectionIds = new Map<string, number>()

  constructor(parts: NetworkParts, wire: Wire, dns: TestDns) {
    super(parts)
    this.#wire = wire
    this.#dns = dns
  }

  override get sockets(): readonly ListenSocket[] {
    return [...this.#stations.keys()]
  }

  override async open(definitions: readonly SocketDefinition[]): Promise<void> {
    for (const definition of definitions) this.#openOne(definition)
  }

  override send(bytes: Buffer, hop: Hop, socket: ListenSocket): boolean {
    const station = this.#stations.get(socket)
    if (station === undefined || hop.port <= 0 || hop.port > 65_535) return false
    this.#wire.send(station, hop, bytes)
    return true
  }

  override async close(): Promise<void> {
    for (const station of this.#stations.values()) this.#wire.disconnect(station)
    this.#stations.clear()
    await super.close()
  }

  #openOne(definition: SocketDefinition): void {
    const { proto } = definition
    const address = this.#addressOf(withoutBrackets(definition.host))
    const port = this.#portFor(definition, address)
    const socket: ListenSocket = {
      proto,
      address,
      port,
      advertisedHost: definition.advertisedHost ?? null,
      advertisedPort: definition.advertisedPort ?? null,
      tag: definition.tag ?? null,
      text: socketText(proto, address, port),
    }
    const station: Station = {
      name: 'proxy',
      proto,
      address,
      port,
      isAway: false,
      receive: (bytes, from) => this.#arrive(bytes, from, socket),
    }
    this.#wire.connect(station)
    this.#stations.set(socket, station)
  }

  #arrive(bytes: Buffer, { proto, address, port }: WireAddress, socket: ListenSocket): void {
    const connectionId = proto === 'udp' ? 0 : this.#connectionTo(`${proto} ${address} ${port}`)
    this.receive(bytes, { proto, address, port, socket, connectionId })
  }

  #connectionTo(key: string): number {
    const known = this.#connectionIds.get(key) ?? this.#connectionIds.size + 1
    this.#connectionIds.set(key, known)
    return known
  }

  #addressOf(host: string): string {
    const address = EVERYWHERE[host] ?? (familyOf(host) === 0 ? this.#dns.local(host) : host)
    if (address !== undefined) return address
    throw new Error(
      `socket host "${host}" is no address: say which one it stands for with "host ${host} 192.0.2.1", or listen elsewhere`,
    )
  }

  #portFor({ proto, port }: SocketDefinition, address: string): number {
    if (port !== 0) return port ?? DEFAULT_PORT[proto]
    let free = FIRST_FREE_PORT
    while (this.#wire.isTaken({ proto, address, port: free })) free += 1
    return free
  }
}
