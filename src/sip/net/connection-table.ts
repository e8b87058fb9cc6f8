import { canonicalHost, hostPort } from './address.ts'
import type { Proto } from './endpoint.ts'
import type { StreamConnection } from './stream-connection.ts'

/** A peer that names ever new ports in its Via must not fill the table. */
const MAX_ALIASES = 8

/** The open stream connections, by id and by what they lead to. */
export class ConnectionTable {
  readonly #byId = new Map<number, StreamConnection>()
  readonly #byPeer = new Map<string, StreamConnection>()
  /** Further peers a connection was declared to lead to (RFC 5923), for removal with it. */
  readonly #aliases = new Map<number, string[]>()

  get size(): number {
    return this.#byId.size
  }

  /** All, in the order they were opened. */
  all(): IterableIterator<StreamConnection> {
    return this.#byId.values()
  }

  get(id: number): StreamConnection | undefined {
    return this.#byId.get(id)
  }

  /** The connection to use for this peer: of several the one opened last. */
  find(proto: Proto, address: string, port: number): StreamConnection | undefined {
    return this.#byPeer.get(peerKey(proto, address, port))
  }

  add(connection: StreamConnection): void {
    this.#byId.set(connection.id, connection)
    this.#byPeer.set(peerKey(connection.proto, connection.remoteAddress, connection.remotePort), connection)
  }

  /** Lets the connection serve its peer's listening port as well. False when it is gone or has too many. */
  addAlias(id: number, port: number): boolean {
    const connection = this.#byId.get(id)
    if (connection === undefined) return false
    const key = peerKey(connection.proto, connection.remoteAddress, port)
    if (this.#byPeer.get(key) === connection) return true
    const known = this.#aliases.get(id) ?? []
    if (known.length >= MAX_ALIASES) return false
    this.#aliases.set(id, [...known, key])
    this.#byPeer.set(key, connection)
    return true
  }

  remove(connection: StreamConnection): void {
    if (!this.#byId.delete(connection.id)) return
    this.#forget(peerKey(connection.proto, connection.remoteAddress, connection.remotePort), connection)
    for (const key of this.#aliases.get(connection.id) ?? []) this.#forget(key, connection)
    this.#aliases.delete(connection.id)
  }

  /** A later connection to the same peer keeps its place. */
  #forget(key: string, connection: StreamConnection): void {
    if (this.#byPeer.get(key) === connection) this.#byPeer.delete(key)
  }
}

function peerKey(proto: Proto, address: string, port: number): string {
  return `${proto}:${hostPort(canonicalHost(address), port)}`
}
