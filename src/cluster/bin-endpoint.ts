import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { Connection, type Identity } from './connection.ts'
import type { Message } from './message.ts'
import type { BinAddress } from './node-info.ts'

/** Connections of other nodes at one time. */
const MAX_CONNECTIONS = 1000
/** How long another side may take to prove who it is. */
const HANDSHAKE_MS = 5_000

/** What a cluster is told by those who connect to it. */
export interface Incoming {
  readonly node: number
  /** The node has proved that it has the secret. */
  ready(connection: Connection): void
  take(connection: Connection, message: Message): void
  closed(connection: Connection): void
}

/** Finds who in this node a greeting is for; null when nobody. */
export type Reception = (hello: Identity) => Incoming | null

/** What happens to a connection that was asked for. */
export interface Outgoing {
  readonly identity: Identity
  ready(connection: Connection): void
  take(message: Message): void
  /** It is gone, or was never made; why. */
  closed(reason: string): void
}

interface EndpointParts {
  readonly clock: Clock
  readonly log: Log
  /** Shared by all nodes; '' for none. */
  readonly secret: string
}

/** Where nodes reach each other: listens on the `bin:` sockets of this node and connects to those of others. */
export class BinEndpoint {
  /** Told of every greeting. Without it all are refused. */
  reception: Reception | null = null
  readonly #parts: EndpointParts
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  /** Opens a socket; `*` is every local address. Rejects with an Error that names it. */
  async listen({ host, port }: BinAddress): Promise<void> {
    const server = createServer(socket => this.#accept(socket))
    server.maxConnections = MAX_CONNECTIONS
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(new Error(`cannot listen on bin:${host}:${port}: ${error.message}`)))
      server.listen({ port, ...(host === '*' ? {} : { host }) }, resolve)
    })
    server.on('error', error => this.#parts.log.error('a bin socket failed', { port, reason: error.message }))
    this.#servers.push(server)
  }

  /** Connects to another node. What comes of it is told to `outgoing`. */
  connect(address: BinAddress, outgoing: Outgoing): Connection {
    const socket = connect(address)
    this.#sockets.add(socket)
    const connection = new Connection({
      socket,
      role: 'connector',
      secret: this.#parts.secret,
      log: this.#parts.log,
      identify: () => outgoing.identity,
      ready: ready => outgoing.ready(ready),
      take: (_, message) => outgoing.take(message),
      closed: (reason, isFault) => {
        this.#sockets.delete(socket)
        if (isFault) this.#noteFault(reason, socket.remoteAddress)
        outgoing.closed(reason)
      },
    })
    socket.once('connect', () => connection.greet())
    return connection
  }

  /** Closes every socket and connection. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map(server => new Promise<void>(resolve => void server.close(() => resolve()))))
    this.#servers.length = 0
  }

  #accept(socket: Socket): void {
    const { clock, log, secret } = this.#parts
    this.#sockets.add(socket)
    let incoming: Incoming | null = null
    const patience = clock.after(HANDSHAKE_MS, () => connection.close('the other side takes too long to greet'))
    const connection: Connection = new Connection({
      socket,
      role: 'acceptor',
      secret,
      log,
      identify: hello => {
        incoming = hello === null ? null : (this.reception?.(hello) ?? null)
        return incoming === null || hello === null ? null : { cluster: hello.cluster, node: incoming.node }
      },
      ready: ready => {
        patience.clear()
        incoming?.ready(ready)
      },
      take: (from, message) => incoming?.take(from, message),
      closed: (reason, isFault) => {
        patience.clear()
        this.#sockets.delete(socket)
        incoming?.closed(connection)
        if (isFault) this.#noteFault(reason, socket.remoteAddress)
      },
    })
  }

  /** Strangers can cause any number of faults. */
  #noteFault(reason: string, from = ''): void {
    this.#parts.log.often().warn('a connection between nodes was given up', { from, reason })
  }
}
