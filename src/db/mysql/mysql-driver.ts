import { ServerDriver, type ServerOptions } from '../server/server-driver.ts'
import { MysqlConnection } from './mysql-connection.ts'
import { mysqlDialect } from './mysql-dialect.ts'

/** `mysql://user:password@host/database`: a database on a MySQL or MariaDB server. */
export class MysqlDriver extends ServerDriver {
  constructor(options: ServerOptions) {
    const kind = {
      scheme: 'mysql',
      port: 3306,
      localHosts: ['', 'localhost'],
      // Debian's packages, Red Hat's, the server's own default.
      localSockets: ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock'],
      dialect: mysqlDialect,
      connect: MysqlConnection.open,
    }
    super(kind, options)
  }
}
