import { ServerDriver, type ServerOptions } from '../server/server-driver.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { postgresDialect } from './postgres-dialect.ts'

/** `postgres://user:password@host/database`: a database on a PostgreSQL server. */
export class PostgresDriver extends ServerDriver {
  constructor(options: ServerOptions) {
    const kind = {
      scheme: 'postgres',
      port: 5432,
      localHosts: [''],
      // Folders: Debian's and Red Hat's packages, the server's own default.
      localSockets: ['/run/postgresql', '/tmp'],
      dialect: postgresDialect,
      connect: PostgresConnection.open,
    }
    super(kind, options)
  }
}
