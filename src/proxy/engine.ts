import type { Log } from '../log/log.ts'
import type { RouteContext, RouteKind, Target, Verdict } from '../script/context.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import { parseWrittenAddress } from '../sip/net/address.ts'
import type { Eventually } from '../sip/net/dns-cache.ts'
import { DEFAULT_PORT, type Hop, type ListenSocket, type Origin } from '../sip/net/endpoint.ts'
import type { Network } from '../sip/net/network.ts'
import type { HopResolver } from '../sip/net/resolve.ts'
import type { StreamFault } from '../sip/net/stream-framer.ts'
import type { StatisticsRegistry } from '../stats/stats.ts'
import type { Clock } from '../util/clock.ts'
import { Blacklists } from './blacklists.ts'
import { type CoreStatistics, coreStatistics } from './core-statistics.ts'
import { type ForwardingHost, forwardStateless, sendUnchanged } from './forward.ts'
import { Hooks } from './hooks.ts'
import { ENGINE_DEFAULTS, type EngineOptions, type EngineRoutes, NO_ROUTES } from './options.ts'
import { chooseSocket } from './out-socket.ts'
import type { LocalReply, Outgoing, SipProxy } from './proxy.ts'
import { Receiver, type ReceivingHost } from './receive.ts'
import { requestReplyHop, StrayReplyRouting } from './reply-routing.ts'
import { OwnNames } from './self.ts'
import { statelessTag } from './via.ts'
import { MessageWriter } from './writing.ts'

/** Makes the state a route runs with; the script knows how many variables it has. */
export type MakeContext = (kind: RouteKind, message: SipMessage, origin: Origin) => RouteContext

/** What an engine is put together from. */
export interface EngineParts {
  readonly network: Network
  readonly resolver: HopResolver
  readonly clock: Clock
  readonly log: Log
  readonly stats: StatisticsRegistry
  readonly makeContext: MakeContext
  readonly options?: Partial<EngineOptions>
}

/** The proxy without transactions: it receives, runs the routes, writes and sends (RFC 3261 §16.11). */
export class ProxyEngine implements SipProxy, ReceivingHost, ForwardingHost {
  /** May be replaced at any time; messages under way finish with the routes they began with. */
  routes: EngineRoutes = NO_ROUTES
  readonly hooks: Hooks
  readonly blacklists: Blacklists
  readonly network: Network
  readonly resolver: HopResolver
  readonly writer: MessageWriter
  readonly options: EngineOptions
  readonly counts: CoreStatistics
  readonly strayReplies: StrayReplyRouting
  readonly log: Log
  readonly makeContext: MakeContext
  readonly #receiver: Receiver
  readonly #names = new OwnNames()
  readonly #tagSalt: string
  #namedSockets = 0

  constructor(parts: EngineParts) {
    this.network = parts.network
    this.resolver = parts.resolver
    this.log = parts.log
    this.makeContext = parts.makeContext
    this.options = { ...ENGINE_DEFAULTS, ...parts.options }
    this.counts = coreStatistics(parts.stats)
    this.writer = new MessageWriter(this.options)
    this.hooks = new Hooks(this.writer)
    this.blacklists = new Blacklists(parts.clock)
    this.strayReplies = new StrayReplyRouting(parts.network, parts.resolver)
    this.#receiver = new Receiver(this)
    this.#tagSalt = parts.clock.nowMs().toString(36)
    const { advertisedHost, advertisedPort } = this.options
    if (advertisedHost !== null) this.#names.add(advertisedHost, advertisedPort ?? 0)
    parts.network.attach(this)
  }

  get sockets(): readonly ListenSocket[] {
    return this.network.sockets
  }

  /** Messages whose routes wait for something. */
  get waiting(): number {
    return this.#receiver.waiting
  }

  isMyself(host: string, port = 0): boolean {
    this.#nameSockets()
    return this.#names.has(host, port)
  }

  addAlias(host: string, port: number, acceptSubdomain = false): void {
    this.#names.add(host, port)
    if (acceptSubdomain) this.#names.addBelow(host, port)
  }

  findSocket(text: string): ListenSocket | undefined {
    const exact = this.sockets.find(socket => socket.text === text || (socket.tag !== null && socket.tag === text))
    const written = parseWrittenAddress(text)
    if (exact !== undefined || written === undefined) return exact
    return this.sockets.find(
      socket =>
        (written.proto === null || socket.proto === written.proto) &&
        (socket.address === written.host || socket.advertisedHost === written.host) &&
        socket.port === (written.port || DEFAULT_PORT[socket.proto]),
    )
  }

  resolve(uri: string): Eventually<readonly Hop[]> {
    return this.resolver.resolve(uri)
  }

  socketFor(hop: Hop, preferred: ListenSocket | null): ListenSocket | null {
    return chooseSocket(this.sockets, hop, preferred, this.options.mhomed)
  }

  send(bytes: Buffer, hop: Hop, socket: ListenSocket, onError?: (reason: string) => void): boolean {
    return this.network.send(bytes, hop, socket, onError)
  }

  replyHop(m: RouteContext): Hop {
    const hop = requestReplyHop(m)
    return (m.flags & this.options.noNewConnectionReplyFlag) === 0 ? hop : { ...hop, reuseOnly: true }
  }

  branchHop(m: RouteContext, target: Target, hop: Hop): Hop {
    const wanted = this.hooks.changeHop(m, hop)
    return (target.flags & this.options.noNewConnectionBranchFlag) === 0 ? wanted : { ...wanted, reuseOnly: true }
  }

  viaValue(socket: ListenSocket, branch: string): string {
    return this.writer.viaValue(socket, branch)
  }

  writeRequest(m: RouteContext, outgoing: Outgoing, branch: string): Buffer {
    return this.writer.request(m, outgoing, branch)
  }

  writeReply(m: RouteContext, reply: LocalReply): Buffer {
    return this.writer.reply(m, reply)
  }

  writeForwardedReply(m: RouteContext): Buffer | null {
    return this.writer.forwardedReply(m)
  }

  reply(m: RouteContext, reply: LocalReply): boolean {
    const { message } = m
    if (!message.isRequest || message.method === 'ACK' || !message.answerable) return false
    return this.send(this.writeReply(m, reply), this.replyHop(m), m.origin.socket)
  }

  refuse(m: RouteContext, { status, reason }: Pick<LocalReply, 'status' | 'reason'>): void {
    this.reply(m, { status, reason, toTag: statelessTag(m.message, this.#tagSalt) })
  }

  forward(m: RouteContext, destination: string | null): Eventually<Verdict> {
    const verdict = forwardStateless(this, m, destination)
    if (verdict instanceof Promise) return verdict.then(sent => this.#countForward(sent))
    return this.#countForward(verdict)
  }

  sendUnchanged(m: RouteContext, destination: string, headers: string): Eventually<Verdict> {
    return sendUnchanged(this, m, destination, headers)
  }

  receive(bytes: Buffer, origin: Origin): void {
    this.#receiver.receive(bytes, origin)
  }

  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void {
    this.#receiver.receiveBroken(head, fault, origin)
  }

  #countForward(verdict: Verdict): Verdict {
    if (verdict > 0) this.counts.fwdRequests.value += 1
    return verdict
  }

  /** Sockets may open after the engine is made. */
  #nameSockets(): void {
    for (; this.#namedSockets < this.sockets.length; this.#namedSockets += 1) {
      const socket = this.sockets[this.#namedSockets]
      if (socket !== undefined) this.#names.addSocket(socket)
    }
  }
}
