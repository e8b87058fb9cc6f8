import { arg, defineModule, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseColumns, parseFilter, parseValues } from './clauses.ts'
import { DatabasesById } from './databases-by-id.ts'
import { sqlopsParams } from './params.ts'
import { PREFERENCES_TABLE, type PreferenceSettings } from './preferences.ts'
import { deleteRows, insertRow, selectRows, updateRows } from './row-operations.ts'
import { SqlSteps } from './sql-steps.ts'

/** What other modules may ask of sqlops: functions on databases of their own. */
export interface SqlopsApi {
  steps(settings: {
    readonly urls: readonly string[]
    readonly preferences: PreferenceSettings
    readonly bigIsText: boolean
  }): Pick<SqlSteps, 'start' | 'query' | 'load' | 'store' | 'remove'>
}
declare module '../../module/define.ts' {
  interface ModuleApis {
    sqlops: SqlopsApi
  }
}

const FOUND = '1; −2 nothing was found; −1 the database refused'
const MADE = '1; −1 the database refused'
const database = optional(arg('database', 'str', 'Number of the database in db_url; the first one if absent.'))
const results = optional(
  arg('results', 'str', 'Variables for the columns, `$avp(a);$avp(b)`; `$avp(1)`, `$avp(2)` … if absent.'),
)
const table = arg('table', 'str', 'Name of the table.')
const filter = optional(
  arg('filter', 'str', 'JSON: `[{"column": value}, {"column": {"<": value}}]`; all rows if absent.'),
)
const wanted = optional(arg('columns', 'str', 'JSON: `["column", …]`; all if absent.'))
const written = arg('columns', 'str', 'JSON: `[{"column": value}, …]`.')
const order = optional(arg('order', 'str', 'Column by which they are ordered.'))
const source = arg('source', 'str', 'Whose: `$fu/username`, `$ru/uri`, `text/uuid`.')
const avp = arg('name', 'str', 'Which: `$avp(name)`, `$avp(name)/table`, or `a` for all.')
const query = arg('query', 'str', 'The SQL statement.')

/** Databases for scripts. While one is asked, every other message goes on. */
export default defineModule(
  {
    name: 'sqlops',
    doc: 'SQL statements and reads and writes of tables from the script. db_text takes no SQL, everything else it does.',
    tables: [PREFERENCES_TABLE],
    params: sqlopsParams,
    functions: {
      sql_query: {
        args: [query, results, database],
        routes: 'any',
        async: true,
        returns: FOUND,
        doc: 'Runs a statement. Each column becomes a list of values, index 0 that of the first row; NULL is `<null>`.',
      },
      sql_query_one: {
        args: [query, results, database],
        routes: 'any',
        async: true,
        returns: FOUND,
        doc: 'Runs a statement and gives the first row, to variables of any kind; NULL is NULL.',
      },
      sql_select: {
        args: [wanted, table, filter, order, results, database],
        routes: 'any',
        async: true,
        returns: FOUND,
        doc: 'Reads rows of a table, as sql_query() does.',
      },
      sql_select_one: {
        args: [wanted, table, filter, order, results, database],
        routes: 'any',
        async: true,
        returns: FOUND,
        doc: 'Reads the first such row, as sql_query_one() does.',
      },
      sql_update: {
        args: [written, table, filter, database],
        routes: 'any',
        async: true,
        returns: MADE,
        doc: 'Changes rows of a table.',
      },
      sql_insert: { args: [table, written, database], routes: 'any', async: true, returns: MADE, doc: 'Adds a row.' },
      sql_replace: {
        args: [table, written, database],
        routes: 'any',
        async: true,
        returns: MADE,
        doc: 'Adds a row in the place of those whose first column has the same value.',
      },
      sql_delete: { args: [table, filter, database], routes: 'any', async: true, returns: MADE, doc: 'Removes rows.' },
      sql_avp_load: {
        args: [source, avp, database, optional(arg('prefix', 'str', 'Stands before the names of the AVPs.'))],
        routes: 'any',
        async: true,
        returns: '1; −1 there is nothing, or the database refused',
        doc: 'Loads values of a user into AVPs.',
      },
      sql_avp_store: {
        args: [source, avp, database],
        routes: 'any',
        async: true,
        returns: '1; −1 there is nothing, or the database refused',
        doc: 'Stores values of AVPs for a user.',
      },
      sql_avp_delete: {
        args: [source, avp, database],
        routes: 'any',
        async: true,
        returns: MADE,
        doc: 'Deletes values of a user.',
      },
    },
  },
  ({ host, params, log, clock }) => {
    const variable = (text: string): PvarRef => host.script.variable(text)
    const stepsFor: SqlopsApi['steps'] = ({ urls, preferences, bigIsText }) =>
      new SqlSteps({ databases: new DatabasesById(host.db, urls), preferences, bigIsText, variable, log, clock })
    const databases = new DatabasesById(host.db, params.db_url)
    const preferences: PreferenceSettings = {
      table: params.usr_table,
      usesDomain: params.use_domain !== 0,
      columns: {
        uuid: params.uuid_column,
        username: params.username_column,
        domain: params.domain_column,
        attribute: params.attribute_column,
        value: params.value_column,
        type: params.type_column,
      },
    }
    const bigIsText = params.bigint_to_str !== 0
    const steps = new SqlSteps({ databases, preferences, bigIsText, variable, log, clock })
    const filterOf = (one: Arg<string> | undefined, m: RouteContext) =>
      one === undefined ? [] : parseFilter(one.read(m))
    const select =
      (rows: 'all rows' | 'one row') =>
      (
        columns: Arg<string> | undefined,
        name: Arg<string>,
        which: Arg<string> | undefined,
        by: Arg<string> | undefined,
        dest: Arg<string> | undefined,
        id: Arg<string> | undefined,
      ) =>
        steps.rows(rows, dest, id, (one, m) =>
          selectRows(one, {
            table: name.read(m),
            columns: columns === undefined ? undefined : parseColumns(columns.read(m)),
            filter: filterOf(which, m),
            order: by?.read(m),
          }),
        )
    return {
      api: { steps: stepsFor } satisfies SqlopsApi,
      functions: {
        sql_query: (text, dest, id) => steps.query('all rows', text, dest, id),
        sql_query_one: (text, dest, id) => steps.query('one row', text, dest, id),
        sql_select: select('all rows'),
        sql_select_one: select('one row'),
        sql_update: (values, name, which, id) =>
          steps.on(id, async (one, m) => {
            await updateRows(one, name.read(m), parseValues(values.read(m)), filterOf(which, m))
            return 1
          }),
        sql_insert: (name, values, id) =>
          steps.on(id, async (one, m) => {
            await insertRow(one, name.read(m), parseValues(values.read(m)))
            return 1
          }),
        sql_replace: (name, values, id) =>
          steps.on(id, async (one, m) => {
            const row = parseValues(values.read(m))
            const [key = ''] = Object.keys(row)
            await deleteRows(one, name.read(m), [{ column: key, operator: '=', value: row[key] ?? null }])
            await insertRow(one, name.read(m), row)
            return 1
          }),
        sql_delete: (name, which, id) =>
          steps.on(id, async (one, m) => {
            await deleteRows(one, name.read(m), filterOf(which, m))
            return 1
          }),
        sql_avp_load: (who, what, id, prefix) => steps.load(who, what, id, prefix),
        sql_avp_store: (who, what, id) => steps.store(who, what, id),
        sql_avp_delete: (who, what, id) => steps.remove(who, what, id),
      },
      start: () => steps.start(),
    }
  },
)
