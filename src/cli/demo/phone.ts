import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** One received SIP message, as far as a phone needs it. */
interface Message {
  readonly startLine: string
  /** 0 for requests. */
  readonly status: number
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
}

const REPLY_TIMEOUT_MS = 5000
const token = (): string => randomBytes(6).toString('hex')

/** A phone was refused, or not answered. The message is for people. */
export class PhoneError extends Error {
  override readonly name = 'PhoneError'
  readonly code = 'E_PHONE'
}

/** A SIP phone of the plainest kind: registers, answers every call at once, calls and hangs up. UDP only. */
export class Phone {
  readonly user: string
  readonly #socket: Socket
  readonly #proxyPort: number
  readonly #registration = { callId: token(), cseq: 0 }
  readonly #replies = new Map<string, (reply: Message) => void>()
  /** What this phone heard, for the demo to show. */
  onMessage: (line: string) => void = () => {}

  private constructor(user: string, socket: Socket, proxyPort: number) {
    this.user = user
    this.#socket = socket
    this.#proxyPort = proxyPort
    socket.on('message', bytes => this.#receive(parse(bytes.toString())))
    socket.on('error', () => {})
  }

  /** A phone on a free port of the loopback interface, served by the proxy at `proxyPort`. */
  static async create(user: string, proxyPort: number): Promise<Phone> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new Phone(user, socket, proxyPort)
  }

  get contact(): string {
    return `sip:${this.user}@127.0.0.1:${this.#socket.address().port}`
  }

  /** Registers for `expiresS` seconds; 0 takes the registration back. Rejects with PhoneError. */
  async register(expiresS: number): Promise<void> {
    const { callId } = this.#registration
    await this.#succeed('REGISTER', 'sip:127.0.0.1', ++this.#registration.cseq, [
      `From: <sip:${this.user}@127.0.0.1>;tag=${token()}`,
      `To: <sip:${this.user}@127.0.0.1>`,
      `Call-ID: ${callId}`,
      `Contact: <${this.contact}>`,
      `Expires: ${expiresS}`,
    ])
  }

  /** Calls another user and hangs up once the call stands. Rejects with PhoneError. */
  async callAndHangUp(callee: string): Promise<void> {
    const from = `From: <sip:${this.user}@127.0.0.1>;tag=${token()}`
    const callId = `Call-ID: ${token()}`
    const answer = await this.#succeed('INVITE', `sip:${callee}@127.0.0.1`, 1, [
      from,
      `To: <sip:${callee}@127.0.0.1>`,
      callId,
      `Contact: <${this.contact}>`,
    ])
    // RFC 3261 §12.1.2: the route set is that of the answer in reverse order, the target its Contact.
    const routes = values(answer, 'record-route')
      .toReversed()
      .map(route => `Route: ${route}`)
    const dialog = [...routes, from, `To: ${value(answer, 'to')}`, callId]
    const target = /<([^>]+)>/.exec(value(answer, 'contact'))?.[1] ?? `sip:${callee}@127.0.0.1`
    this.#send(this.#write('ACK', target, 1, token(), dialog))
    await this.#succeed('BYE', target, 2, dialog)
  }

  close(): void {
    this.#socket.close()
  }

  #write(method: string, uri: string, cseq: number, branch: string, headers: readonly string[]): string {
    const via = `Via: SIP/2.0/UDP 127.0.0.1:${this.#socket.address().port};branch=z9hG4bK${branch};rport`
    const lines = [`${method} ${uri} SIP/2.0`, via, 'Max-Forwards: 70', ...headers, `CSeq: ${cseq} ${method}`]
    return `${[...lines, 'User-Agent: fanfare-demo', 'Content-Length: 0'].join('\r\n')}\r\n\r\n`
  }

  #send(text: string): void {
    this.#socket.send(text, this.#proxyPort, '127.0.0.1')
  }

  /** Sends a request and gives its reply of 2xx. Rejects when another one comes, or none. */
  async #succeed(method: string, uri: string, cseq: number, headers: readonly string[]): Promise<Message> {
    const reply = await this.#request(method, uri, cseq, headers)
    if (reply.status < 300) return reply
    throw new PhoneError(`${this.user} sent ${method} ${uri} and got "${reply.startLine}"`)
  }

  /** Sends a request and gives its final reply. Rejects when there is none in time. */
  #request(method: string, uri: string, cseq: number, headers: readonly string[]): Promise<Message> {
    const branch = token()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#replies.delete(branch)
        reject(new PhoneError(`${this.user} got no reply to ${method} ${uri} within ${REPLY_TIMEOUT_MS / 1000} s`))
      }, REPLY_TIMEOUT_MS)
      this.#replies.set(branch, reply => {
        if (reply.status < 200) return
        clearTimeout(timer)
        this.#replies.delete(branch)
        resolve(reply)
      })
      this.#send(this.#write(method, uri, cseq, branch, headers))
    })
  }

  #receive(message: Message): void {
    this.onMessage(message.startLine)
    if (message.status > 0) {
      const branch = /branch=z9hG4bK([0-9a-f]+)/.exec(value(message, 'via'))?.[1] ?? ''
      this.#replies.get(branch)?.(message)
    } else if (message.method !== 'ACK') this.#answer(message)
  }

  #answer(request: Message): void {
    const copied = request.headers.filter(([name]) => /^(via|from|call-id|cseq|record-route)$/i.test(name))
    const to = value(request, 'to')
    const lines = [
      'SIP/2.0 200 OK',
      ...copied.map(([name, text]) => `${name}: ${text}`),
      `To: ${/;tag=/i.test(to) ? to : `${to};tag=${token()}`}`,
      `Contact: <${this.contact}>`,
      'Content-Length: 0',
    ]
    this.#send(`${lines.join('\r\n')}\r\n\r\n`)
  }
}

function parse(text: string): Message {
  const [head = ''] = text.split('\r\n\r\n', 1)
  const [startLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const
  })
  const isReply = startLine.startsWith('SIP/2.0 ')
  return {
    startLine,
    status: isReply ? Number(startLine.slice(8, 11)) : 0,
    method: isReply ? '' : (startLine.split(' ', 1)[0] ?? ''),
    headers,
  }
}

const values = (message: Message, name: string): string[] =>
  message.headers.filter(([header]) => header.toLowerCase() === name).map(([, text]) => text)
const value = (message: Message, name: string): string => values(message, name)[0] ?? ''
