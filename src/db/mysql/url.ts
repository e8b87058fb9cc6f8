import { DatabaseError } from '../database-error.ts'

/** A database, and how to enter it. */
export interface MysqlTarget {
  readonly host: string
  readonly port: number
  /** A socket of this machine instead of host and port. */
  readonly socketPath: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
}

const MYSQL_PORT = 3306
const FORM = 'expected mysql://[user[:password]@]host[:port]/database'

/**
 * Reads what stands behind `mysql://`: `user:password@host:port/database`. The last `@` ends the password, so that it
 * may have others in it. A path in parentheses in the place of the host is a socket of this machine; so is `localhost`
 * without a port, as for MySQL's own clients, where `localSocket` names one. Throws a DatabaseError
 * that does not tell the password.
 */
export function parseMysqlUrl(location: string, localSocket?: string): MysqlTarget {
  const parts = /^(?:(.*)@)?(\([^)]+\)|\[[\da-f:.]+\]|[^:/@[\]]*)(?::(\d{1,5}))?\/([^/?]+)(\?.*)?$/is.exec(location)
  const port = Number(parts?.[3] ?? MYSQL_PORT)
  if (parts === null || port < 1 || port > 65_535) throw new DatabaseError('E_DB_URL', `mysql://…: ${FORM}`)
  const [, login = '', place = '', , database = '', options] = parts
  if (options !== undefined)
    throw new DatabaseError('E_DB_URL', `mysql://…${options}: TLS to the database server is not offered; ${FORM}`)
  const colon = login.indexOf(':')
  const isLocal = parts[3] === undefined && (place === '' || place === 'localhost')
  return {
    host: place.replace(/^\[|\]$/g, '') || 'localhost',
    port,
    socketPath: place.startsWith('(') ? place.slice(1, -1) : isLocal ? localSocket : undefined,
    user: colon < 0 ? login : login.slice(0, colon),
    password: colon < 0 ? '' : login.slice(colon + 1),
    database,
  }
}
