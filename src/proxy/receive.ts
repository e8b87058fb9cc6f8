import type { Log } from '../log/log.ts'
import type { RouteContext, RouteKind, Step } from '../script/context.ts'
import { ScriptError } from '../script/diagnostic.ts'
import { type Fault, SipMessage } from '../sip/codec/message.ts'
import { isStream } from '../sip/net/address.ts'
import { DEFAULT_PORT, type Hop, type ListenSocket, type Origin } from '../sip/net/endpoint.ts'
import type { Network } from '../sip/net/network.ts'
import type { StreamFault } from '../sip/net/stream-framer.ts'
import { andThen } from '../util/and-then.ts'
import type { CoreStatistics } from './core-statistics.ts'
import type { Hooks } from './hooks.ts'
import { isLoop } from './loop-guard.ts'
import type { EngineOptions, EngineRoutes } from './options.ts'
import type { LocalReply } from './proxy.ts'
import type { StrayReplyRouting } from './reply-routing.ts'
import type { MessageWriter } from './writing.ts'

/** Class of faults that error routes are told of: the message cannot be read. */
const PARSE_ERROR = 1

/** What receiving needs of the engine. */
export interface ReceivingHost {
  readonly network: Network
  readonly writer: MessageWriter
  readonly hooks: Hooks
  readonly counts: CoreStatistics
  readonly options: EngineOptions
  readonly strayReplies: StrayReplyRouting
  readonly log: Log
  readonly routes: EngineRoutes
  makeContext(kind: RouteKind, message: SipMessage, origin: Origin): RouteContext
  isMyself(host: string, port: number): boolean
  socketFor(hop: Hop, preferred: ListenSocket | null): ListenSocket | null
  /** Answers a request, with the To tag of stateless replies. */
  refuse(m: RouteContext, reply: Pick<LocalReply, 'status' | 'reason'>): void
}

/** The way of a message from its bytes to the routes (script reference, order for an incoming request and reply). */
export class Receiver {
  readonly #host: ReceivingHost
  /** Messages whose routes wait for something. */
  #waiting = 0

  constructor(host: ReceivingHost) {
    this.#host = host
  }

  /** How many messages wait inside their routes. */
  get waiting(): number {
    return this.#waiting
  }

  /** Takes one message. Never throws, whatever the bytes, the script and the modules do. */
  receive(bytes: Buffer, origin: Origin): void {
    try {
      const message = SipMessage.parse(bytes)
      if (message === null) return
      if (message.isRequest) this.#request(message, origin)
      else this.#reply(message, origin)
    } catch (error) {
      this.#report('message processing failed', error)
    }
  }

  /** Answers, where it can be answered, the head of a request that its stream cannot deliver whole. */
  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void {
    try {
      const message = SipMessage.parse(head)
      if (message === null) return
      const { counts } = this.#host
      counts.badHeaders.value += 1
      if (!message.isRequest) counts.errReplies.value += 1
      else {
        counts.errRequests.value += 1
        this.#host.refuse(this.#host.makeContext('request', message, origin), fault)
      }
    } catch (error) {
      this.#report('message processing failed', error)
    }
  }

  #request(message: SipMessage, origin: Origin): void {
    const { counts, hooks, routes } = this.#host
    if (message.fault !== null) {
      this.#badRequest(message, message.fault, origin)
      return
    }
    counts.rcvRequests.value += 1
    if (isStream(origin.proto)) this.#noteAlias(message, origin)
    const m = this.#host.makeContext('request', message, origin)
    if (hooks.refuses(m)) {
      counts.dropRequests.value += 1
      return
    }
    if (this.#isLoop(message)) {
      this.#host.refuse(m, { status: 482, reason: 'Loop Detected' })
      return
    }
    // Not counted as dropped: what modules take are retransmissions and ACKs, which is how it should be.
    if (hooks.takeRequest(m)) return
    this.#run(routes.main, m, counts.dropRequests, () => {
      for (const error of hooks.finishRequest(m)) this.#report('a module failed after the request route', error)
    })
  }

  /** An ACK is not answered, and a CANCEL goes the way of its INVITE. */
  #isLoop(message: SipMessage): boolean {
    if (!this.#host.options.guardsLoops || message.method === 'ACK' || message.method === 'CANCEL') return false
    return isLoop(message, (host, port) => this.#host.isMyself(host, port))
  }

  /** sip-core 14.3: the error route if there is one, else a reply with the reason if the request can be answered. */
  #badRequest(message: SipMessage, fault: Fault, origin: Origin): void {
    const { counts, hooks, routes, log } = this.#host
    counts.errRequests.value += 1
    this.#countFault(fault)
    log.debug('bad request', { from: origin.address, port: origin.port, fault: fault.code, reason: fault.reason })
    const m = this.#host.makeContext(routes.error === null ? 'request' : 'error', message, origin)
    if (hooks.refuses(m)) return
    if (routes.error === null) {
      this.#host.refuse(m, fault)
      return
    }
    m.fault = { class: PARSE_ERROR, level: 1, info: fault.reason, status: fault.status, reason: fault.reason }
    this.#run(routes.error, m, counts.dropRequests, () => {})
  }

  #reply(message: SipMessage, origin: Origin): void {
    const { counts, hooks, options, routes } = this.#host
    const m = this.#host.makeContext('onreply', message, origin)
    if (hooks.refuses(m)) {
      counts.dropReplies.value += 1
      return
    }
    const via = message.topVia
    if (message.fault !== null) this.#countFault(message.fault)
    if (message.fault !== null || via === null) {
      counts.errReplies.value += 1
      return
    }
    // RFC 3261 §16.7 step 1, §18.1.2
    if (options.checkVia && !this.#host.isMyself(via.host, via.port)) {
      counts.errReplies.value += 1
      return
    }
    counts.rcvReplies.value += 1
    if (routes.onreply === null) this.#afterReplyRoute(m)
    else this.#run(routes.onreply, m, counts.dropReplies, () => this.#afterReplyRoute(m))
  }

  #afterReplyRoute(m: RouteContext): void {
    const { counts, hooks, options } = this.#host
    if (m.dropped && m.message.status < 200) {
      counts.dropReplies.value += 1
      return
    }
    if (hooks.takeReply(m) || !options.forwardStrayReplies) return
    this.#forwardReply(m)
  }

  #forwardReply(m: RouteContext): void {
    const { counts, writer, strayReplies, network } = this.#host
    const bytes = writer.forwardedReply(m)
    if (bytes === null) return
    const sent = andThen(strayReplies.hops(m.message), hops =>
      hops.some(hop => {
        const socket = this.#host.socketFor(hop, m.origin.socket)
        return socket !== null && network.send(bytes, hop, socket)
      }),
    )
    void andThen(sent, wasSent => {
      if (wasSent) counts.fwdReplies.value += 1
    })
  }

  /** Runs a route and then `done`, also when the route failed: that costs this message alone. */
  #run(step: Step | null, m: RouteContext, refused: { value: number }, done: () => void): void {
    if (this.#waiting >= this.#host.options.maxWaiting) {
      refused.value += 1
      return
    }
    try {
      const verdict = step === null ? 0 : step(m)
      if (verdict instanceof Promise) {
        this.#waiting += 1
        verdict.then(
          () => this.#finish(done),
          (error: unknown) => {
            this.#report('route failed', error)
            this.#finish(done)
          },
        )
        return
      }
    } catch (error) {
      this.#report('route failed', error)
    }
    done()
  }

  #finish(done: () => void): void {
    this.#waiting -= 1
    try {
      done()
    } catch (error) {
      this.#report('message processing failed', error)
    }
  }

  #noteAlias(message: SipMessage, origin: Origin): void {
    const { acceptAliases } = this.#host.options
    const via = message.topVia
    if (acceptAliases === 0 || via === null) return
    if (acceptAliases === 1 && !via.params.has('alias')) return
    this.#host.network.connections.addAlias(origin.connectionId, via.port || DEFAULT_PORT[origin.proto])
  }

  #countFault(fault: Fault): void {
    const { counts } = this.#host
    if (isUriFault(fault)) counts.badUris.value += 1
    else counts.badHeaders.value += 1
  }

  #report(what: string, error: unknown): void {
    const { log } = this.#host
    if (error instanceof ScriptError) log.error(what, { file: error.file, line: error.line, error: error.message })
    else log.error(what, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

function isUriFault(fault: Fault): boolean {
  return fault.code === 'bad-request-uri'
}
