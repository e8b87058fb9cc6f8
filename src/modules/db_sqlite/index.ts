import { SqliteDriver } from '../../db/sqlite/sqlite-driver.ts'
import { defineModule, param } from '../../module/define.ts'

/** Databases in SQLite files: `sqlite:///file`, or `sqlite://file` from the configuration's folder. */
export default defineModule(
  {
    name: 'db_sqlite',
    doc: 'Databases in SQLite files: `sqlite:///file`.',
    params: {
      busy_timeout: param(
        'int',
        500,
        'Longest wait for another process that is writing; nothing else is asked of the database meanwhile.',
        {
          unit: 'ms',
        },
      ),
      query_timeout: param(
        'int',
        10_000,
        'Longest time that a query of a script may take, 0 for no bound. Until it ends the database takes nothing else.',
        { unit: 'ms' },
      ),
      alloc_limit: param('int', 10, 'Rows the reference makes room for at a time.', { ignored: true }),
    },
  },
  ({ host, log, params }) => {
    const driver = new SqliteDriver({
      busyTimeoutMs: Math.max(0, params.busy_timeout),
      queryTimeoutMs: Math.max(0, params.query_timeout),
    })
    host.db.register(driver)
    // Behind every module that may still write.
    return {
      afterBus: async () => {
        try {
          await host.db.close(driver.schemes)
        } catch (error) {
          log.error('a database was not closed cleanly', { reason: String(error) })
        }
      },
    }
  },
)
