import type { RemoteInfo, Socket } from 'node:dgram'
import { once } from 'node:events'
import { loopbackSocket } from './loopback-socket.ts'

/** Exchanges begun at a time, and how often: the load is the same whatever serves it, and so is what waking up costs. */
const BEGIN_EVERY_MS = 5
/** More than this are never under way at a time: the receive buffer of the server holds no more. */
const MOST_UNDER_WAY = 32
/** Exchanges that rest so long have lost a datagram, and are begun anew as others. */
const LOST_AFTER_MS = 1000
const RECEIVE_BYTES = 4_000_000

/** Many exchanges at a time. `begin` sends the first datagram of exchange `n`. */
class Exchanges {
  readonly #begin: (n: number) => void
  /** Number of each exchange under way, and when it began. */
  #open = new Map<number, number>()
  /** How long each took of the last run, milliseconds. */
  readonly durationsMs: number[] = []
  #number = 0
  #toBegin = 0
  #left = 0
  #progressMs = 0
  #finish: () => void = () => {}

  constructor(begin: (n: number) => void) {
    this.#begin = begin
  }

  /** Runs `count` of them to their ends, `perSecond` as long as the server keeps up. */
  async run(count: number, perSecond: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#left = this.#toBegin = count
    this.durationsMs.length = 0
    this.#finish = resolve
    const startedMs = (this.#progressMs = performance.now())
    const pace = setInterval(() => {
      const nowMs = performance.now()
      if (nowMs - this.#progressMs > LOST_AFTER_MS) this.#giveUpOpen(nowMs)
      const due = count - ((nowMs - startedMs) * perSecond) / 1000
      while (this.#toBegin > 0 && this.#toBegin > due && this.#open.size < MOST_UNDER_WAY) this.#next()
    }, BEGIN_EVERY_MS)
    await promise
    clearInterval(pace)
  }

  /** Exchange `n` has come to its end. */
  done(n: number): void {
    const beganMs = this.#open.get(n)
    if (beganMs === undefined) return
    this.#open.delete(n)
    this.#progressMs = performance.now()
    this.durationsMs.push(this.#progressMs - beganMs)
    if (--this.#left === 0) this.#finish()
  }

  #next(): void {
    const n = this.#number++
    this.#toBegin--
    this.#open.set(n, performance.now())
    this.#begin(n)
  }

  #giveUpOpen(nowMs: number): void {
    this.#toBegin += this.#open.size
    this.#open.clear()
    this.#progressMs = nowMs
  }
}

const lineOf = (text: string, name: string): string => {
  const start = text.indexOf(`\r\n${name}: `) + 2
  return start < 2 ? '' : text.slice(start, text.indexOf('\r\n', start) + 2)
}
const linesOf = (text: string, name: string): string => {
  let lines = ''
  for (let at = text.indexOf(`\r\n${name}: `); at >= 0; at = text.indexOf(`\r\n${name}: `, at + 2))
    lines += text.slice(at + 2, text.indexOf('\r\n', at + 2) + 2)
  return lines
}

/** Number that stands behind `mark`. */
const numberBehind = (text: string, mark: string): number =>
  Number.parseInt(text.slice(text.indexOf(mark) + mark.length, text.indexOf(mark) + mark.length + 10), 10)

const SDP =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n' +
  'a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n'
const WITH_SDP = `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`
const EMPTY = Buffer.alloc(8)
const NO_BODY = 'Content-Length: 0\r\n\r\n'

/** A datagram of an exchange: by whom, and at which step of the dialogue. */
export interface Recorded {
  readonly bytes: Buffer
  readonly isBobs: boolean
  readonly step: number
}

/** How far a call goes: Bob's phone rings, he has answered, Alice has hung up. */
export type CallEnd = 'ringing' | 'answered' | 'hung-up'

/** Two phones, Alice who calls and Bob who answers, and as many users who register as are wanted. */
export class Phones {
  readonly #serverPort: number
  readonly #alice: Socket
  readonly #bob: Socket
  readonly #calls = new Exchanges(n => this.#invite(n))
  readonly #registrations: Exchanges
  readonly #echoes = new Exchanges(n => this.#sendEcho(n))
  #users = 1
  #until: CallEnd = 'hung-up'
  /** What the server received of one exchange, for the echo to receive the same. */
  #recorded: Recorded[] | null = null
  #echoed: readonly Recorded[] = []
  /** Counts the datagrams that have come: those sent between two counts go out together. */
  #came = 0

  private constructor(serverPort: number, alice: Socket, bob: Socket) {
    this.#serverPort = serverPort
    this.#alice = alice
    this.#bob = bob
    this.#registrations = new Exchanges(n => this.#send(alice, this.#register(n)))
    alice.on('message', bytes => this.#toAlice(bytes))
    bob.on('message', (bytes, from) => this.#toBob(bytes, from))
  }

  static async open(serverPort: number): Promise<Phones> {
    return new Phones(serverPort, await loopbackSocket(RECEIVE_BYTES), await loopbackSocket(RECEIVE_BYTES))
  }

  close(): void {
    this.#alice.close()
    this.#bob.close()
  }

  /** So many REGISTERs, over and over by `users` users. */
  async register(count: number, perSecond: number, users: number): Promise<void> {
    this.#users = users
    await this.#registrations.run(count, perSecond)
  }

  /** So many calls to Bob: INVITE, 100, 180, 200, ACK, BYE, 200; or only so far of it. */
  async call(count: number, perSecond: number, until: CallEnd = 'hung-up'): Promise<void> {
    this.#until = until
    await this.#calls.run(count, perSecond)
  }

  /** How long each call of the last run took, milliseconds. */
  get callsMs(): readonly number[] {
    return this.#calls.durationsMs
  }

  /** Takes recorded exchanges to an echo, each datagram sent when those before it that were waited for have come back. */
  async echo(exchange: readonly Recorded[], count: number, perSecond: number): Promise<void> {
    this.#echoed = exchange
    await this.#echoes.run(count, perSecond)
    this.#echoed = []
  }

  /** Runs one exchange and gives the datagrams that went to the server. */
  async record(exchange: () => Promise<void>): Promise<readonly Recorded[]> {
    const recorded: Recorded[] = []
    this.#recorded = recorded
    await exchange()
    this.#recorded = null
    return recorded
  }

  /** Makes Bob known to the registrar. */
  async registerBob(): Promise<void> {
    const answered = once(this.#bob, 'message')
    const contact = `<sip:bob@127.0.0.1:${this.#bob.address().port}>`
    this.#send(this.#bob, this.#registerText('bob', contact, this.#bob.address().port, 'bob', 1))
    await answered
  }

  #send(socket: Socket, text: string): void {
    const bytes = Buffer.from(text)
    this.#recorded?.push({ bytes, isBobs: socket === this.#bob, step: this.#came })
    socket.send(bytes, this.#serverPort, '127.0.0.1')
  }

  #sendEcho(n: number): void {
    this.#sendStep(n, 0)
  }

  /** Sends what stands at `from` and all of its step. */
  #sendStep(n: number, from: number): void {
    const step = this.#echoed[from]?.step
    for (let i = from; this.#echoed[i]?.step === step && i < this.#echoed.length; i++) {
      const { bytes, isBobs } = this.#echoed[i] ?? { bytes: EMPTY, isBobs: false }
      bytes.writeUInt32LE(n, bytes.length - 4)
      bytes.writeUInt32LE(i, bytes.length - 8)
      const socket = isBobs ? this.#bob : this.#alice
      socket.send(Buffer.from(bytes), this.#serverPort, '127.0.0.1')
    }
  }

  /** The last of a step brings about the next one. */
  #echoCame(bytes: Buffer): void {
    const n = bytes.readUInt32LE(bytes.length - 4)
    const i = bytes.readUInt32LE(bytes.length - 8)
    if (i + 1 === this.#echoed.length) this.#echoes.done(n)
    else if (this.#echoed[i + 1]?.step !== this.#echoed[i]?.step) this.#sendStep(n, i + 1)
  }

  #register(n: number): string {
    const user = `user${n % this.#users}`
    const { port } = this.#alice.address()
    return this.#registerText(user, `<sip:${user}@127.0.0.1:${port}>`, port, `r${n}`, n + 1)
  }

  #registerText(user: string, contact: string, port: number, id: string, cseq: number): string {
    return (
      `REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id};rport\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:${user}@example.org>;tag=f${id}\r\nTo: <sip:${user}@example.org>\r\n` +
      `Call-ID: ${user}@127.0.0.1\r\nCSeq: ${cseq} REGISTER\r\nContact: ${contact};expires=3600\r\n` +
      `User-Agent: Phone/1.0\r\n${NO_BODY}`
    )
  }

  #head(method: string, uri: string, n: number, cseq: number, to: string): string {
    const { port } = this.#alice.address()
    return (
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${method}${n};rport\r\n` +
      `Max-Forwards: 70\r\nFrom: "Alice" <sip:alice@example.org>;tag=a${n}\r\n${to}` +
      `Call-ID: c${n}@127.0.0.1\r\nCSeq: ${cseq} ${method}\r\n`
    )
  }

  #invite(n: number): void {
    const contact = `Contact: <sip:alice@127.0.0.1:${this.#alice.address().port}>\r\n`
    const head = this.#head('INVITE', 'sip:bob@example.org', n, 1, 'To: <sip:bob@example.org>\r\n')
    this.#send(this.#alice, `${head}${contact}User-Agent: Phone/1.0\r\n${WITH_SDP}`)
  }

  #toAlice(bytes: Buffer): void {
    this.#came++
    if (this.#echoed.length > 0) {
      this.#echoCame(bytes)
      return
    }
    const text = bytes.toString('latin1')
    if (this.#until === 'ringing' && text.startsWith('SIP/2.0 180')) {
      this.#calls.done(numberBehind(text, 'Call-ID: c'))
      return
    }
    if (!text.startsWith('SIP/2.0 200')) return
    if (text.includes(' REGISTER\r\n')) this.#registrations.done(numberBehind(text, 'z9hG4bKr'))
    else if (text.includes(' INVITE\r\n')) this.#answered(text)
    else this.#calls.done(numberBehind(text, 'Call-ID: c'))
  }

  /** Acknowledges, and hangs up at once where calls are to go so far. */
  #answered(reply: string): void {
    const n = numberBehind(reply, 'Call-ID: c')
    const uri = lineOf(reply, 'Contact').slice('Contact: <'.length, -'>\r\n'.length)
    const to = lineOf(reply, 'To')
    const route = lineOf(reply, 'Record-Route').replace('Record-', '')
    this.#send(this.#alice, `${this.#head('ACK', uri, n, 1, to)}${route}${NO_BODY}`)
    if (this.#until === 'answered') this.#calls.done(n)
    else this.#send(this.#alice, `${this.#head('BYE', uri, n, 2, to)}${route}${NO_BODY}`)
  }

  #toBob(bytes: Buffer, from: RemoteInfo): void {
    if (from.port !== this.#serverPort) return
    this.#came++
    if (this.#echoed.length > 0) {
      this.#echoCame(bytes)
      return
    }
    const text = bytes.toString('latin1')
    if (text.startsWith('INVITE ')) {
      this.#reply(text, '100 Trying', NO_BODY)
      this.#reply(text, '180 Ringing', NO_BODY)
      if (this.#until !== 'ringing') this.#reply(text, '200 OK', WITH_SDP)
    } else if (text.startsWith('BYE ')) this.#reply(text, '200 OK', NO_BODY)
  }

  #reply(request: string, status: string, rest: string): void {
    const to = lineOf(request, 'To')
    const tagged = to.includes(';tag=') || status.startsWith('100') ? to : `${to.slice(0, -2)};tag=bob\r\n`
    const contact = `Contact: <sip:bob@127.0.0.1:${this.#bob.address().port}>\r\n`
    const same = linesOf(request, 'Via') + linesOf(request, 'Record-Route') + lineOf(request, 'From') + tagged
    this.#send(
      this.#bob,
      `SIP/2.0 ${status}\r\n${same}${lineOf(request, 'Call-ID')}${lineOf(request, 'CSeq')}${contact}${rest}`,
    )
  }
}
