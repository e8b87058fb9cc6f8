import { defineModule } from '../../module/define.ts'
import { addressFunctions, addressSpecs } from './address-functions.ts'
import { ADDRESS_TABLE } from './address-table.ts'
import { permissionsCommandHandlers, permissionsCommands } from './commands.ts'
import { permissionsParams } from './params.ts'
import { Partitions } from './partitions.ts'
import { RuleFiles } from './rule-files.ts'
import { ruleFunctions, ruleSpecs } from './rule-functions.ts'

/** Decides by addresses and by rules about URIs who may do what (permissions reference). */
export default defineModule(
  {
    name: 'permissions',
    doc: 'Decides by addresses in a database, and by files of rules about URIs, who may pass.',
    tables: [ADDRESS_TABLE],
    params: permissionsParams,
    functions: { ...addressSpecs, ...ruleSpecs },
    commands: permissionsCommands,
  },
  ({ host, log, params }) => {
    const partitions = new Partitions({ params, databases: host.db, log })
    const files = new RuleFiles(host.db.directory, log)
    return {
      functions: { ...addressFunctions(partitions), ...ruleFunctions(files, params) },
      commands: permissionsCommandHandlers({ partitions, files, params }),
      start: async () => {
        for (const partition of partitions.used()) await partitions.load(partition)
      },
    }
  },
)
