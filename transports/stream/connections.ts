import type { DeliveryError } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { StreamConnection } from './connection.ts'

interface Entry {
  readonly connection: StreamConnection
  readonly users: Set<(error: DeliveryError) => void>
}

/** A use of a connection, until it is released. */
export interface Share {
  readonly connection: StreamConnection
  /** The last to release a connection closes it. Idempotent. */
  release(error: DeliveryError): void
}

/** The connections of a module: one for each destination, whoever sends to it. */
export class StreamConnections {
  readonly #clock: Clock
  readonly #readsReplies: boolean
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock, readsReplies: boolean) {
    this.#clock = clock
    this.#readsReplies = readsReplies
  }

  /** A share of the destination's connection, which is opened if need be. `onLost` is called once, unless released before. */
  acquire(host: string, port: number, onLost: (error: DeliveryError) => void): Share {
    const key = JSON.stringify([host, port])
    const entry = this.#entries.get(key) ?? this.#open(key, host, port)
    entry.users.add(onLost)
    return {
      connection: entry.connection,
      release: error => {
        if (entry.users.delete(onLost) && entry.users.size === 0) entry.connection.lose(error)
      },
    }
  }

  #open(key: string, host: string, port: number): Entry {
    const users = new Set<(error: DeliveryError) => void>()
    const connection = new StreamConnection({ host, port }, this.#clock, this.#readsReplies, error => {
      this.#entries.delete(key)
      for (const tell of users) tell(error)
      users.clear()
    })
    const entry = { connection, users }
    this.#entries.set(key, entry)
    return entry
  }
}
