import type { Client, QueryConfig, QueryResult } from 'pg'
import type { DbValue } from '../schema.ts'
import { ArrivingRows, asInteger, type SqlConnection, SqlRefusal, type SqlResult } from '../server/connection.ts'
import { ServerSocket, type SocketOptions } from '../server/server-socket.ts'
import type { ServerTarget } from '../server/server-url.ts'

type QueryClass = typeof import('pg').Query
type Reader = (text: string) => DbValue

const asText: Reader = text => text
/** How values are read, by the numbers of their types (`pg_type.oid`); all others are texts. */
const READERS: Readonly<Record<number, Reader>> = {
  16: text => (text === 't' ? 1 : 0), // bool
  17: text => Buffer.from(text.slice('\\x'.length), 'hex').toString('utf8'), // bytea
  20: asInteger, // int8
  21: Number, // int2
  23: Number, // int4
  26: Number, // oid
  700: Number, // float4
  701: Number, // float8
  1700: Number, // numeric
}

/** A connection to a PostgreSQL server, by the client pg. */
export class PostgresConnection implements SqlConnection {
  readonly #socket: ServerSocket
  readonly #client: Client
  readonly #Query: QueryClass

  private constructor(socket: ServerSocket, client: Client, Query: QueryClass) {
    this.#socket = socket
    this.#client = client
    this.#Query = Query
  }

  /** Connects and logs in. Rejects with SqlRefusal or ConnectionLost. A socket of this machine is named by its folder. */
  static async open(target: ServerTarget, options: SocketOptions): Promise<PostgresConnection> {
    // Only who has a database of this kind pays for the client.
    const { Client, Query } = await import('pg')
    const { host, port, socketPath, user, password, database } = target
    const socket = new ServerSocket(options)
    const client = new Client({
      stream: () => socket,
      host: socketPath ?? host,
      port,
      user,
      password,
      database,
      ssl: false,
      application_name: 'fanfare',
      types: { getTypeParser: (oid: number) => READERS[oid] ?? asText },
    })
    client.on('error', error => socket.destroy(error))
    try {
      await socket.ask<void>((resolve, reject) =>
        client.connect((error: Error | null | undefined) => (error ? refuse(error, socket, reject) : resolve())),
      )
      return new PostgresConnection(socket, client, Query)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  get isLost(): boolean {
    return this.#socket.destroyed
  }

  query(sql: string, maxRows: number): Promise<SqlResult> {
    return this.#socket.ask((resolve, reject) => {
      const rows = new ArrivingRows(maxRows)
      // The extended protocol takes one statement only.
      const config: QueryConfig & { queryMode: string; rowMode: string } = {
        text: sql,
        queryMode: 'extended',
        rowMode: 'array',
      }
      const query = this.#client.query(new this.#Query(config))
      query.on('row', row => rows.add(row as unknown as DbValue[]))
      query.on('error', error => refuse(error, this.#socket, reject))
      query.on('end', ({ rowCount }: QueryResult) => rows.end(rowCount ?? 0, resolve, reject))
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Rejects with what the server answered; whatever else went wrong ends the connection, and thereby what is asked. */
function refuse(error: Error & { code?: string }, socket: ServerSocket, reject: (reason: Error) => void): void {
  if ('severity' in error) reject(new SqlRefusal(error.code ?? '', error.message, { cause: error }))
  else socket.destroy(error)
}
