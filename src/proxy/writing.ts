import type { RouteContext } from '../script/context.ts'
import { messageSlot } from '../script/context.ts'
import { buildReply, forwardReply, forwardRequest } from '../sip/codec/write.ts'
import { hostPort } from '../sip/net/address.ts'
import type { ListenSocket } from '../sip/net/endpoint.ts'
import type { EngineOptions } from './options.ts'
import type { HeadersAtSend, LocalReply, Outgoing } from './proxy.ts'
import { asRequestUri } from './request-uri.ts'
import { ViaWriter, viaStamp } from './via.ts'

/** RFC 3261 §16.6 step 3: given to a request that has no Max-Forwards. */
const MAX_FORWARDS = 70

const headersAtSend = messageSlot<readonly HeadersAtSend[]>()

/** Puts messages together as they go out. */
export class MessageWriter {
  readonly #via: ViaWriter
  readonly #serverLine: string
  readonly #sipWarning: boolean

  constructor(options: EngineOptions) {
    this.#via = new ViaWriter(options.advertisedHost, options.advertisedPort, options.guardsLoops)
    this.#serverLine = options.serverHeader === null ? '' : `${options.serverHeader}\r\n`
    this.#sipWarning = options.sipWarning
  }

  /** Adds to the headers every branch of this message is written with; of copies made of it before not. */
  atSend(m: RouteContext, headers: HeadersAtSend): void {
    headersAtSend.set(m, [...(headersAtSend.get(m) ?? []), headers])
  }

  /** Our Via value for requests made here. */
  viaValue(socket: ListenSocket, branch: string): string {
    return this.#via.value(socket, branch)
  }

  /** The request for one branch, in the order of sip-core 5.3. */
  request(m: RouteContext, outgoing: Outgoing, branch: string): Buffer {
    let headersOnTop = ''
    for (const headers of headersAtSend.get(m) ?? []) headersOnTop += headers(outgoing, m)
    const { uri, path } = outgoing.target
    return forwardRequest(m.message, {
      edits: m.edits,
      uri: asRequestUri(uri),
      via: this.#via.valueFor(m, outgoing.socket, branch),
      stamp: viaStamp(m),
      headersOnTop,
      maxForwards: MAX_FORWARDS,
      routes: path === null || path === '' ? '' : `Route: ${path}\r\n`,
    })
  }

  /** A reply made here (RFC 3261 §8.2.6). */
  reply(m: RouteContext, reply: LocalReply): Buffer {
    const warning = this.#sipWarning ? warningLine(m) : ''
    return buildReply(m.message, {
      status: reply.status,
      reason: reply.reason,
      toTag: reply.toTag,
      stamp: viaStamp(m),
      headers: m.replyHeaders + (reply.headers ?? '') + this.#serverLine + warning,
      ...bodyOf(m, reply),
    })
  }

  /** A received reply without our Via; null when no other is left. */
  forwardedReply(m: RouteContext): Buffer | null {
    return forwardReply(m.message, m.edits)
  }
}

/** The reply's own body, else what the script has collected; a 100 carries none, for it goes one hop only. */
function bodyOf(m: RouteContext, reply: LocalReply): { body?: string | Buffer } {
  if (reply.body !== undefined) return { body: reply.body }
  return m.replyBody === '' || reply.status === 100 ? {} : { body: m.replyBody }
}

/** `sip_warning`: what helps to find out, at the far end, where and why a reply was made (RFC 3261 §20.43, code 392). */
function warningLine(m: RouteContext): string {
  const { origin, message, target } = m
  const facts = [
    `req_src_ip=${origin.address}`,
    `req_src_port=${origin.port}`,
    `in_uri=${message.requestUri}`,
    `out_uri=${target.uri}`,
    `via_cnt=${message.vias.length}`,
  ]
  const text = facts
    .join(' ')
    .replace(/[\\"]/g, '\\$&')
    .replace(/[\r\n]+/g, ' ')
  return `Warning: 392 ${hostPort(origin.socket.address, origin.socket.port)} "${text}"\r\n`
}
