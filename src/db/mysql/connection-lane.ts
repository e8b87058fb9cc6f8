import { type ConnectionOptions, MysqlConnection } from './connection.ts'
import type { Lane } from './mysql-store.ts'
import type { MysqlTarget } from './url.ts'

interface LaneParts {
  readonly target: MysqlTarget
  readonly options: ConnectionOptions
  /** How often in all it is tried to connect before what waits is told. */
  readonly tries: number
  readonly connected: () => void
  readonly lost: (reason: string) => void
}

/** A connection that is made when it is first needed, and anew when it was lost. */
export class ConnectionLane implements Lane {
  readonly #parts: LaneParts
  #connection: Promise<MysqlConnection> | null = null
  #isClosed = false

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  async connection(): Promise<MysqlConnection> {
    const known = this.#connection
    if (known !== null) {
      const connection = await known
      if (!connection.isLost) return connection
      if (this.#connection === known) {
        this.#connection = null
        this.#parts.lost('the connection was lost')
      }
    }
    if (this.#isClosed) throw new Error('the database is closed')
    this.#connection ??= this.#open()
    return this.#connection
  }

  close(): void {
    this.#isClosed = true
    void this.#connection?.then(connection => connection.close()).catch(() => {})
  }

  async #open(): Promise<MysqlConnection> {
    const { target, options, tries, connected, lost } = this.#parts
    for (let left = Math.max(1, tries); ; left--) {
      try {
        const connection = await MysqlConnection.open(target, options)
        connected()
        return connection
      } catch (error) {
        if (left > 1) continue
        // Who asks next begins anew.
        this.#connection = null
        lost(error instanceof Error ? error.message : String(error))
        throw error
      }
    }
  }
}
