import { DatabaseError } from '../database-error.ts'

/** A database on a server, and how to enter it. */
export interface ServerTarget {
  readonly host: string
  readonly port: number
  /** A socket of this machine instead of host and port. */
  readonly socketPath: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
  /** Its URL without the password. */
  readonly name: string
}

/** What URLs of one kind of server have of their own. */
export interface ServerScheme {
  readonly scheme: string
  /** The usual port. */
  readonly port: number
  /** Hosts that, without a port, are a socket of this machine: as for the server's own clients. */
  readonly localHosts: readonly string[]
}

/**
 * Reads what stands behind `SCHEME://`: `user:password@host:port/database`. The last `@` ends the password, so that it
 * may have others in it. A path in parentheses in the place of the host is a socket of this machine; so is `localSocket`,
 * if there is one, for a local host. Throws a DatabaseError that does not tell the password.
 */
export function parseServerUrl(
  { scheme, port: usualPort, localHosts }: ServerScheme,
  location: string,
  localSocket: string | undefined,
): ServerTarget {
  const form = `expected ${scheme}://[user[:password]@]host[:port]/database`
  const parts = /^(?:(.*)@)?(\([^)]+\)|\[[\da-f:.]+\]|[^:/@[\]]*)(?::(\d{1,5}))?\/([^/?]+)(\?.*)?$/is.exec(location)
  const port = Number(parts?.[3] ?? usualPort)
  if (parts === null || port < 1 || port > 65_535) throw new DatabaseError('E_DB_URL', `${scheme}://…: ${form}`)
  const [, login = '', place = '', , database = '', options] = parts
  if (options !== undefined)
    throw new DatabaseError('E_DB_URL', `${scheme}://…${options}: TLS to the database server is not offered; ${form}`)
  const colon = login.indexOf(':')
  const host = place.replace(/^\[|\]$/g, '') || 'localhost'
  const isLocal = parts[3] === undefined && localHosts.includes(place)
  const socketPath = place.startsWith('(') ? place.slice(1, -1) : isLocal ? localSocket : undefined
  const user = colon < 0 ? login : login.slice(0, colon)
  return {
    host,
    port,
    socketPath,
    user,
    password: colon < 0 ? '' : login.slice(colon + 1),
    database,
    name: `${scheme}://${user === '' ? '' : `${user}@`}${socketPath === undefined ? `${host}:${port}` : `(${socketPath})`}/${database}`,
  }
}
