import { PostgresDriver } from '../../db/postgres/postgres-driver.ts'
import { defineModule, field, param } from '../../module/define.ts'

/** Databases on PostgreSQL servers: `postgres://user:password@host/database`. */
export default defineModule(
  {
    name: 'db_postgres',
    aliases: ['postgres'],
    doc: 'Databases on PostgreSQL servers: `postgres://user:password@host/database`.',
    params: {
      timeout: param('int', 5, 'Longest silence of the server that is waited for.', { unit: 's' }),
      max_db_queries: param('int', 2, 'Accepted; a statement is never sent twice.', { ignored: true }),
      readers: param('int', 3, 'Connections to a database for reading; one more is for writing.'),
      exec_query_threshold: param('int', 0, 'Accepted; no statement holds anything up.', { unit: 'µs', ignored: true }),
      use_tls: param('int', 0, 'Accepted; TLS to the server is not offered.', { ignored: true }),
    },
    events: {
      E_POSTGRES_CONNECTION: {
        doc: 'A database server begins or ends to be there.',
        fields: {
          url: field('str', 'URL of the database, without its password.'),
          status: field('str', '`connected` or `disconnected`.'),
        },
      },
    },
  },
  ({ host, clock, log, params, raise }) => {
    const driver = new PostgresDriver({
      clock,
      timeoutMs: Math.max(1, params.timeout) * 1000,
      tries: 1,
      readers: Math.max(1, params.readers),
      changed: (url, status, reason) => {
        if (status === 'connected') log.info('connected to a database server', { url })
        else log.error('a database server is not there', { url, reason })
        raise.E_POSTGRES_CONNECTION({ url, status })
      },
    })
    host.db.register(driver)
    // Behind every module that may still write.
    return { afterBus: () => host.db.close(driver.schemes) }
  },
)
