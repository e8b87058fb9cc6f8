import { connect as connectTcp, type Server, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import { SipMessage } from '../../src/sip/codec/message.ts'

const PATIENCE_MS = 10_000

/** One end of a SIP connection over TCP, TLS or WebSocket, for tests. It keeps what comes until it is asked for. */
export class StreamAgent {
  readonly transport: string
  readonly port: number
  /** Line ends that came between messages. */
  pongs = 0
  isClosed = false
  readonly #send: (text: string | Buffer) => void
  readonly #messages: SipMessage[] = []
  #webSocket: WebSocket | null = null
  #socket: Socket | null = null
  #rest: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  constructor(transport: string, port: number, send: (text: string | Buffer) => void) {
    this.transport = transport
    this.port = port
    this.#send = send
  }

  static over(socket: Socket, transport: string): StreamAgent {
    const agent = new StreamAgent(transport, socket.localPort ?? 0, bytes => void socket.write(bytes))
    agent.#socket = socket
    socket.on('data', (bytes: Buffer) => agent.#take(bytes))
    socket.on('error', () => {})
    socket.on('close', () => agent.#closed())
    onTestFinished(() => void socket.destroy())
    return agent
  }

  static overWebSocket(webSocket: WebSocket, transport: string, port: number): StreamAgent {
    const agent = new StreamAgent(transport, port, bytes => webSocket.send(bytes))
    agent.#webSocket = webSocket
    webSocket.on('message', (data: Buffer) => agent.#take(data))
    webSocket.on('error', () => {})
    webSocket.on('close', () => agent.#closed())
    onTestFinished(() => webSocket.terminate())
    return agent
  }

  static tcp(port: number, host = '127.0.0.1'): Promise<StreamAgent> {
    const socket = connectTcp(port, host)
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', () => resolve(StreamAgent.over(socket, 'TCP')))
    })
  }

  static tls(port: number, options: ConnectionOptions, host = '127.0.0.1'): Promise<StreamAgent> {
    const socket = connectTls({ port, host, ...options })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('secureConnect', () => resolve(StreamAgent.over(socket, 'TLS')))
    })
  }

  /** Rejects with what the server said when it refuses. */
  static ws(url: string, options: ClientOptions = {}, protocols: string | string[] = 'sip'): Promise<StreamAgent> {
    const webSocket = new WebSocket(url, protocols, { origin: 'https://phone.example', ...options })
    const transport = url.startsWith('wss') ? 'WSS' : 'WS'
    return new Promise((resolve, reject) => {
      webSocket.once('error', reject)
      webSocket.once('open', () => resolve(StreamAgent.overWebSocket(webSocket, transport, 0)))
    })
  }

  send(text: string | Buffer): void {
    this.#send(text)
  }

  /** Sends a frame of a WebSocket message that others follow. */
  sendFragment(text: string): void {
    this.#webSocket?.send(text, { fin: false })
  }

  /** Ends the connection without a word. */
  close(): void {
    this.#webSocket?.terminate()
    this.#socket?.destroy()
  }

  /** The next message; waits for it. */
  async next(): Promise<SipMessage> {
    await this.#until(() => this.#messages.length > 0, 'a message')
    const message = this.#messages.shift()
    if (message === undefined) throw new Error('no message')
    return message
  }

  /** The next reply with this status; passes over others. */
  async nextReply(status: number): Promise<SipMessage> {
    for (;;) {
      const message = await this.next()
      if (message.status === status) return message
      if (message.status >= 200) throw new Error(`expected ${status}, got ${message.status} ${message.reason}`)
    }
  }

  async closed(): Promise<void> {
    await this.#until(() => this.isClosed, 'the end of the connection')
  }

  async pong(): Promise<void> {
    await this.#until(() => this.pongs > 0, 'a pong')
  }

  async #until(claim: () => boolean, what: string): Promise<void> {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    while (!claim()) {
      if (this.isClosed && what !== 'the end of the connection')
        throw new Error(`${this.transport} connection ended before ${what} came`)
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve
        patience.onabort = () => reject(new Error(`waited for ${what} in vain`))
      })
    }
  }

  #closed(): void {
    this.isClosed = true
    this.#wake()
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      while (this.#rest.subarray(0, 2).toString() === '\r\n') {
        this.pongs += 1
        this.#rest = this.#rest.subarray(2)
      }
      const length = wholeLength(this.#rest)
      if (length === 0) break
      const message = SipMessage.parse(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
      if (message !== null) this.#messages.push(message)
    }
    this.#wake()
  }
}

/** A TLS server of a peer; each connection is an agent. Closed with the test. */
export class TlsServer {
  readonly port: number
  /** Connections that were not given to `accepted` yet. */
  readonly #agents: StreamAgent[] = []
  readonly #waiting: ((agent: StreamAgent) => void)[] = []
  /** The server names clients asked for. */
  readonly serverNames: (string | null)[] = []
  /** Handshakes that failed. */
  readonly errors: string[] = []
  connections = 0

  private constructor(server: Server, port: number) {
    this.port = port
    server.on('secureConnection', (socket: TLSSocket) => {
      this.connections += 1
      this.serverNames.push(typeof socket.servername === 'string' ? socket.servername : null)
      const agent = StreamAgent.over(socket, 'TLS')
      const waiter = this.#waiting.shift()
      if (waiter === undefined) this.#agents.push(agent)
      else waiter(agent)
    })
    server.on('tlsClientError', (error: Error) => void this.errors.push(error.message))
  }

  static async open(options: TlsOptions, host = '127.0.0.1'): Promise<TlsServer> {
    const server = createServer(options)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, host, resolve)
    })
    onTestFinished(() => void server.close())
    const bound = server.address()
    return new TlsServer(server, typeof bound === 'object' && bound !== null ? bound.port : 0)
  }

  accepted(): Promise<StreamAgent> {
    const agent = this.#agents.shift()
    return agent === undefined ? new Promise(resolve => void this.#waiting.push(resolve)) : Promise.resolve(agent)
  }
}

function wholeLength(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const declared = /^(?:content-length|l)\s*:\s*(\d+)/im.exec(bytes.toString('latin1', 0, end))
  const length = end + 4 + Number(declared?.[1] ?? 0)
  return length <= bytes.length ? length : 0
}

let lastNumber = 0

/** A request as a phone behind this connection sends it. */
export function requestOver(agent: StreamAgent, method: string, uri: string, headers = ''): string {
  lastNumber += 1
  const id = `${process.pid}x${lastNumber}`
  const host = agent.port === 0 ? 'df7jal23ls0d.invalid' : `127.0.0.1:${agent.port}`
  return (
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/${agent.transport} ${host};branch=z9hG4bK${id};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=${id}\r\nTo: <sip:bob@example.com>\r\nCall-ID: ${id}\r\n` +
    `CSeq: 1 ${method}\r\nContact: <sip:alice@${host};transport=${agent.transport.toLowerCase()}>\r\n${headers}Content-Length: 0\r\n\r\n`
  )
}

export { replyTo } from './sip-reply.ts'
