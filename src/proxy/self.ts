import { canonicalHost } from '../sip/net/address.ts'
import type { ListenSocket } from '../sip/net/endpoint.ts'

const ANY_PORT = 0

/** Host → ports; {@link ANY_PORT} among them matches every port. */
type PortsByHost = Map<string, Set<number>>

/** The names and addresses under which this proxy is reached: sockets, advertised addresses, aliases. */
export class OwnNames {
  readonly #hosts: PortsByHost = new Map()
  /** Domains whose subdomains are ours. */
  readonly #domains: PortsByHost = new Map()

  /** Adds a socket with the address it advertises. */
  addSocket(socket: ListenSocket): void {
    this.add(socket.address, socket.port)
    if (socket.advertisedHost !== null) this.add(socket.advertisedHost, socket.advertisedPort ?? socket.port)
  }

  /** Adds a host name or address; port 0 stands for all. */
  add(host: string, port: number): void {
    put(this.#hosts, host, port)
  }

  /** Adds all names below a domain (`accept_subdomain`), the domain itself not. */
  addBelow(domain: string, port: number): void {
    put(this.#domains, domain, port)
  }

  /** Whether host, in any case and with or without brackets, is one of them; with a port (not 0) also whether that is. */
  has(host: string, port: number): boolean {
    if (matches(this.#hosts, host, port)) return true
    const name = canonicalHost(host)
    if (matches(this.#hosts, name, port)) return true
    if (this.#domains.size === 0) return false
    for (let dot = name.indexOf('.', 1); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      if (matches(this.#domains, name.slice(dot + 1), port)) return true
    }
    return false
  }
}

function put(map: PortsByHost, host: string, port: number): void {
  const key = canonicalHost(host)
  const ports = map.get(key)
  if (ports === undefined) map.set(key, new Set([port]))
  else ports.add(port)
}

function matches(map: PortsByHost, key: string, port: number): boolean {
  const ports = map.get(key)
  if (ports === undefined) return false
  return port === ANY_PORT || ports.has(port) || ports.has(ANY_PORT)
}
