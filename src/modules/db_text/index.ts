import { DatabaseError } from '../../db/database-error.ts'
import { TextDriver } from '../../db/text/text-driver.ts'
import type { TextStore } from '../../db/text/text-store.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional, param } from '../../module/define.ts'

/** Databases that are folders of text files: `text:///folder`, or `text://folder` from the configuration's folder. */
export default defineModule(
  {
    name: 'db_text',
    aliases: ['dbtext'],
    doc: 'Databases that are folders of text files, one a table: `text:///folder`.',
    params: {
      db_mode: param('int', 0, '0: a file is read once; 1: it is read again whenever it has changed.'),
      buffer_size: param('int', 4096, 'Longest value of the reference; there is no limit here.', { ignored: true }),
    },
    commands: {
      dump: { args: [], aliases: ['dbt_dump'], doc: 'Writes the tables that differ from their files.' },
      reload: {
        args: [
          optional(arg('db_name', 'str', 'Folder; every one in use if absent.')),
          optional(arg('table_name', 'str', 'Table; every one in use if absent.')),
        ],
        aliases: ['dbt_reload'],
        doc: 'Reads tables from their files again. What cannot be read stays as it was.',
      },
    },
  },
  ({ host, log, params }) => {
    const driver = new TextDriver({ followsFiles: params.db_mode !== 0 })
    host.db.register(driver)
    const choose = (name: string | undefined): readonly TextStore[] => {
      const folder = name?.replace(/^\w+:\/\//, '').replace(/(?<=.)\/+$/, '')
      const chosen = driver.stores.filter(store => folder === undefined || store.folder === folder)
      if (chosen.length === 0 && folder !== undefined) throw new MiError(404, 'No such database', folder)
      return chosen
    }
    return {
      commands: {
        dump: () => answered(driver.stores.map(store => store.dump())),
        reload: ({ db_name, table_name }) => answered(choose(db_name).map(store => store.reload(table_name))),
      },
      // Behind every module that may still write.
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

/** `OK` when all the work is done; else the first error, for the one who asked. */
async function answered(work: readonly Promise<void>[]): Promise<string> {
  const results = await Promise.allSettled(work)
  const failed = results.find(result => result.status === 'rejected')
  if (failed === undefined) return 'OK'
  if (failed.reason instanceof DatabaseError) throw new MiError(500, 'Internal error', failed.reason.message)
  throw failed.reason
}
