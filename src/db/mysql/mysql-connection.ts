import type { Connection, QueryError, TypeCastField } from 'mysql2'
import type { DbValue } from '../schema.ts'
import { ArrivingRows, asInteger, type SqlConnection, SqlRefusal, type SqlResult } from '../server/connection.ts'
import { ServerSocket, type SocketOptions } from '../server/server-socket.ts'
import type { ServerTarget } from '../server/server-url.ts'

const FRACTIONS: ReadonlySet<string> = new Set(['DECIMAL', 'NEWDECIMAL', 'FLOAT', 'DOUBLE'])
const INTEGERS: ReadonlySet<string> = new Set(['TINY', 'SHORT', 'LONG', 'LONGLONG', 'INT24', 'YEAR'])

/** A connection to a MySQL or MariaDB server, by the client mysql2. */
export class MysqlConnection implements SqlConnection {
  readonly #socket: ServerSocket
  readonly #connection: Connection

  private constructor(socket: ServerSocket, connection: Connection) {
    this.#socket = socket
    this.#connection = connection
  }

  /** Connects and logs in. Rejects with SqlRefusal or ConnectionLost. */
  static async open(target: ServerTarget, options: SocketOptions): Promise<MysqlConnection> {
    // Only who has a database of this kind pays for the client.
    const { createConnection } = await import('mysql2')
    const { host, port, socketPath, user, password, database } = target
    const socket = new ServerSocket(options)
    if (socketPath === undefined) socket.setNoDelay(true).connect(port, host)
    else socket.connect(socketPath)
    const connection = createConnection({
      stream: () => socket,
      user,
      password,
      database,
      charset: 'UTF8MB4_GENERAL_CI',
      // No server gets our files, and names of functions stay names of columns too.
      flags: ['-LOCAL_FILES', '-IGNORE_SPACE'],
      connectTimeout: 0,
      rowsAsArray: true,
      typeCast: asDbValue,
      // Else names that the server sends would become part of code.
      disableEval: true,
    })
    connection.on('error', error => socket.destroy(error))
    try {
      await socket.ask<void>((resolve, reject) =>
        connection.connect(error => (error ? refuse(error, socket, reject) : resolve())),
      )
      return new MysqlConnection(socket, connection)
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
      let affected = 0
      const query = this.#connection.query({ sql })
      query.on('error', error => refuse(error, this.#socket, reject))
      // A procedure that is called gives its own results first, then that of the call.
      query.on('result', (row, index) => {
        if (!Array.isArray(row)) affected ||= 'affectedRows' in row ? row.affectedRows : 0
        else if (index === 0) rows.add(row as unknown as DbValue[])
      })
      query.on('end', () => rows.end(affected, resolve, reject))
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Rejects with what the server answered; whatever else went wrong ends the connection, and thereby what is asked. */
function refuse(error: QueryError, socket: ServerSocket, reject: (reason: Error) => void): void {
  const { errno } = error
  if (errno !== undefined && errno > 0) reject(new SqlRefusal(String(errno), error.message, { cause: error }))
  else socket.destroy(error)
}

function asDbValue(field: TypeCastField): DbValue {
  const text = field.string('utf8')
  if (text === null) return null
  if (FRACTIONS.has(field.type)) return Number(text)
  return INTEGERS.has(field.type) ? asInteger(text) : text
}
