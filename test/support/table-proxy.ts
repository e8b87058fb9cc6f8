import { onTestFinished } from 'vitest'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import type { DnsClient } from '../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { startProxy } from './running-proxy.ts'
import { SipUa } from './sip-ua.ts'
import { tableFolder } from './table-files.ts'

interface TableProxyOptions {
  /** The script; `@DB@` stands for the folder of the tables. */
  readonly script: string
  /** Name → content of a table file, where `@DB@` stands for the same. */
  readonly tables: Readonly<Record<string, string>>
  /** Name → address. */
  readonly hosts?: Readonly<Record<string, string>>
}

/** A proxy whose modules have their data in table files, with time that the test owns. It is stopped with the test. */
export async function tableProxy({ script, tables, hosts = {} }: TableProxyOptions) {
  const { folder, write } = tableFolder()
  for (const [name, content] of Object.entries(tables)) write(name, content.replaceAll('@DB@', folder))
  const clock = new VirtualClock()
  const started = await startProxy(script.replaceAll('@DB@', folder), { clock, dns: dnsOf(hosts) })
  onTestFinished(() => started.stop())
  const { proxy, port, log } = started
  const events: string[] = []
  proxy.host.bus.tail(event => void events.push(jsonRpc.encode(event).toString()))
  return {
    folder,
    write,
    clock,
    port,
    log,
    stop: started.stop,
    host: proxy.host,
    phone: await SipUa.open('phone'),
    mi: (command: string, args?: unknown): Promise<unknown> => proxy.host.mi.call(command, args),
    /** Events raised since the last call, as they go over the wire. */
    raised: () => events.splice(0),
    logged: (part: string) => log.filter(line => line.includes(part)).length,
  }
}

export type TableProxy = Awaited<ReturnType<typeof tableProxy>>

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

/** `modparam` lines of a module. */
export function modparams(
  module: string,
  params: Readonly<Record<string, string | number | readonly string[]>>,
): string {
  return Object.entries(params)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map(
        one => `modparam("${module}", "${name}", ${typeof one === 'number' ? one : `"${one}"`})\n`,
      ),
    )
    .join('')
}
