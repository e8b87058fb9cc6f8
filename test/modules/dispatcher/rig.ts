import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

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
export async function farm({ params = {}, routes, rows, tables = {}, global = '', hosts = {} }: FarmOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-dispatcher-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries({ dispatcher: rows, ...tables }))
    writeFileSync(join(folder, name), tableOf(content))
  const given = Object.entries({ db_url: 'text://@DB@', ...params }).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      one => `modparam("dispatcher", "${name}", ${typeof one === 'number' ? one : `"${one}"`})\n`,
    ),
  )
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
${given.join('')}
${routes}
`
  const clock = new VirtualClock()
  const started = await startProxy(script.replaceAll('@DB@', folder), { clock, dns: dnsOf(hosts) })
  onTestFinished(() => started.stop())
  const { proxy, port, log } = started
  const events: string[] = []
  proxy.host.bus.tail(event => void events.push(jsonRpc.encode(event).toString()))
  return {
    folder,
    clock,
    port,
    log,
    stop: started.stop,
    phone: await SipUa.open('phone'),
    mi: (command: string, args?: unknown): Promise<unknown> => proxy.host.mi.call(command, args),
    /** Events raised since the last call, as they go over the wire. */
    raised: () => events.splice(0),
    logged: (part: string) => log.filter(line => line.includes(part)).length,
  }
}

const dnsOf = (hosts: Readonly<Record<string, string>>): DnsClient => ({
  addresses: async host => (hosts[host] === undefined ? [] : [{ address: hosts[host], ttlS: 60 }]),
  srv: async () => [],
  naptr: async () => [],
})

/** Gateways with these names, closed with the test, and the URI of each as a table has it. */
export async function gateways(...names: string[]): Promise<readonly (SipUa & { readonly address: string })[]> {
  const opened: (SipUa & { readonly address: string })[] = []
  for (const name of names) {
    const ua = await SipUa.open(name)
    opened.push(Object.assign(ua, { address: `sip:127.0.0.1:${ua.port}` }))
  }
  return opened
}
