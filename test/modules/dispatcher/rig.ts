import { gateways, modparams, tableProxy } from '../../support/table-proxy.ts'

export { gateways }

const HEADER =
  'id(int,auto) setid(int,null) destination(string,null) socket(string,null) state(int) probe_mode(int) weight(string) ' +
  'priority(int) attrs(string,null) description(string,null)\n'

/** A row of the table: columns in its order, all but set and URI with defaults. */
export interface GatewayRow {
  readonly set?: number | ''
  readonly uri: string
  readonly socket?: string
  readonly state?: number
  readonly probeMode?: number
  readonly weight?: string
  readonly priority?: number
  readonly attrs?: string
  readonly description?: string
}

/** A table file with these rows. */
export function tableOf(rows: readonly GatewayRow[]): string {
  const written = (text: string) => text.replace(/[\\:]/g, '\\$&')
  const line = (row: GatewayRow) =>
    [
      '',
      row.set ?? 1,
      written(row.uri),
      written(row.socket ?? ''),
      row.state ?? 0,
      row.probeMode ?? 0,
      written(row.weight ?? '1'),
      row.priority ?? 0,
      written(row.attrs ?? ''),
      written(row.description ?? ''),
    ].join(':')
  return `${HEADER}${rows.map(line).join('\n')}\n`
}

interface FarmOptions {
  /** Beside db_url. */
  readonly params?: Readonly<Record<string, string | number | readonly string[]>>
  /** Blocks of the script; the main route among them. */
  readonly routes: string
  readonly rows: readonly GatewayRow[]
  /** Further tables of the folder. */
  readonly tables?: Readonly<Record<string, readonly GatewayRow[]>>
  readonly global?: string
  /** Name → address. */
  readonly hosts?: Readonly<Record<string, string>>
}

/** A proxy with the dispatcher on table files in a folder, which is also `@DB@` in params and routes. */
export function farm({ params = {}, routes, rows, tables = {}, global = '', hosts = {} }: FarmOptions) {
  const script = `
log_level=4
xlog_level=4
${global}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "db_text.so"
loadmodule "dispatcher.so"
modparam("tm", "fr_timeout", 1)
${modparams('dispatcher', { db_url: 'text://@DB@', ...params })}
${routes}
`
  const contents = Object.entries({ dispatcher: rows, ...tables }).map(([name, content]) => [name, tableOf(content)])
  return tableProxy({ script, tables: Object.fromEntries(contents), hosts })
}
