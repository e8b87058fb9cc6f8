import { CARRIERS_TABLE, GATEWAYS_TABLE, GROUPS_TABLE, RULES_TABLE } from '../../../src/modules/drouting/tables.ts'
import { type TableRow, tableFile } from '../../support/table-files.ts'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

export interface RoutingOptions {
  readonly gateways?: readonly TableRow[]
  readonly carriers?: readonly TableRow[]
  readonly rules?: readonly TableRow[]
  readonly groups?: readonly TableRow[]
  /** Further table files. */
  readonly tables?: Readonly<Record<string, string>>
  readonly route?: string
  readonly routes?: string
  readonly params?: Readonly<Record<string, string | number | readonly string[]>>
  readonly hosts?: Readonly<Record<string, string>>
  readonly global?: string
}

/** The table files of a partition. */
export function routingTables({ gateways = [], carriers = [], rules = [], groups = [] }: RoutingOptions) {
  return {
    dr_gateways: tableFile(GATEWAYS_TABLE, gateways),
    dr_carriers: tableFile(CARRIERS_TABLE, carriers),
    dr_rules: tableFile(RULES_TABLE, rules),
    dr_groups: tableFile(GROUPS_TABLE, groups),
  }
}

/** Gateways g1 … gn at addresses of their own. */
export const someGateways = (count: number, more: TableRow = {}): readonly TableRow[] =>
  Array.from({ length: count }, (_, i) => ({ gwid: `g${i + 1}`, address: `10.0.0.${i + 1}`, ...more }))

/** A proxy that routes by tables. */
export async function routing(options: RoutingOptions) {
  const { route = '', routes = '', params = {}, hosts = {}, global = '' } = options
  const script = `
log_level=4
${global}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "db_text.so"
loadmodule "drouting.so"
modparam("tm", "fr_timeout", 1)
${modparams('drouting', { db_url: 'text://@DB@', probing_interval: 2, ...params })}
route { ${route} }
${routes}
`
  const proxy = await tableProxy({ script, tables: { ...routingTables(options), ...options.tables }, hosts })
  return {
    ...proxy,
    /** Sends a request for a number, and gives the phrase of the 299 the script answers with. */
    ask: async (number: string, headers = ''): Promise<string> => {
      proxy.phone.request('INVITE', proxy.port, { uri: `sip:${number}@127.0.0.1`, headers })
      return (await proxy.phone.nextReply(299)).reason
    },
  }
}

/** A route that tells what do_routing gives: its result, the Request-URI, and the gateways that are kept. */
export const told = (args: string): string =>
  `do_routing(${args}); $var(rc) = $rc; send_reply(299, "$var(rc) $ru $(avp(___dr_gw_id__)[*])");`
