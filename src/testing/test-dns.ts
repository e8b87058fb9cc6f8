import { type Family, familyOf } from '../sip/net/address.ts'
import type { AddressRecord, DnsClient, NaptrRecord, SrvRecord } from '../sip/net/dns-client.ts'

const TTL_S = 3600

/** The names a test knows, and `localhost`. No name server is asked. */
export class TestDns implements DnsClient {
  readonly #hosts: ReadonlyMap<string, readonly string[]>

  /** Addresses by name. */
  constructor(hosts: Readonly<Record<string, string | readonly string[]>>) {
    const known = Object.entries(hosts).map(([name, found]) => [name.toLowerCase(), [found].flat()] as const)
    this.#hosts = new Map([['localhost', ['127.0.0.1', '::1']], ...known])
  }

  /** The first address of a name; undefined where it is not known. */
  local(name: string): string | undefined {
    return this.#hosts.get(name.toLowerCase())?.[0]
  }

  async addresses(host: string, family: Exclude<Family, 0>): Promise<readonly AddressRecord[]> {
    const known = this.#hosts.get(host.toLowerCase()) ?? []
    const found = known.filter(address => familyOf(address) === family)
    if (found.length === 0) throw new Error(`the test names no host ${host}`)
    return found.map(address => ({ address, ttlS: TTL_S }))
  }

  async srv(name: string): Promise<readonly SrvRecord[]> {
    throw new Error(`no SRV record ${name}`)
  }

  async naptr(name: string): Promise<readonly NaptrRecord[]> {
    throw new Error(`no NAPTR record ${name}`)
  }
}
