import { MiError } from '../../mi/management-interface.ts'
import { defineModule } from '../../module/define.ts'
import { type Domains, LoadedDomains, StoredDomains } from './domains.ts'
import { domainFunctions, domainSpecs } from './functions.ts'
import { domainParams } from './params.ts'
import { DOMAIN_TABLE, openDomainTable } from './table.ts'

/** Which domains are served here, from a database. */
export default defineModule(
  {
    name: 'domain',
    doc: 'Says which domains are served here, from a table in a database.',
    tables: [DOMAIN_TABLE],
    params: domainParams,
    functions: domainSpecs,
    commands: {
      reload: {
        args: [],
        aliases: ['domain_reload'],
        doc: 'Loads the domains anew, with db_mode 1. When that fails nothing changes.',
      },
      dump: { args: [], aliases: ['domain_dump'], doc: 'Lists the domains that are loaded, with db_mode 1.' },
    },
  },
  ({ host, log, params }) => {
    let domains: Domains = LoadedDomains.none
    const load = async (): Promise<void> => {
      const table = await openDomainTable(host.db, params)
      domains = params.db_mode === 0 ? new StoredDomains(table) : await LoadedDomains.load(table)
    }
    const loaded = (): LoadedDomains => {
      if (domains instanceof LoadedDomains) return domains
      throw new MiError(500, 'Internal error', 'the domains are not loaded: db_mode is 0')
    }
    return {
      functions: domainFunctions({
        domains: () => domains,
        failed: error => log.often().error('the domains cannot be asked for', { reason: String(error) }),
      }),
      commands: {
        reload: async () => {
          loaded()
          await load().catch((error: unknown) => {
            throw new MiError(500, 'Internal error', error instanceof Error ? error.message : String(error))
          })
          return 'OK'
        },
        dump: () => ({
          Domains: loaded().all.map(({ name, attrs, acceptsSubdomains }) => ({
            name,
            accept_subdomain: acceptsSubdomains ? 1 : 0,
            ...(attrs === null ? {} : { attributes: attrs }),
          })),
        }),
      },
      start: load,
    }
  },
)
