import { existsSync } from 'node:fs'
import type { Clock } from '../../util/clock.ts'
import { DatabaseError } from '../database-error.ts'
import type { Driver, Store } from '../driver.ts'
import { ConnectionLane } from './connection-lane.ts'
import { type Lane, MysqlStore } from './mysql-store.ts'
import { parseMysqlUrl } from './url.ts'

/** Where servers have their sockets on one machine: Debian's packages, Red Hat's, the server's own default. */
const LOCAL_SOCKETS = ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock']

export interface MysqlOptions {
  readonly clock: Clock
  /** Longest silence of the server that is waited for. */
  readonly timeoutMs: number
  /** How often in all it is tried to connect. */
  readonly tries: number
  /** Connections for reading, beside the one for writing. */
  readonly readers: number
  /** Sockets by which `localhost` is tried, the first that is there; the usual ones if absent. */
  readonly localSockets?: readonly string[]
  /** Told whenever a server begins or ends to be there; `url` is without its password. */
  readonly changed: (url: string, status: 'connected' | 'disconnected', reason: string) => void
}

/** `mysql://user:password@host/database`: a database on a MySQL or MariaDB server. */
export class MysqlDriver implements Driver {
  readonly schemes = ['mysql']
  readonly #options: MysqlOptions

  constructor(options: MysqlOptions) {
    this.#options = options
  }

  async open(location: string): Promise<Store> {
    const { localSockets = LOCAL_SOCKETS } = this.#options
    const target = parseMysqlUrl(
      location,
      localSockets.find(path => existsSync(path)),
    )
    const { user, host, port, socketPath, database } = target
    const name = `mysql://${user === '' ? '' : `${user}@`}${socketPath === undefined ? `${host}:${port}` : `(${socketPath})`}/${database}`
    const { clock, timeoutMs, tries, readers, changed } = this.#options
    let isThere = false
    const note = (status: 'connected' | 'disconnected', reason: string): void => {
      if (isThere === (status === 'connected')) return
      isThere = !isThere
      changed(name, status, reason)
    }
    const lane = (): Lane =>
      new ConnectionLane({
        target,
        options: { clock, timeoutMs },
        tries,
        connected: () => note('connected', ''),
        lost: reason => note('disconnected', reason),
      })
    const store = new MysqlStore({ name, writing: lane(), reading: Array.from({ length: readers }, lane) })
    try {
      await store.query('SELECT 1')
    } catch (cause) {
      await store.close()
      throw cause instanceof DatabaseError
        ? cause
        : new DatabaseError('E_DB_STORAGE', `${name}: ${String(cause)}`, { cause })
    }
    return store
  }
}
