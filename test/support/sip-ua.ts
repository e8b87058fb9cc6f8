import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { SipMessage } from '../../src/sip/codec/message.ts'
import { firstLine, headerOf } from '../../src/testing/message-text.ts'

export { firstLine, headerOf, headersOf } from '../../src/testing/message-text.ts'

/** So many of the messages that came stand in the text of an error. */
const MOST_COMPLAINED = 20
/** How long an expected message is waited for before the test is told what came instead. */
const PATIENCE_MS = 10_000

/** What a request is made of; everything has a default. */
export interface RequestOptions {
  readonly uri?: string
  readonly callId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly fromTag?: string
  readonly toTag?: string
  readonly to?: string
  /** Complete header lines, each with CRLF. */
  readonly headers?: string
  readonly body?: string
}

/** What a reply has beside status and reason. */
export interface ReplyOptions {
  readonly toTag?: string
  /** Complete header lines, each with CRLF. */
  readonly headers?: string
  readonly body?: string
}

/** Which message is meant: a method for a request, a status for a reply, both for a reply to that method. */
export interface Expected {
  readonly method?: string
  readonly status?: number
}

let lastNumber = 0
const unique = (): string => `${process.pid}${(lastNumber++).toString(36)}`

/**
 * A SIP user agent on a free loopback port, for tests: it sends what it is told and keeps what it gets until asked. It
 * answers, repeats and acknowledges nothing by itself. It is closed at the end of the test.
 */
export class SipUa {
  readonly name: string
  readonly proto: 'udp' | 'tcp'
  readonly port: number
  /** Everything that came, in order. */
  readonly received: SipMessage[] = []
  readonly #transport: Transport
  #closing: Promise<void> | null = null
  /** What no `next` has taken yet. */
  readonly #unread: SipMessage[] = []
  #wake: () => void = () => {}

  private constructor(name: string, transport: Transport) {
    this.name = name
    this.proto = transport.proto
    this.port = transport.port
    this.#transport = transport
    transport.onMessage = bytes => this.#take(bytes)
  }

  /** `address` is the loopback address that a UDP agent sends from. */
  static async open(name: string, proto: 'udp' | 'tcp' = 'udp', address = '127.0.0.1'): Promise<SipUa> {
    const transport = proto === 'udp' ? await UdpTransport.open(address) : await TcpTransport.open()
    const agent = new SipUa(name, transport)
    onTestFinished(() => agent.close())
    return agent
  }

  /** `sip:name@127.0.0.1:port`, with the transport if it is not UDP. */
  get uri(): string {
    return `sip:${this.name}@127.0.0.1:${this.port}${this.proto === 'tcp' ? ';transport=tcp' : ''}`
  }

  send(bytes: string | Buffer, port: number): void {
    this.#transport.send(Buffer.from(bytes), port)
  }

  /** Vanishes: closes its socket and, over TCP, its connections. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#transport.close()
    return this.#closing
  }

  /** Makes a request without sending it. */
  makeRequest(method: string, options: RequestOptions = {}): string {
    const { uri = 'sip:bob@127.0.0.1', cseq = 1, headers = '', body = '' } = options
    const toTag = options.toTag === undefined ? '' : `;tag=${options.toTag}`
    const branch = options.branch ?? `z9hG4bK${unique()}`
    return (
      `${method} ${uri} SIP/2.0\r\n` +
      `Via: SIP/2.0/${this.proto.toUpperCase()} 127.0.0.1:${this.port};branch=${branch}\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:${this.name}@127.0.0.1>;tag=${options.fromTag ?? unique()}\r\n` +
      `To: <${options.to ?? 'sip:bob@127.0.0.1'}>${toTag}\r\nCall-ID: ${options.callId ?? unique()}\r\n` +
      `CSeq: ${cseq} ${method}\r\nContact: <${this.uri}>\r\n${headers}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
  }

  /** Sends a request to a port and gives it as a message. */
  request(method: string, port: number, options: RequestOptions = {}): SipMessage {
    const text = this.makeRequest(method, options)
    this.send(text, port)
    return parsed(text)
  }

  /** The CANCEL of an INVITE (RFC 3261 §9.1). */
  cancel(invite: SipMessage, port: number, headers = ''): SipMessage {
    const text = sameBranch(invite, 'CANCEL', headerOf(invite, 'To'), headers)
    this.send(text, port)
    return parsed(text)
  }

  /** The ACK of a negative final reply (RFC 3261 §17.1.1.3). */
  ack(invite: SipMessage, reply: SipMessage, port: number): void {
    this.send(sameBranch(invite, 'ACK', headerOf(reply, 'To'), ''), port)
  }

  /** Makes a reply to a request, with its Via stack, Record-Routes and a To tag, without sending it. */
  makeReply(request: SipMessage, status: number, reason: string, options: ReplyOptions = {}): string {
    const { toTag = `${this.name}-tag`, headers = '', body = '' } = options
    const copied = linesOf(request, ['via', 'record-route', 'from', 'call-id', 'cseq'])
    const to = headerOf(request, 'To')
    const tag = request.toTag === '' && status > 100 ? `;tag=${toTag}` : ''
    return (
      `SIP/2.0 ${status} ${reason}\r\n${copied}To: ${to}${tag}\r\nContact: <${this.uri}>\r\n${headers}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
  }

  /** Replies to where the top Via says, and gives the reply as a message. */
  reply(request: SipMessage, status: number, reason: string, options: ReplyOptions = {}): SipMessage {
    const text = this.makeReply(request, status, reason, options)
    this.send(text, request.topVia?.rport || request.topVia?.port || 5060)
    return parsed(text)
  }

  /** The next request with this method, taken out of what came; waits for it. */
  nextRequest(method: string): Promise<SipMessage> {
    return this.#next({ method })
  }

  /** The next reply with this status, taken out of what came; waits for it. */
  nextReply(status: number, method?: string): Promise<SipMessage> {
    return this.#next(method === undefined ? { status } : { status, method })
  }

  /** How many messages of this kind came so far. */
  count(expected: Expected): number {
    return this.received.filter(message => matches(message, expected)).length
  }

  async #next(expected: Expected): Promise<SipMessage> {
    const timeout = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const at = this.#unread.findIndex(message => matches(message, expected))
      const [found] = at < 0 ? [] : this.#unread.splice(at, 1)
      if (found !== undefined) {
        timeout.onabort = null
        return found
      }
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve
        timeout.onabort = () => reject(new Error(this.#complaint(expected)))
      })
    }
  }

  #complaint(expected: Expected): string {
    const last = this.received.slice(-MOST_COMPLAINED)
    const came = last.map(message => firstLine(message)).join(' | ')
    const count = this.received.length
    return `${this.name} waited for ${JSON.stringify(expected)} in vain; of ${count} messages the last: ${came || 'none'}`
  }

  #take(bytes: Buffer): void {
    const message = SipMessage.parse(bytes)
    if (message === null) return
    this.received.push(message)
    this.#unread.push(message)
    this.#wake()
  }
}

function parsed(text: string): SipMessage {
  const message = SipMessage.parse(Buffer.from(text))
  if (message === null) throw new Error(`not a SIP message: ${text}`)
  return message
}

function matches(message: SipMessage, { method, status }: Expected): boolean {
  if (status !== undefined) return message.status === status && (method === undefined || message.cseqMethod === method)
  return message.isRequest && message.method === method
}

function sameBranch(invite: SipMessage, method: string, to: string, headers: string): string {
  return (
    `${method} ${invite.requestUri} SIP/2.0\r\nVia: ${headerOf(invite, 'Via')}\r\nMax-Forwards: 70\r\n` +
    `From: ${headerOf(invite, 'From')}\r\nTo: ${to}\r\nCall-ID: ${invite.callId}\r\n` +
    `CSeq: ${invite.cseq} ${method}\r\n${headers}Content-Length: 0\r\n\r\n`
  )
}

function linesOf(message: SipMessage, names: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < message.headerCount; i++) {
    const name = message.headerName(i)
    if (names.includes(name.toLowerCase())) lines += `${name}: ${message.headerValue(i)}\r\n`
  }
  return lines
}

interface Transport {
  readonly proto: 'udp' | 'tcp'
  readonly port: number
  onMessage: (bytes: Buffer) => void
  send(bytes: Buffer, port: number): void
  close(): Promise<void>
}

class UdpTransport implements Transport {
  readonly proto = 'udp'
  onMessage: (bytes: Buffer) => void = () => {}
  readonly #socket: UdpSocket

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    socket.on('message', bytes => this.onMessage(bytes))
  }

  static async open(address: string): Promise<UdpTransport> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, address, resolve)
    })
    return new UdpTransport(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: Buffer, port: number): void {
    this.#socket.send(bytes, port, '127.0.0.1')
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.close(() => resolve()))
  }
}

/** Listens, and sends over the last connection with the port, opening one where there is none. */
class TcpTransport implements Transport {
  readonly proto = 'tcp'
  onMessage: (bytes: Buffer) => void = () => {}
  readonly port: number
  readonly #server: Server
  readonly #connections = new Map<number, Socket>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', socket => this.#adopt(socket, socket.remotePort ?? 0))
  }

  static async open(): Promise<TcpTransport> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no TCP address')
    return new TcpTransport(server, address.port)
  }

  send(bytes: Buffer, port: number): void {
    const socket = this.#connections.get(port) ?? [...this.#connections.values()].at(-1)
    if (socket !== undefined) socket.write(bytes)
    else this.#adopt(connectTcp({ port, host: '127.0.0.1' }), port).write(bytes)
  }

  async close(): Promise<void> {
    for (const socket of this.#connections.values()) socket.destroy()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #adopt(socket: Socket, port: number): Socket {
    this.#connections.set(port, socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => this.#connections.delete(port))
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (let length = messageLength(rest); length > 0; length = messageLength(rest)) {
        this.onMessage(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
    })
    return socket
  }
}

/** Length of the first whole message in a stream's bytes, 0 if there is none yet. */
function messageLength(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const declared = /^content-length\s*:\s*(\d+)/im.exec(bytes.toString('latin1', 0, end))
  const length = end + 4 + Number(declared?.[1] ?? 0)
  return length <= bytes.length ? length : 0
}
