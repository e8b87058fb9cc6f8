import { createServer, type Server, type Socket } from 'node:net'
import type { Log } from '../../log/log.ts'

/** What a TCP listener is opened with. */
export interface TcpListenOptions {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  /** `tcp_socket_backlog` */
  readonly backlog: number
  readonly reusePort: boolean
  /** `tcp_keepalive`: SO_KEEPALIVE on accepted connections. */
  readonly keepAlive: boolean
}

/** One TCP port that SIP connections are accepted on. */
export class TcpListener {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server, port: number, log: Log) {
    this.#server = server
    this.port = port
    server.on('error', error => log.warn('TCP socket error', { port, error: error.message }))
  }

  /** Binds and listens. Rejects with the system's error when the address cannot be had. */
  static open(options: TcpListenOptions, log: Log): Promise<TcpListener> {
    const server = createServer({ noDelay: true, keepAlive: options.keepAlive })
    const { address: host, port, backlog, reusePort } = options
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, backlog, reusePort, ipv6Only: true, exclusive: true }, () => {
        server.removeListener('error', reject)
        const bound = server.address()
        resolve(new TcpListener(server, typeof bound === 'object' && bound !== null ? bound.port : port, log))
      })
    })
  }

  /** Hands every accepted connection to `accept`, which owns it. */
  listen(accept: (socket: Socket) => void): void {
    this.#server.on('connection', accept)
  }

  /** Accepts no more. Connections accepted before live on; idempotent. */
  close(): void {
    this.#server.close()
  }
}
