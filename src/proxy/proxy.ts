import type { RouteContext, Target, Verdict } from '../script/context.ts'
import type { Hop, ListenSocket, Origin } from '../sip/net/endpoint.ts'
import type { Blacklists } from './blacklists.ts'

/** What a module adds to a request at the moment it is written for one branch (Record-Route needs the out socket). */
export interface Outgoing {
  readonly target: Target
  readonly hop: Hop
  readonly socket: ListenSocket
}
/** `m` is the message as it is written: of a branch, the copy its branch_route has changed. */
export type HeadersAtSend = (outgoing: Outgoing, m: RouteContext) => string

export interface LocalReply {
  readonly status: number
  readonly reason: string
  /** Added to To when the request has none; '' adds none (100 Trying). */
  readonly toTag: string
  /** Complete header lines, each with CRLF, beside those collected in `m.replyHeaders`. */
  readonly headers?: string
  readonly body?: string | Buffer
}

/**
 * The proxy engine as modules see it: receiving, resolving, writing and sending. Stateless by itself (RFC 3261 §16.11);
 * the tm module puts transactions on top through the hooks.
 */
export interface SipProxy {
  readonly sockets: readonly ListenSocket[]
  /** Whether host (and port, unless 0) is one of our sockets, advertised addresses or aliases. IPv6 with or without brackets. */
  isMyself(host: string, port?: number): boolean
  /** Registers an additional alias (`alias=`), with `accept_subdomain` also for all names below it. Port 0 stands for all. */
  addAlias(host: string, port: number, acceptSubdomain?: boolean): void
  findSocket(text: string): ListenSocket | undefined

  /**
   * The next hops of a SIP URI, most preferred first; empty when it cannot be resolved. Synchronous for numeric hosts
   * (RFC 3263 §4). A broadcast or multicast address is never among them.
   */
  resolve(uri: string): readonly Hop[] | Promise<readonly Hop[]>
  /** The socket to send from: `preferred` if it fits the hop's protocol and family, else the best of ours, else null. */
  socketFor(hop: Hop, preferred: ListenSocket | null): ListenSocket | null
  /** Sends bytes; `onError` is called, later, when they certainly did not go out. Gives false when that is known at once. */
  send(bytes: Buffer, hop: Hop, socket: ListenSocket, onError?: (reason: string) => void): boolean

  /** Where replies to this request go (RFC 3261 §18.2.2, RFC 3581 §4). */
  replyHop(m: RouteContext): Hop
  /** The hop as this branch of the message may use it: without opening a connection where its branch flag forbids that. */
  branchHop(m: RouteContext, target: Target, hop: Hop): Hop
  /** The value of our Via on this socket, for requests made here: `SIP/2.0/UDP host:port;branch=…`. */
  viaValue(socket: ListenSocket, branch: string): string
  /** The request as it goes out on one branch: edits, R-URI, Via with `branch`, Route set of `path`, Max-Forwards, Content-Length. */
  writeRequest(m: RouteContext, outgoing: Outgoing, branch: string): Buffer
  /** A reply to the request made here (RFC 3261 §8.2.6). */
  writeReply(m: RouteContext, reply: LocalReply): Buffer
  /** The reply as it goes on upstream: edits applied, our Via removed. Null when no Via is left. */
  writeForwardedReply(m: RouteContext): Buffer | null
  /** Writes and sends a local reply to where it belongs. Never answers an ACK. */
  reply(m: RouteContext, reply: LocalReply): boolean

  /** Stateless forwarding (`forward()`): 1 sent, negative on failure. */
  forward(m: RouteContext, destination: string | null): Verdict | Promise<Verdict>
  /** Sends the message unchanged (`send()`). */
  sendUnchanged(m: RouteContext, destination: string, headers: string): Verdict | Promise<Verdict>

  readonly hooks: ProxyHooks
  /** Destinations nothing is sent to. Whoever sends a request asks `forbids` first. */
  readonly blacklists: Blacklists
  /** Gives bytes to the proxy as if they had come from `origin`. */
  receive(bytes: Buffer, origin: Origin): void
}

/** Where modules hang themselves into the way of a message. Callbacks run in the order of registration. */
export interface ProxyHooks {
  /** Every request and reply, also a faulty one, before anything else is done with it. True: drop it. */
  screen(callback: (m: RouteContext) => boolean): void
  /** Before the script sees a request. True: taken care of, do not run the script. */
  beforeRequest(callback: (m: RouteContext) => boolean): void
  /** After the main route has ended for a request, also when it failed. */
  afterRequest(callback: (m: RouteContext) => void): void
  /** A valid reply, after the global onreply_route. True: matched a transaction, do not forward statelessly. */
  matchReply(callback: (m: RouteContext) => boolean): void
  /** Every hop a request is about to be sent to: gives it as it is to be used. `m` is the message as it is written. */
  atHop(callback: (m: RouteContext, hop: Hop) => Hop): void
  /** Headers for every request written for a branch of this message; kept with the message by `m`. */
  atSend(m: RouteContext, headers: HeadersAtSend): void
}
