import { Resolver as DnsResolver, lookup } from 'node:dns/promises'

/** An address record with its time to live, seconds. */
export interface AddressRecord {
  readonly address: string
  readonly ttlS: number
}
/** An SRV record (RFC 2782). */
export interface SrvRecord {
  readonly host: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}
/** A NAPTR record (RFC 3403), of those the ones with flag `s`. */
export interface NaptrRecord {
  readonly service: string
  readonly replacement: string
  readonly order: number
  readonly preference: number
}

/** The questions RFC 3263 needs answered. Each rejects when there is no such record or no answer. */
export interface DnsClient {
  addresses(host: string, family: 4 | 6): Promise<readonly AddressRecord[]>
  srv(name: string): Promise<readonly SrvRecord[]>
  naptr(name: string): Promise<readonly NaptrRecord[]>
}

/** What the hosts file and other local sources say is taken anew after this long. */
const LOCAL_TTL_S = 30

/** DNS over the system's name servers, with the hosts file for names DNS does not know. */
export class SystemDns implements DnsClient {
  readonly #resolver: DnsResolver

  /** `timeoutMs` and `tries` are per name server (`dns_retr_time`, `dns_retr_no`); `servers` are asked instead of the system's. */
  constructor(timeoutMs = 1000, tries = 2, servers: readonly string[] = []) {
    this.#resolver = new DnsResolver({ timeout: timeoutMs, tries })
    if (servers.length > 0) this.#resolver.setServers(servers)
  }

  async addresses(host: string, family: 4 | 6): Promise<readonly AddressRecord[]> {
    try {
      const records =
        family === 4
          ? await this.#resolver.resolve4(host, { ttl: true })
          : await this.#resolver.resolve6(host, { ttl: true })
      return records.map(record => ({ address: record.address, ttlS: record.ttl }))
    } catch {
      const local = await lookup(host, { family, all: true })
      return local.map(record => ({ address: record.address, ttlS: LOCAL_TTL_S }))
    }
  }

  async srv(name: string): Promise<readonly SrvRecord[]> {
    const records = await this.#resolver.resolveSrv(name)
    return records.map(({ name: host, port, priority, weight }) => ({ host, port, priority, weight }))
  }

  async naptr(name: string): Promise<readonly NaptrRecord[]> {
    const records = await this.#resolver.resolveNaptr(name)
    return records.filter(record => record.flags.toLowerCase() === 's')
  }
}
