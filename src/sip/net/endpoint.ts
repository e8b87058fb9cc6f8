/** Transport protocols of SIP, lower case as scripts write them. */
export type Proto = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** Default port by protocol (RFC 3261 §19.1.2; OpenSIPS socket definitions). */
export const DEFAULT_PORT: Readonly<Record<Proto, number>> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 }

/** An address the proxy receives SIP on and sends it from. */
export interface ListenSocket {
  readonly proto: Proto
  /** Textual IP address; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  /** Host and port to show in Via and Record-Route instead (`as host:port`). */
  readonly advertisedHost: string | null
  readonly advertisedPort: number | null
  readonly tag: string | null
  /** `udp:127.0.0.1:5060`, IPv6 in brackets. */
  readonly text: string
}

/** Where a message is sent: one resolved next hop. */
export interface Hop {
  readonly proto: Proto
  /** Textual IP address; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  /** Prefer this connection when it is still open; 0 for none. */
  readonly connectionId: number
  /** Send only over a connection that is open; never open one. */
  readonly reuseOnly?: boolean
  /** The name the address was found by: what a TLS server has to prove (RFC 5922 §7). Absent for numeric hosts. */
  readonly name?: string
  /** TLS client domain to use, whatever else would match. */
  readonly tlsDomain?: string
}

/** Where a message came from. */
export interface Origin {
  readonly proto: Proto
  readonly address: string
  readonly port: number
  /** The socket it arrived on. */
  readonly socket: ListenSocket
  /** The stream connection it arrived on; 0 for datagrams. */
  readonly connectionId: number
}
