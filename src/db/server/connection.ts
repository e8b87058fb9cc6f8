import type { DbValue } from '../schema.ts'

/** What came of a statement. */
export interface SqlResult {
  /** Of each row the values in the order of the columns. */
  readonly rows: readonly (readonly DbValue[])[]
  /** Rows that an update found, or that were inserted or deleted. */
  readonly affected: number
}

/** A connection to a database server, which does one statement at a time. */
export interface SqlConnection {
  readonly isLost: boolean
  /** Runs one statement. Rejects with SqlRefusal, StatementLimit (more than `maxRows` came) or ConnectionLost. */
  query(sql: string, maxRows: number): Promise<SqlResult>
  /** Ends it at once. Idempotent. */
  close(): void
}

/** The server refused a statement, or to let us in; the connection is as good as before. */
export class SqlRefusal extends Error {
  override readonly name = 'SqlRefusal'
  /** As in the manual of the server: of MySQL a number (`1062`), of PostgreSQL an SQLSTATE (`23505`). */
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What a statement may be, or give, is limited here; the connection is as good as before. */
export class StatementLimit extends Error {
  override readonly name = 'StatementLimit'
}

/** The connection is of no use any more, or never was. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** The rows of a statement while they arrive: no more than `maxRows` are kept. */
export class ArrivingRows {
  readonly #rows: (readonly DbValue[])[] = []
  readonly #maxRows: number
  #seen = 0

  constructor(maxRows: number) {
    this.#maxRows = maxRows
  }

  add(row: readonly DbValue[]): void {
    if (++this.#seen <= this.#maxRows) this.#rows.push(row)
  }

  /** Answers with them, or refuses where there were too many. */
  end(affected: number, resolve: (result: SqlResult) => void, reject: (reason: StatementLimit) => void): void {
    if (this.#seen <= this.#maxRows) resolve({ rows: this.#rows, affected })
    else reject(new StatementLimit(`the query gives more than ${this.#maxRows} rows: limit it by LIMIT or WHERE`))
  }
}

/** An integer that was sent as digits. */
export function asInteger(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : BigInt(digits)
}
