import { createSocket } from 'node:dgram'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { onTestFinished } from 'vitest'

/** What becomes of a command: an answer, or null for silence. */
type Script = (command: string) => string | null

/**
 * An RTP proxy that speaks the control protocol and relays nothing. It offers ports from 40000 on at 192.0.2.7, and keeps
 * the commands it got without their cookies. Closed at the end of the test.
 */
export class FakeRtpProxy {
  readonly url: string
  /** Commands other than V, in order, each once however often it was repeated. */
  readonly commands: string[] = []
  /** Every datagram or line, repetitions included. */
  arrivals = 0
  isSilent = false
  answer: Script = () => null
  readonly #answers = new Map<string, string>()
  #nextPort = 40_000
  #stop: () => Promise<void> = async () => {}

  private constructor(url: string) {
    this.url = url
  }

  /** `port` 0 takes a free one. */
  static async udp(port = 0, host = '127.0.0.1'): Promise<FakeRtpProxy> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    await new Promise<void>(resolve => void socket.bind(port, host, resolve))
    const name = host.includes(':') ? `udp6:[${host}]` : `udp:${host}`
    const proxy = new FakeRtpProxy(`${name}:${socket.address().port}`)
    socket.on('message', (bytes, from) => {
      const [cookie = '', command = ''] = split(bytes.toString())
      const answer = proxy.#take(cookie, command)
      if (answer !== null) socket.send(`${cookie} ${answer}\n`, from.port, from.address)
    })
    proxy.#closeBy(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    return proxy
  }

  static async tcp(): Promise<FakeRtpProxy> {
    const server = createServer()
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = address === null || typeof address === 'string' ? 0 : address.port
    return new FakeRtpProxy(`tcp:127.0.0.1:${port}`).#serve(server, true)
  }

  static async unix(path: string): Promise<FakeRtpProxy> {
    const server = createServer()
    await new Promise<void>(resolve => void server.listen(path, resolve))
    const proxy = new FakeRtpProxy(`unix:${path}`).#serve(server, false)
    onTestFinished(() => rmSync(path, { force: true }))
    return proxy
  }

  get port(): number {
    return Number(/(\d+)$/.exec(this.url)?.[1])
  }

  /** The commands that begin so. */
  sent(letters: string): readonly string[] {
    return this.commands.filter(command => command.startsWith(letters))
  }

  close(): Promise<void> {
    return this.#stop()
  }

  #serve(server: Server, hasCookies: boolean): this {
    server.on('connection', socket => {
      socket.on('error', () => {})
      socket.once('data', (bytes: Buffer) => {
        const text = bytes.toString().trim()
        const [cookie = '', command = ''] = hasCookies ? split(text) : [`${this.arrivals}`, text]
        const answer = this.#take(cookie, command)
        if (answer !== null) socket.end(hasCookies ? `${cookie} ${answer}\n` : `${answer}\n`)
      })
    })
    this.#closeBy(() => new Promise<void>(resolve => void server.close(() => resolve())))
    return this
  }

  #closeBy(stop: () => Promise<void>): void {
    let isClosed = false
    this.#stop = async () => {
      if (!isClosed) await stop()
      isClosed = true
    }
    onTestFinished(() => this.#stop())
  }

  #take(cookie: string, command: string): string | null {
    this.arrivals++
    if (this.isSilent) return null
    const known = this.#answers.get(cookie)
    if (known !== undefined) return known
    const isProbe = command.startsWith('V')
    if (!isProbe) this.commands.push(command)
    const answer = this.answer(command) ?? (isProbe ? (command === 'V' ? '20040107' : '1') : this.#usual(command))
    this.#answers.set(cookie, answer)
    return answer
  }

  #usual(command: string): string {
    if (!/^[UL]/.test(command)) return '0'
    this.#nextPort += 2
    return `${this.#nextPort - 2} 192.0.2.7`
  }
}

function split(text: string): readonly string[] {
  const blank = text.indexOf(' ')
  return [text.slice(0, blank), text.slice(blank + 1).trim()]
}

/** A session description of one audio stream. */
export const sdpOf = (address: string, port: number): string =>
  `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 8\r\na=sendrecv\r\n`
