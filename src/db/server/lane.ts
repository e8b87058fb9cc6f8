import type { SqlConnection, SqlResult } from './connection.ts'

/** Most statements that wait on one lane; what comes then fails at once. */
const MAX_WAITING = 10_000

export interface LaneParts {
  readonly connect: () => Promise<SqlConnection>
  /** How often in all it is tried to connect before what waits is told. */
  readonly tries: number
  readonly connected: () => void
  readonly lost: (reason: string) => void
}

/**
 * One way to a server: statements are done in the order they were asked for, over a connection that is made when it is first
 * needed, and anew when it was lost. No statement is sent twice.
 */
export class Lane {
  readonly #parts: LaneParts
  #connection: SqlConnection | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #asked = 0
  #done = 0
  /** Statements up to this one fail: they waited while it was tried in vain to connect. */
  #failed: { readonly upTo: number; readonly error: unknown } = { upTo: 0, error: null }
  #isClosed = false

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  /** Rejects as {@link SqlConnection.query} does, or with an Error when too many wait or the lane is closed. */
  async query(sql: string, maxRows: number): Promise<SqlResult> {
    if (this.#isClosed) throw new Error('the database is closed')
    if (this.#asked - this.#done >= MAX_WAITING) throw new Error(`${MAX_WAITING} statements wait already`)
    const number = ++this.#asked
    const result = this.#turn.then(async () => {
      try {
        return await (await this.#connected(number)).query(sql, maxRows)
      } finally {
        this.#done = number
      }
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /** Ends the connection when what was asked for is done; what comes then fails. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#turn
    this.#connection?.close()
  }

  async #connected(number: number): Promise<SqlConnection> {
    if (this.#connection?.isLost === false) return this.#connection
    if (number <= this.#failed.upTo) throw this.#failed.error
    if (this.#connection !== null) this.#parts.lost('the connection was lost')
    this.#connection = null
    this.#connection = await this.#open()
    this.#parts.connected()
    return this.#connection
  }

  async #open(): Promise<SqlConnection> {
    const { connect, tries, lost } = this.#parts
    for (let left = Math.max(1, tries); ; left--) {
      try {
        return await connect()
      } catch (error) {
        if (left > 1) continue
        this.#failed = { upTo: this.#asked, error }
        lost(error instanceof Error ? error.message : String(error))
        throw error
      }
    }
  }
}
