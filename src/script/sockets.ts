import type { Place } from './source.ts'

/** Protocols a socket can be defined for → default port (script reference, global settings). */
export const SOCKET_PROTOCOLS: Readonly<Record<string, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 80,
  wss: 443,
  sctp: 5060,
  bin: 5555,
  bins: 5556,
  hep_udp: 9060,
  hep_tcp: 9060,
  hep_tls: 9061,
  smpp: 2775,
  msrp: 2855,
  msrps: 2856,
}

/** One `socket=` or `listen=`. */
export interface SocketDefinition {
  readonly proto: string
  /** Address or name; IPv6 without brackets; `*` is every local address. */
  readonly host: string
  /** At least one; ranges are written out. */
  readonly ports: readonly number[]
  /** `as host:port`: what Via and Record-Route show. */
  readonly advertised: { readonly host: string; readonly port: number | null } | null
  readonly tag: string | null
  readonly workers: number | null
  readonly tos: number | null
  /** Words without a value: anycast, frag, reuse_port, accept_subdomain, allow_proxy_protocol, send_proxy_protocol. */
  readonly flags: ReadonlySet<string>
  readonly place: Place
}

/** `socket=bond: NAME { "udp:…", … }`. */
export interface BondDefinition {
  readonly name: string
  readonly sockets: readonly string[]
  readonly place: Place
}

/** One name of `alias=`. */
export interface AliasDefinition {
  /** Null: any. */
  readonly proto: string | null
  readonly host: string
  /** Null: any. */
  readonly port: number | null
  readonly acceptSubdomain: boolean
  readonly place: Place
}

/** One rule of `dst_blacklist=`. */
export interface BlacklistRule {
  readonly negated: boolean
  readonly proto: string | null
  /** `10.0.0.0/8` or an address. */
  readonly network: string
  /** 0: any. */
  readonly port: number
  readonly pattern: string
}
export interface BlacklistDefinition {
  readonly name: string
  /** default, expire, readonly. */
  readonly flags: readonly string[]
  readonly rules: readonly BlacklistRule[]
  readonly place: Place
}
