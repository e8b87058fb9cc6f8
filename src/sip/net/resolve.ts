import { andThen } from '../../util/and-then.ts'
import { parseUri, type SipUri } from '../codec/uri.ts'
import { canonicalHost, familyOf, isRefusedDestination, protoOf, withoutBrackets } from './address.ts'
import type { DnsCache, Eventually } from './dns-cache.ts'
import type { NaptrRecord, SrvRecord } from './dns-client.ts'
import { DEFAULT_PORT, type Hop, type ListenSocket, type Proto } from './endpoint.ts'

/** How names are looked up; names follow the script's settings. */
export interface ResolveOptions {
  /** `dns_try_naptr` */
  readonly tryNaptr: boolean
  /** `dns_try_ipv6`: ask for AAAA also when there are IPv4 sockets. */
  readonly tryIpv6: boolean
  /** `disable_dns_failover`: give the first next hop only. */
  readonly firstOnly?: boolean
}

/** Where the choice between records of one priority falls: 0 ≤ n < 1. */
export type Chance = () => number

/** NAPTR services of RFC 3263 §4.1 and RFC 7118 §9. */
const SERVICES: Readonly<Record<string, Proto>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
  'sip+d2w': 'ws',
  'sips+d2w': 'wss',
}
const SRV_PREFIX: Readonly<Partial<Record<Proto, string>>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
  ws: '_sip._ws.',
  wss: '_sips._ws.',
}
/** Of one answer no more records than this are followed. */
const MOST_RECORDS = 16
/** A name that leads to more next hops than this leads to the first of them. */
const MOST_HOPS = 64
const NO_HOPS: readonly Hop[] = []
/** URIs that lead to an address by themselves are read once while they are in use: so many, none longer than this. */
const MOST_KNOWN = 1024
const LONGEST_KNOWN = 128

/** Finds the next hops of SIP URIs (RFC 3263 §4), for the protocols and families there are sockets for. */
export class HopResolver {
  readonly #dns: DnsCache
  readonly #sockets: () => readonly ListenSocket[]
  readonly #options: ResolveOptions
  readonly #known = new Map<string, readonly Hop[]>()

  constructor(dns: DnsCache, sockets: () => readonly ListenSocket[], options: ResolveOptions) {
    this.#dns = dns
    this.#sockets = sockets
    this.#options = options
  }

  /**
   * The next hops of a URI, most preferred first; empty when there are none. At once for numeric hosts and for names whose
   * records are known. Never a broadcast or multicast address. `chance` decides between SRV records of equal priority.
   */
  resolve(uri: string, chance: Chance = Math.random): Eventually<readonly Hop[]> {
    return this.#known.get(uri) ?? this.#resolve(uri, chance)
  }

  #resolve(uri: string, chance: Chance): Eventually<readonly Hop[]> {
    const parsed = parseUri(uri)
    if (parsed === null || (parsed.scheme !== 'sip' && parsed.scheme !== 'sips')) return NO_HOPS
    const proto = protocolOf(parsed)
    if (proto === undefined) return NO_HOPS
    const maddr = parsed.params.get('maddr')
    const host = maddr === null || maddr === '' ? parsed.host : maddr
    // A server has to prove that it serves the domain of the URI, whatever way leads to it (RFC 5922 §7.1).
    const hops = this.#namedHops(host, parsed.host, parsed.port, proto, parsed.scheme, chance)
    if (!(hops instanceof Promise) && familyOf(withoutBrackets(host)) !== 0) this.#keep(uri, hops)
    return hops
  }

  #keep(uri: string, hops: readonly Hop[]): void {
    if (uri.length > LONGEST_KNOWN) return
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(uri, hops)
  }

  /** The next hops of host and port (0: not given) over a protocol (null: not given). */
  hops(
    host: string,
    port: number,
    proto: Proto | null,
    scheme = 'sip',
    chance: Chance = Math.random,
  ): Eventually<readonly Hop[]> {
    return this.#namedHops(host, host, port, proto, scheme, chance)
  }

  #namedHops(
    host: string,
    name: string,
    port: number,
    proto: Proto | null,
    scheme: string,
    chance: Chance,
  ): Eventually<readonly Hop[]> {
    return andThen(this.#allHops(host, port, proto, scheme, chance), found => {
      const hops = found.slice(0, this.#options.firstOnly === true ? 1 : MOST_HOPS)
      return hops.map(hop => (needsName(hop, name) ? { ...hop, name: name.toLowerCase() } : hop))
    })
  }

  #allHops(
    host: string,
    port: number,
    proto: Proto | null,
    scheme: string,
    chance: Chance,
  ): Eventually<readonly Hop[]> {
    const plain = withoutBrackets(host)
    const fallback = proto ?? (scheme === 'sips' ? 'tls' : 'udp')
    if (familyOf(plain) !== 0) return toHops([canonicalHost(plain)], fallback, port)
    // A name without a dot is local: nobody publishes services for it.
    if (port > 0 || !plain.includes('.')) return this.#byAddress(plain, fallback, port)
    const bySrv = (order: readonly Proto[]) =>
      andThen(this.#bySrv(plain, order, chance), found =>
        found.length > 0 ? found : this.#byAddress(plain, fallback, 0),
      )
    if (proto !== null) return bySrv([proto])
    const usual: readonly Proto[] = scheme === 'sips' ? ['tls'] : ['udp', 'tcp']
    if (!this.#options.tryNaptr) return bySrv(usual)
    return andThen(this.#dns.naptr(plain), records =>
      andThen(this.#byNaptr(records, scheme, chance), found => (found.length > 0 ? found : bySrv(usual))),
    )
  }

  #byAddress(host: string, proto: Proto, port: number): Eventually<readonly Hop[]> {
    const sockets = this.#sockets().filter(socket => socket.proto === proto)
    const has4 = sockets.some(socket => familyOf(socket.address) === 4)
    const has6 = sockets.some(socket => familyOf(socket.address) === 6)
    const v4 = has4 ? this.#dns.addresses(host, 4) : []
    const v6 = has6 && (this.#options.tryIpv6 || !has4) ? this.#dns.addresses(host, 6) : []
    return andThen(v4, four => andThen(v6, six => toHops([...four, ...six], proto, port)))
  }

  /** RFC 3263 §4.1: the services offered, by order and preference, as far as this proxy speaks them. */
  #byNaptr(records: readonly NaptrRecord[], scheme: string, chance: Chance): Eventually<readonly Hop[]> {
    const usable = records
      .map(record => ({ record, proto: SERVICES[record.service.toLowerCase()] }))
      .filter(({ proto }) => proto !== undefined && this.#speaks(proto) && (scheme !== 'sips' || isSecure(proto)))
      .sort((a, b) => a.record.order - b.record.order || a.record.preference - b.record.preference)
    return this.#each(usable, ({ record, proto }) => this.#srvHops(record.replacement, proto ?? 'udp', chance))
  }

  #bySrv(host: string, protos: readonly Proto[], chance: Chance): Eventually<readonly Hop[]> {
    return this.#each(
      protos.filter(proto => SRV_PREFIX[proto] !== undefined && this.#speaks(proto)),
      proto => this.#srvHops(`${SRV_PREFIX[proto]}${host}`, proto, chance),
    )
  }

  /** RFC 2782: by priority, by weight within one; a target `.` means the service is not offered. */
  #srvHops(name: string, proto: Proto, chance: Chance): Eventually<readonly Hop[]> {
    return andThen(this.#dns.srv(name), records =>
      this.#each(
        bySrvOrder(records, chance).filter(record => record.host !== '' && record.host !== '.'),
        record => this.#byAddress(record.host, proto, record.port),
      ),
    )
  }

  /** The hops of all items, in their order. */
  #each<T>(items: readonly T[], find: (item: T) => Eventually<readonly Hop[]>): Eventually<readonly Hop[]> {
    let all: Eventually<readonly Hop[]> = NO_HOPS
    for (const item of items.slice(0, MOST_RECORDS)) {
      const found = find(item)
      const before: Eventually<readonly Hop[]> = all
      all = andThen(before, first => andThen(found, more => [...first, ...more]))
    }
    return all
  }

  #speaks(proto: Proto): boolean {
    return this.#sockets().some(socket => socket.proto === proto)
  }
}

/** TLS servers have to prove their name, WebSocket servers want to be told it; an address is none. */
function needsName({ proto }: Hop, name: string): boolean {
  return proto !== 'udp' && proto !== 'tcp' && familyOf(withoutBrackets(name)) === 0
}

function isSecure(proto: Proto | undefined): boolean {
  return proto === 'tls' || proto === 'wss'
}

/** The protocol a URI asks for: null where it leaves it open, undefined where it names one unknown here. */
function protocolOf(uri: SipUri): Proto | null | undefined {
  const transport = uri.params.get('transport')
  if (transport === null) return null
  const proto = protoOf(transport)
  if (uri.scheme !== 'sips') return proto
  // RFC 3261 §26.2.2: sips asks for TLS whatever runs below it.
  return proto === 'ws' || proto === 'wss' ? 'wss' : 'tls'
}

function toHops(addresses: readonly string[], proto: Proto, port: number): readonly Hop[] {
  return addresses
    .filter(address => !isRefusedDestination(address))
    .map(address => ({ proto, address, port: port > 0 ? port : DEFAULT_PORT[proto], connectionId: 0 }))
}

/** RFC 2782: lowest priority first; among equals each is drawn with the likelihood of its weight. */
function bySrvOrder(records: readonly SrvRecord[], chance: Chance): readonly SrvRecord[] {
  const ordered: SrvRecord[] = []
  const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight)
  while (left.length > 0) {
    const priority = left[0]?.priority
    const group = left.filter(record => record.priority === priority)
    const sum = group.reduce((total, record) => total + record.weight, 0)
    let point = chance() * sum
    const at = group.findIndex(record => (point -= record.weight) < 0)
    ordered.push(...left.splice(Math.max(0, at), 1))
  }
  return ordered
}
