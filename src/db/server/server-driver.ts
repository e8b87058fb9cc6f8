import { existsSync } from 'node:fs'
import type { Driver, Store } from '../driver.ts'
import type { SqlConnection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { Lane } from './lane.ts'
import type { SocketOptions } from './server-socket.ts'
import { ServerStore } from './server-store.ts'
import { parseServerUrl, type ServerScheme, type ServerTarget } from './server-url.ts'

export interface ServerOptions extends SocketOptions {
  /** How often in all it is tried to connect. */
  readonly tries: number
  /** Connections for reading, beside the one for writing. */
  readonly readers: number
  /** Sockets by which a server of this machine is tried, the first that is there; the usual ones if absent. */
  readonly localSockets?: readonly string[]
  /** Told whenever a server begins or ends to be there; `url` is without its password. */
  readonly changed: (url: string, status: 'connected' | 'disconnected', reason: string) => void
}

/** A kind of database server. */
export interface ServerKind extends ServerScheme {
  /** Where servers have their sockets on one machine. */
  readonly localSockets: readonly string[]
  readonly dialect: Dialect
  /** Connects and logs in. Rejects with SqlRefusal or ConnectionLost. */
  connect(target: ServerTarget, options: SocketOptions): Promise<SqlConnection>
}

/** `SCHEME://user:password@host/database`: a database on a server of this kind. */
export class ServerDriver implements Driver {
  readonly schemes: readonly string[]
  readonly #kind: ServerKind
  readonly #options: ServerOptions

  constructor(kind: ServerKind, options: ServerOptions) {
    this.schemes = [kind.scheme]
    this.#kind = kind
    this.#options = options
  }

  async open(location: string): Promise<Store> {
    const { dialect, connect } = this.#kind
    const { tries, readers, changed, localSockets = this.#kind.localSockets } = this.#options
    const localSocket = localSockets.find(path => existsSync(path))
    const target = parseServerUrl(this.#kind, location, localSocket)
    let isThere = false
    const note = (status: 'connected' | 'disconnected', reason: string): void => {
      if (isThere === (status === 'connected')) return
      isThere = !isThere
      changed(target.name, status, reason)
    }
    const lane = (): Lane =>
      new Lane({
        connect: () => connect(target, this.#options),
        tries,
        connected: () => note('connected', ''),
        lost: reason => note('disconnected', reason),
      })
    const reading = Array.from({ length: readers }, lane)
    const store = new ServerStore({ name: target.name, dialect, writing: lane(), reading })
    try {
      await store.query('SELECT 1')
      return store
    } catch (error) {
      await store.close()
      throw error
    }
  }
}
