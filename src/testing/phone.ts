import { SipMessage } from '../sip/codec/message.ts'
import { parseUri } from '../sip/codec/uri-parse.ts'
import { bracketed, hostPort, withoutBrackets } from '../sip/net/address.ts'
import { DEFAULT_PORT, type Proto } from '../sip/net/endpoint.ts'
import { Call } from './call.ts'
import { answerTo, type ChallengeAnswer } from './challenge-answer.ts'
import { HeaderLines, type Headers, headerOf, headersOf } from './message-text.ts'
import { branchOf, isSessionDescription, PhoneError, parsed, REASONS, sameBranch, servedKey } from './phone-messages.ts'
import type { Station, WireAddress } from './wire.ts'

/** A phone or another SIP element that a test plays. */
export interface PhoneSettings {
  readonly name: string
  readonly proto: Proto
  readonly address: string
  readonly port: number
  /** Its address of record, `sip:alice@example.com`. */
  readonly aor: string
  /** Answers challenges with it; the user name is that of the address of record. */
  readonly password?: string | undefined
  /** Acknowledges and answers nothing by itself. */
  readonly isManual?: boolean | undefined
}

/** What a phone needs of the test around it. */
export interface PhoneSurroundings {
  send(from: Station, target: WireAddress, bytes: Buffer): void
  /** Where requests that begin something go: the proxy. */
  outbound(proto: Proto): WireAddress
  /** Where a host and port of a SIP URI lead; the proxy's socket where they name it. */
  locate(host: string, port: number, proto: Proto): WireAddress
}

/** What a request is made of beside its method. */
export interface RequestParts {
  readonly uri?: string | undefined
  readonly to?: string | undefined
  /** Take the place of the phone's own lines; null leaves a header out. */
  readonly headers?: Headers | undefined
  readonly body?: string | undefined
  /** Sent within the present call. */
  readonly inCall?: boolean | undefined
}

/** What a reply has beside its status. */
export interface ReplyParts {
  readonly reason?: string | undefined
  readonly headers?: Headers | undefined
  readonly body?: string | undefined
}

/** A message that came, and whether a step of the test has spoken of it. */
export interface Arrival {
  readonly message: SipMessage
  isRead: boolean
}

interface Served {
  readonly request: SipMessage
  lastReply: Buffer | null
  isFinal: boolean
}

/** What a phone answers without being told: the end of a call, and the questions that keep it known. */
const ANSWERED_AT_ONCE: ReadonlySet<string> = new Set(['BYE', 'CANCEL', 'OPTIONS', 'NOTIFY'])

/**
 * A SIP user agent that does what the protocol makes every phone do: it acknowledges what it gets for its calls, answers
 * BYE, CANCEL, OPTIONS and NOTIFY, repeats a reply when the request comes again, answers challenges if it has a password.
 * All else it does when told. It repeats no request by itself: nothing is lost on the way.
 */
export class Phone implements Station {
  readonly name: string
  readonly proto: Proto
  readonly address: string
  readonly port: number
  readonly aor: string
  readonly arrivals: Arrival[] = []
  isAway = false
  call: Call | null = null
  readonly #settings: PhoneSettings
  readonly #around: PhoneSurroundings
  readonly #served = new Map<string, Served>()
  /** Requests sent, by branch. */
  readonly #asked = new Map<string, SipMessage>()
  readonly #registration: string
  #cseq = 0
  #count = 0

  constructor(settings: PhoneSettings, around: PhoneSurroundings) {
    this.name = settings.name
    this.proto = settings.proto
    this.address = settings.address
    this.port = settings.port
    this.aor = settings.aor
    this.#settings = settings
    this.#around = around
    this.#registration = `registration-${this.name}@${this.address}`
  }

  /** The URI it is reached at. */
  get contact(): string {
    const transport = this.proto === 'udp' ? '' : `;transport=${this.proto}`
    return `sip:${this.name}@${hostPort(this.address, this.port)}${transport}`
  }

  receive(bytes: Buffer): void {
    const message = SipMessage.parse(bytes)
    if (message === null) return
    if (message.isRequest) this.#takeRequest(message)
    else this.#takeReply(message)
  }

  /** Sends a request and gives it as it went out. Throws PhoneError. */
  request(method: string, parts: RequestParts = {}): SipMessage {
    const call = parts.inCall === true ? this.#callToUse() : null
    const text = call === null ? this.#newRequest(method, parts) : this.#requestInCall(call, method, parts)
    const request = this.#remember(text)
    if (method === 'INVITE' && call === null) this.call = Call.begun(request)
    this.#sendRequest(request, call)
    return request
  }

  register(expiresS: number, headers: Headers = {}): SipMessage {
    return this.request('REGISTER', {
      to: this.aor,
      headers: { 'Call-ID': this.#registration, Expires: String(expiresS), ...headers },
    })
  }

  /** Replies to the newest request that waits for it; `method` says to which kind. Throws PhoneError where none waits. */
  reply(status: number, parts: ReplyParts = {}, method?: string): SipMessage {
    const open = [...this.#served.values()].filter(
      ({ request, isFinal }) => !isFinal && (method === undefined || request.method === method),
    )
    const served = open.at(-1)
    if (served === undefined) throw new PhoneError(`${this.name} has no ${method ?? 'request'} that waits for a reply`)
    const key = servedKey(served.request, served.request.method)
    for (const arrival of this.arrivals)
      if (arrival.message.isRequest && servedKey(arrival.message, arrival.message.method) === key) arrival.isRead = true
    return this.#reply(served, status, parts)
  }

  /** Takes the call back that it has begun. Throws PhoneError. */
  cancel(headers: Headers = {}): SipMessage {
    const { invite } = this.#callToUse()
    const request = parsed(sameBranch(invite, 'CANCEL', headerOf(invite, 'To'), headers))
    this.#sendRequest(request, null)
    return request
  }

  /** Sends bytes to the proxy as they are. */
  sendRaw(text: string): void {
    this.#around.send(this, this.#around.outbound(this.proto), Buffer.from(text))
  }

  /** The URI of its domain: what asks nobody in particular asks the proxy. */
  get #domainUri(): string {
    return `sip:${this.aor.slice(this.aor.indexOf('@') + 1)}`
  }

  #callToUse(): Call {
    if (this.call === null) throw new PhoneError(`${this.name} is in no call`)
    return this.call
  }

  #unique(): string {
    this.#count += 1
    return `${this.name}-${this.#count}`
  }

  #remember(text: string): SipMessage {
    const request = parsed(text)
    this.#asked.set(branchOf(request), request)
    return request
  }

  #sendRequest(request: SipMessage, call: Call | null): void {
    this.#around.send(this, call === null ? this.#around.outbound(this.proto) : this.#nextHop(call), request.bytes)
  }

  #nextHop({ routes, target }: Call): WireAddress {
    const text = routes[0]?.slice(1, -1) ?? target
    const uri = parseUri(text)
    if (uri === null) throw new PhoneError(`${this.name} cannot send to "${text}": it is no SIP URI`)
    const proto = (uri.params.get('transport')?.toLowerCase() ?? 'udp') as Proto
    return this.#around.locate(withoutBrackets(uri.host), uri.port || 0, proto)
  }

  #newRequest(method: string, { uri = this.#domainUri, to = uri, headers = {}, body }: RequestParts): string {
    const tag = this.#unique()
    this.#cseq += 1
    const content = body ?? (method === 'INVITE' ? this.#sessionDescription() : '')
    return this.#lines(this.#cseq, method, content)
      .set('From', `<${this.aor}>;tag=${tag}`)
      .set('To', `<${to}>`)
      .set('Call-ID', `${tag}@${this.address}`)
      .setAll(headers)
      .message(`${method} ${uri} SIP/2.0`, content)
  }

  #requestInCall(call: Call, method: string, { headers = {}, body, uri }: RequestParts): string {
    if (method !== 'ACK') call.cseq += 1
    const content = body ?? (method === 'INVITE' ? this.#sessionDescription() : '')
    const lines = this.#lines(method === 'ACK' ? call.invite.cseq : call.cseq, method, content)
    if (call.routes.length > 0) lines.set('Route', call.routes)
    return lines
      .set('From', call.local)
      .set('To', call.remote)
      .set('Call-ID', call.callId)
      .setAll(headers)
      .message(`${method} ${uri ?? call.target} SIP/2.0`, content)
  }

  #lines(cseq: number, method: string, body: string): HeaderLines {
    const lines = new HeaderLines()
      .set(
        'Via',
        `SIP/2.0/${this.proto.toUpperCase()} ${hostPort(this.address, this.port)};branch=z9hG4bK-${this.#unique()};rport`,
      )
      .set('Max-Forwards', '70')
      .set('CSeq', `${cseq} ${method}`)
      .set('Contact', `<${this.contact}>`)
    return isSessionDescription(body) ? lines.set('Content-Type', 'application/sdp') : lines
  }

  #sessionDescription(): string {
    const address = `IN ${this.address.includes(':') ? 'IP6' : 'IP4'} ${this.address}`
    return ['v=0', `o=- 1 1 ${address}`, 's=-', `c=${address}`, 't=0 0', 'm=audio 4000 RTP/AVP 0 8', ''].join('\r\n')
  }

  #takeRequest(request: SipMessage): void {
    const served = this.#served.get(servedKey(request, request.method))
    if (served !== undefined && served.lastReply !== null) {
      this.#sendReply(served.request, served.lastReply)
      return
    }
    this.arrivals.push({ message: request, isRead: false })
    if (request.method === 'ACK' || served !== undefined) return
    const fresh: Served = { request, lastReply: null, isFinal: false }
    this.#served.set(servedKey(request, request.method), fresh)
    if (this.#settings.isManual === true || !ANSWERED_AT_ONCE.has(request.method)) return
    this.#reply(fresh, 200, {})
    if (request.method === 'CANCEL') this.#endCancelled(request)
    if (request.method === 'BYE' && this.call?.callId === request.callId) this.call = null
  }

  #endCancelled(cancel: SipMessage): void {
    const invite = this.#served.get(servedKey(cancel, 'INVITE'))
    if (invite !== undefined && !invite.isFinal) this.#reply(invite, 487, {})
  }

  #reply(served: Served, status: number, { reason, headers = {}, body }: ReplyParts): SipMessage {
    const { request } = served
    const isInvite = request.method === 'INVITE'
    if (isInvite && status > 100 && this.call?.invite !== request && status < 300 && request.toTag === '')
      this.call = Call.received(request, this.#unique())
    const call = this.call?.invite === request ? this.call : null
    const content = body ?? (isInvite && status === 200 ? this.#sessionDescription() : '')
    const lines = new HeaderLines()
    for (const name of ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq']) {
      const values = headersOf(request, name)
      if (values.length > 0) lines.set(name, values)
    }
    lines.set('To', this.#toOf(request, status, call)).set('Contact', `<${this.contact}>`)
    if (isSessionDescription(content)) lines.set('Content-Type', 'application/sdp')
    const text = lines.setAll(headers).message(`SIP/2.0 ${status} ${reason ?? REASONS[status] ?? 'Unnamed'}`, content)
    served.lastReply = Buffer.from(text)
    served.isFinal = status >= 200
    if (call !== null && status >= 200) call.isUp = status < 300
    this.#sendReply(request, served.lastReply)
    return parsed(text)
  }

  #toOf(request: SipMessage, status: number, call: Call | null): string {
    if (call !== null) return call.local
    const to = headerOf(request, 'To')
    return request.toTag !== '' || status === 100 ? to : `${to};tag=${this.#unique()}`
  }

  #sendReply(request: SipMessage, bytes: Buffer): void {
    const via = request.topVia
    if (via === null) return
    const host = via.received !== '' ? via.received : via.host
    const port = via.rport || via.port || DEFAULT_PORT[this.proto]
    this.#around.send(this, this.#around.locate(withoutBrackets(host), port, this.proto), bytes)
  }

  #takeReply(reply: SipMessage): void {
    const arrival: Arrival = { message: reply, isRead: false }
    this.arrivals.push(arrival)
    const request = this.#asked.get(branchOf(reply))
    if (request === undefined || this.#settings.isManual === true || reply.cseqMethod === 'CANCEL') return
    const call = request.method === 'INVITE' && this.call?.callId === reply.callId ? this.call : null
    if (reply.status < 300) {
      if (call?.isCaller && call.invite === request) call.learn(reply)
      if (call !== null && reply.status >= 200) this.#acknowledge(call, reply)
      if (request.method === 'BYE' && this.call?.callId === reply.callId) this.call = null
      return
    }
    if (request.method === 'INVITE')
      this.#sendRequest(parsed(sameBranch(request, 'ACK', headerOf(reply, 'To'), {})), null)
    if (this.#answerChallenge(request, reply, call)) arrival.isRead = true
    else if (call !== null && call.invite === request) this.call = null
  }

  #acknowledge(call: Call, reply: SipMessage): void {
    const text = this.#requestInCall(call, 'ACK', { headers: { CSeq: `${reply.cseq} ACK` } })
    this.#sendRequest(parsed(text), call)
  }

  /** Sends the request again with credentials. False without a password, and where it had some already. */
  #answerChallenge(request: SipMessage, reply: SipMessage, call: Call | null): boolean {
    const { password } = this.#settings
    if (password === undefined) return false
    const user = parseUri(this.aor)?.user ?? this.name
    const answer = answerTo(request, reply, { user, password, cnonce: this.#unique() })
    if (answer === null) return false
    const again = this.#remember(this.#repeated(request, answer))
    if (call !== null && call.invite === request) this.call = Call.begun(again)
    this.#sendRequest(again, null)
    return true
  }

  /** The request with the next CSeq, a branch of its own and one more header. */
  #repeated(request: SipMessage, { name, value }: ChallengeAnswer): string {
    const lines = new HeaderLines()
    for (let i = 0; i < request.headerCount; i++) {
      const header = request.headerName(i)
      lines.set(header, headersOf(request, header))
    }
    this.#cseq = Math.max(this.#cseq, request.cseq) + 1
    lines.set('CSeq', `${this.#cseq} ${request.method}`).set(name, value)
    const via = headerOf(request, 'Via').replace(/branch=[^;]*/, `branch=z9hG4bK-${this.#unique()}`)
    return lines.set('Via', via).message(`${request.method} ${request.requestUri} SIP/2.0`, request.body.toString())
  }
}

/** A URI for a user of a domain; IPv6 in brackets. */
export const userUri = (user: string, domain: string): string => `sip:${user}@${bracketed(domain)}`
