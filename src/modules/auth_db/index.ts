import type { Database } from '../../db/database.ts'
import { defineModule } from '../../module/define.ts'
import { type AccountSettings, Accounts } from './accounts.ts'
import type { AuthDbApi } from './api.ts'
import { authDbFunctions, authDbSpecs } from './functions.ts'
import { parseLoadedColumns } from './loaded-columns.ts'
import { authDbParams } from './params.ts'
import { SUBSCRIBER_TABLE, URI_TABLE } from './tables.ts'
import { UriOwners } from './uri-owners.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    auth_db: AuthDbApi
  }
}

/** What scripts of 2.x load without asking. */
const FORMER_CREDENTIALS = 'rpid'

/** Checks credentials against users in a database (auth_db reference). */
export default defineModule(
  {
    name: 'auth_db',
    doc: 'Checks the credentials of requests against users in a database.',
    depends: ['auth'],
    tables: [SUBSCRIBER_TABLE, URI_TABLE],
    params: authDbParams,
    functions: authDbSpecs,
  },
  ({ host, log, params, given, use }) => {
    const auth = use('auth')
    const isFormer = host.settings.era === '2.4'
    const settings: AccountSettings = {
      params,
      useDomain: params.use_domain === undefined ? !isFormer : params.use_domain !== 0,
      hasSecondColumn: isFormer || given.has('password_column_2'),
      loaded: parseLoadedColumns(params.load_credentials ?? (isFormer ? FORMER_CREDENTIALS : '')),
      isLoadOptional: params.load_credentials === undefined,
    }
    const open = async (): Promise<Database> => {
      const url = host.db.urlOf(params.db_url)
      if (url === undefined) throw new Error('auth_db has no database: set db_url')
      return host.db.open(url)
    }
    const api: AuthDbApi = {
      owners: ({ url, table, columns, useDomain }) =>
        new UriOwners(url === undefined ? open : () => host.db.open(url), table, columns, useDomain),
    }
    const expected: { check(): Promise<void> }[] = []
    return {
      api,
      functions: authDbFunctions({
        accounts: kept(name => new Accounts(open, name, settings)),
        owners: kept(name => new UriOwners(open, name, params, settings.useDomain)),
        expect: table => void expected.push(table),
        authorize: (m, asker, realm, accounts) =>
          auth.authorize(m, {
            asker,
            realm,
            find: async credentials => {
              const account = await accounts.find(credentials)
              return account === null ? null : { secret: account.secret, accepted: () => account.load(m.avps) }
            },
          }),
        accepted: auth.accepted,
        failed: error => log.often().error('the database of users cannot be asked', { reason: String(error) }),
      }),
      start: async () => {
        for (const table of new Set(expected)) await table.check()
      },
    }
  },
)

/** Most tables that are kept open; a script that computes names from messages must not fill the memory. */
const MOST_KEPT = 100

/** Makes a thing for each name and keeps the first hundred. */
function kept<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return name => {
    const known = made.get(name)
    if (known !== undefined) return known
    const fresh = make(name)
    if (made.size < MOST_KEPT) made.set(name, fresh)
    return fresh
  }
}
