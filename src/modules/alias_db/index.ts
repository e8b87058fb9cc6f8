import type { Database } from '../../db/database.ts'
import { defineModule } from '../../module/define.ts'
import { Aliases } from './aliases.ts'
import { aliasFunctions, aliasSpecs } from './functions.ts'
import { aliasParams } from './params.ts'
import { ALIAS_TABLE } from './table.ts'

/** Replaces aliases by the users they stand for, from a database. */
export default defineModule(
  {
    name: 'alias_db',
    doc: 'Replaces aliases by the users they stand for, from a table in a database.',
    tables: [ALIAS_TABLE],
    params: aliasParams,
    functions: aliasSpecs,
  },
  ({ host, log, params }) => {
    const open = async (): Promise<Database> => {
      const url = host.db.urlOf(params.db_url)
      if (url === undefined) throw new Error('alias_db has no database: set db_url')
      return host.db.open(url)
    }
    /** Those that the script names: others are opened anew for each question, so that names cannot fill the memory. */
    const expected = new Map<string, Aliases>()
    return {
      functions: aliasFunctions({
        aliases: (name, isExpected) => {
          const found = expected.get(name) ?? new Aliases(open, name, params)
          if (isExpected) expected.set(name, found)
          return found
        },
        appendsBranches: params.append_branches !== 0,
        log,
      }),
      start: async () => {
        for (const aliases of expected.values()) await aliases.check()
      },
    }
  },
)
