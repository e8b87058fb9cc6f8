import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Log } from '../../../src/log/log.ts'

/** A log that keeps what was written to it, `level message`. */
export function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (message: string, fields?: object) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
  const log = {
    lines,
    alert: at('alert'),
    crit: at('crit'),
    error: at('error'),
    warn: at('warn'),
    notice: at('notice'),
    info: at('info'),
    debug: at('debug'),
    child: () => log,
    often: () => log,
    enabled: () => true,
  }
  return log
}

/** Keeps what arrives until it is asked for. */
class Inbox<T> {
  readonly #items: T[] = []
  readonly #waiting: ((item: T) => void)[] = []
  put(item: T): void {
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#items.push(item)
    else waiter(item)
  }
  next(): Promise<T> {
    const item = this.#items.shift()
    return item !== undefined ? Promise.resolve(item) : new Promise(resolve => this.#waiting.push(resolve))
  }
  get size(): number {
    return this.#items.length
  }
}

/** A SIP peer over UDP: sends datagrams and keeps those it gets. Closed with the test. */
export class UdpPeer {
  readonly #socket: UdpSocket
  readonly #inbox = new Inbox<string>()
  readonly address: string

  private constructor(socket: UdpSocket, address: string) {
    this.#socket = socket
    this.address = address
    socket.on('message', bytes => this.#inbox.put(bytes.toString('latin1')))
  }

  static async open(address = '127.0.0.1'): Promise<UdpPeer> {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4_000_000 })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, address, resolve)
    })
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    return new UdpPeer(socket, address)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: string | Buffer, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, port, this.address, error => (error ? reject(error) : resolve()))
    })
  }

  /** The next datagram, as text. */
  next(): Promise<string> {
    return this.#inbox.next()
  }
}

/** A TCP connection seen from the far end. Closed with the test. */
export class TcpPeer {
  readonly socket: Socket
  readonly closed: Promise<void>
  #text = ''
  #changed: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', bytes => {
      this.#text += bytes.toString('latin1')
      this.#wake()
    })
    this.closed = new Promise(resolve =>
      socket.once('close', () => {
        resolve()
        this.#wake()
      }),
    )
    onTestFinished(() => void socket.destroy())
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<TcpPeer> {
    const socket = connect({ port, host, noDelay: true })
    const peer = new TcpPeer(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return peer
  }

  send(bytes: string | Buffer): Promise<void> {
    return new Promise(resolve => void this.socket.write(bytes, () => resolve()))
  }

  /** All that has come so far, once it holds `part` or the connection has ended. */
  async until(part: string): Promise<string> {
    while (!this.#text.includes(part) && !this.socket.destroyed) {
      await new Promise<void>(resolve => this.#changed.push(resolve))
    }
    return this.#text
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}

/** A TCP server of a peer. Closed with the test. */
export class TcpServer {
  readonly #server: Server
  readonly #inbox = new Inbox<TcpPeer>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => this.#inbox.put(new TcpPeer(socket)))
  }

  static async open(host = '127.0.0.1'): Promise<TcpServer> {
    const server = createServer({ noDelay: true })
    await new Promise<void>(resolve => server.listen(0, host, resolve))
    onTestFinished(() => void server.close())
    return new TcpServer(server)
  }

  get port(): number {
    const bound = this.#server.address()
    return typeof bound === 'object' && bound !== null ? bound.port : 0
  }

  accepted(): Promise<TcpPeer> {
    return this.#inbox.next()
  }

  close(): Promise<void> {
    return new Promise(resolve => void this.#server.close(() => resolve()))
  }
}
