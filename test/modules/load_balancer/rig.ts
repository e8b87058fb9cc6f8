import { LOAD_BALANCER_TABLE } from '../../../src/modules/load_balancer/table-source.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import type { SipUa } from '../../support/sip-ua.ts'
import { type TableRow, tableFile } from '../../support/table-files.ts'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

interface BalancerOptions {
  readonly rows: readonly TableRow[]
  /** Of the main route, for requests outside of dialogs. */
  readonly route?: string
  readonly routes?: string
  readonly params?: Readonly<Record<string, string | number | readonly string[]>>
  readonly global?: string
}

/** The content of the table. */
export const destinations = (rows: readonly TableRow[]): string => tableFile(LOAD_BALANCER_TABLE, rows)

/** A proxy that balances calls over the destinations of a table. */
export async function balancer({ rows, route = '', routes = '', params = {}, global = '' }: BalancerOptions) {
  const script = `
log_level=4
${global}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "rr.so"
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "load_balancer.so"
modparam("tm", "fr_timeout", 1)
${modparams('load_balancer', { db_url: 'text://@DB@', probing_interval: 2, ...params })}
route {
    if (has_totag()) { loose_route(); t_relay(); exit; }
    ${route}
}
${routes}
`
  const proxy = await tableProxy({ script, tables: { load_balancer: destinations(rows) } })
  return {
    ...proxy,
    /** `id: resource load/max` of each destination. */
    loads: async (): Promise<readonly string[]> => {
      const { Destinations } = (await proxy.mi('lb_list')) as {
        Destinations: readonly { id: number; Resources: readonly { name: string; max: number; load: number }[] }[]
      }
      return Destinations.map(
        ({ id, Resources }) => `${id}: ${Resources.map(({ name, max, load }) => `${name} ${load}/${max}`).join(' ')}`,
      )
    },
    /** Sends an INVITE and gives the final reply, made here: its status and reason. */
    ask: async (callId: string): Promise<string> => {
      proxy.phone.request('INVITE', proxy.port, { callId })
      const { reason } = await proxy.phone.nextReply(299)
      return reason
    },
  }
}

/** Refuses the next call that comes to a destination. */
export async function refuse(ua: SipUa, status = 503): Promise<SipMessage> {
  const invite = await ua.nextRequest('INVITE')
  ua.reply(invite, status, 'No')
  return invite
}
