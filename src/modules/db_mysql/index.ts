import { MysqlDriver } from '../../db/mysql/mysql-driver.ts'
import { defineModule, field, param } from '../../module/define.ts'

/** Databases on MySQL and MariaDB servers: `mysql://user:password@host/database`. */
export default defineModule(
  {
    name: 'db_mysql',
    aliases: ['mysql'],
    doc: 'Databases on MySQL and MariaDB servers: `mysql://user:password@host/database`.',
    params: {
      timeout_interval: param('int', 2, 'Longest silence of the server that is waited for.', { unit: 's' }),
      max_db_retries: param('int', 3, 'How often more it is tried to connect.'),
      max_db_queries: param('int', 2, 'Accepted; a statement is never sent twice.', { ignored: true }),
      readers: param('int', 3, 'Connections to a database for reading; one more is for writing.'),
      exec_query_threshold: param('int', 0, 'Accepted; no statement holds anything up.', { unit: 'µs', ignored: true }),
      ps_max_col_size: param('int', 1024, 'Accepted; values have the room they need.', { ignored: true }),
      use_tls: param('int', 0, 'Accepted; TLS to the server is not offered.', { ignored: true }),
    },
    events: {
      E_MYSQL_CONNECTION: {
        doc: 'A database server begins or ends to be there.',
        fields: {
          url: field('str', 'URL of the database, without its password.'),
          status: field('str', '`connected` or `disconnected`.'),
        },
      },
    },
  },
  ({ host, clock, log, params, raise }) => {
    const driver = new MysqlDriver({
      clock,
      timeoutMs: Math.max(1, params.timeout_interval) * 1000,
      tries: 1 + Math.max(0, params.max_db_retries),
      readers: Math.max(1, params.readers),
      changed: (url, status, reason) => {
        if (status === 'connected') log.info('connected to a database server', { url })
        else log.error('a database server is not there', { url, reason })
        raise.E_MYSQL_CONNECTION({ url, status })
      },
    })
    host.db.register(driver)
    // Behind every module that may still write.
    return { afterBus: () => host.db.close(driver.schemes) }
  },
)
