import type { Socket } from 'node:net'
import type { Log } from '../../log/log.ts'
import type { StatisticsRegistry } from '../../stats/stats.ts'
import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import { canonicalHost, isRefusedDestination, isStream, socketText } from './address.ts'
import type { Carrier } from './carrier.ts'
import { ConnectionTable } from './connection-table.ts'
import type { Hop, ListenSocket, Origin, Proto } from './endpoint.ts'
import { resolveDefinition, type SocketDefinition } from './socket-definition.ts'
import {
  type CloseCause,
  type ConnectionOwner,
  type ConnectionParts,
  StreamConnection,
  type StreamLimits,
} from './stream-connection.ts'
import type { StreamFault } from './stream-framer.ts'
import { isSecure, StreamProtocols } from './stream-protocols.ts'
import { TcpListener } from './tcp-listener.ts'
import { mayServe } from './tls-layer.ts'
import { UdpListener } from './udp-listener.ts'

/** Settings of the network; names in the script reference are given where they differ. */
export interface NetworkOptions extends StreamLimits {
  /** `tcp_socket_backlog` */
  readonly backlog: number
  /** `tcp_keepalive` */
  readonly keepAlive: boolean
  /** `tcp_keepidle`, `tcp_keepinterval`, `tcp_keepcount`; null leaves the kernel's default. */
  readonly keepIdleMs: number | null
  readonly keepIntervalMs: number | null
  readonly keepCount: number | null
  /** `tos`: type of service of connections; 0 leaves the kernel's default. */
  readonly tos: number
  /** UDP receive buffer to ask for, bytes; 0 leaves the kernel's default. */
  readonly receiveBufferBytes: number
}

/** The script's defaults (script reference, global settings). */
export const NETWORK_DEFAULTS: NetworkOptions = {
  messageBytes: 262_144,
  messageTimeMs: 4000,
  lifetimeMs: 120_000,
  connectTimeoutMs: 100,
  writeBufferBytes: 1_048_576,
  maxConnections: 2048,
  backlog: 10,
  keepAlive: true,
  keepIdleMs: null,
  keepIntervalMs: null,
  keepCount: null,
  tos: 0,
  receiveBufferBytes: 0,
}

/** A stream connection that has ended, as the event E_CORE_TCP_DISCONNECT tells it: source is the remote end. */
export interface ClosedConnection {
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly proto: Proto
  readonly cause: CloseCause
}

/** Takes what arrives. Both are called on the event loop and must not throw. */
export interface NetworkReceiver {
  receive(bytes: Buffer, origin: Origin): void
  /** The head of a message on a stream that cannot be framed: a reply may be owed, the connection ends. */
  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void
}

/** What a network is put together from. */
export interface NetworkParts {
  readonly clock: Clock
  readonly log: Log
  readonly stats: StatisticsRegistry
  readonly options?: Partial<NetworkOptions>
}

/** The SIP sockets of this process: opens them, sends over them, keeps the stream connections. */
export class Network implements ConnectionOwner {
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: NetworkOptions
  readonly #sockets: ListenSocket[] = []
  readonly #udp = new Map<ListenSocket, UdpListener>()
  readonly #tcp: TcpListener[] = []
  readonly #connections = new ConnectionTable()
  /** TLS and WebSocket, and how they are set. */
  readonly protocols: StreamProtocols
  readonly #onDisconnect: ((closed: ClosedConnection) => void)[] = []
  readonly #refused: Counter
  readonly #unread: Counter
  readonly #broken: Counter
  #receiver: NetworkReceiver | null = null
  #lastId = 0
  #isClosed = false

  constructor(parts: NetworkParts) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#options = { ...NETWORK_DEFAULTS, ...parts.options }
    this.protocols = new StreamProtocols(this.#options.messageBytes, parts.log)
    const { stats } = parts
    this.#refused = stats.counter('net', 'tcp_refused', 'Connections refused because tcp_max_connections were open.')
    this.#unread = stats.counter('net', 'tcp_unread', 'Connections closed because the peer did not read.')
    this.#broken = stats.counter('net', 'tcp_broken', 'Connections closed because what came was not SIP, or too slow.')
    stats.gauge('net', 'tcp_connections', 'Open stream connections.').read = () => this.#connections.size
    stats.gauge('net', 'waiting_udp', 'Bytes waiting for the kernel to take datagrams.').read = () =>
      waitingBytes(this.#udp.values())
    stats.gauge('net', 'waiting_tcp', 'Bytes waiting for TCP peers to read.').read = () => this.#waiting(false)
    stats.gauge('net', 'waiting_tls', 'Bytes waiting for TLS peers to read.').read = () => this.#waiting(true)
  }

  /** In the order they were opened. */
  get sockets(): readonly ListenSocket[] {
    return this.#sockets
  }

  get connections(): ConnectionTable {
    return this.#connections
  }

  /** Sets who takes what arrives; before that, and after close, it is dropped. */
  attach(receiver: NetworkReceiver): void {
    this.#receiver = receiver
  }

  /** Called for every stream connection that has ended. */
  onDisconnect(callback: (closed: ClosedConnection) => void): void {
    this.#onDisconnect.push(callback)
  }

  /**
   * Opens sockets and receives on them. Rejects with an Error that names the socket when one cannot be had; those opened
   * before stay open until {@link close}.
   */
  async open(definitions: readonly SocketDefinition[]): Promise<void> {
    for (const definition of definitions) {
      const { addresses, port } = await resolveDefinition(definition)
      for (const address of addresses) await this.#openOne(definition, address, port)
    }
  }

  /**
   * Sends bytes to a hop. False when it is known at once that they cannot go; else `onError` is called, later, when they
   * certainly did not go out. The bytes must not be changed afterwards.
   */
  send(bytes: Buffer, hop: Hop, socket: ListenSocket, onError?: (reason: string) => void): boolean {
    if (this.#isClosed || hop.port <= 0 || hop.port > 65_535 || isRefusedDestination(hop.address)) return false
    if (hop.proto === 'udp') return this.#udp.get(socket)?.send(bytes, hop.address, hop.port, onError) ?? false
    return this.#connectionTo(hop, socket)?.send(bytes, onError) ?? false
  }

  /** Closes the connection to this peer (`tcp_close_conn`). False when there is none. */
  closeConnection(proto: Proto, address: string, port: number): boolean {
    const connection = this.#connections.find(proto, address, port)
    connection?.close()
    return connection !== undefined
  }

  /** Closes every socket and connection. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#receiver = null
    for (const listener of this.#tcp.splice(0)) listener.close()
    for (const connection of this.#connections.all()) connection.close()
    const listeners = [...this.#udp.values()]
    this.#udp.clear()
    await Promise.all(listeners.map(listener => listener.close()))
  }

  receive(bytes: Buffer, origin: Origin): void {
    this.#receiver?.receive(bytes, origin)
  }

  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void {
    this.#receiver?.receiveBroken(head, fault, origin)
  }

  closed(connection: StreamConnection, cause: CloseCause): void {
    this.#connections.remove(connection)
    if (cause === 'peer does not read') this.#unread.value += 1
    if (BROKEN.has(cause)) this.#broken.value += 1
    this.#log.debug('stream connection closed', { peer: connection.remoteAddress, port: connection.remotePort, cause })
    const closed: ClosedConnection = {
      sourceAddress: connection.remoteAddress,
      sourcePort: connection.remotePort,
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      proto: connection.proto,
      cause,
    }
    for (const callback of this.#onDisconnect) this.#tell(callback, closed)
  }

  #tell(callback: (closed: ClosedConnection) => void, closed: ClosedConnection): void {
    try {
      callback(closed)
    } catch (error) {
      this.#log.error('a listener for closed connections failed', { error: String(error) })
    }
  }

  async #openOne(definition: SocketDefinition, address: string, port: number): Promise<void> {
    const { proto, reusePort = false } = definition
    try {
      if (proto === 'udp') {
        const { receiveBufferBytes } = this.#options
        const listener = await UdpListener.open({ address, port, reusePort, receiveBufferBytes }, this.#log)
        const socket = this.#addSocket(definition, address, listener.port)
        this.#udp.set(socket, listener)
        listener.listen(socket, (bytes, origin) => this.receive(bytes, origin))
      } else {
        const { backlog, keepAlive } = this.#options
        const listener = await TcpListener.open({ address, port, backlog, reusePort, keepAlive }, this.#log)
        this.#tcp.push(listener)
        const why = isSecure(proto) ? this.protocols.tls.whyNot(address, listener.port) : null
        if (why !== null) throw new Error(why)
        const socket = this.#addSocket(definition, address, listener.port)
        listener.listen(stream => this.#accept(stream, socket))
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`cannot open socket ${socketText(proto, address, port)}: ${why}`, { cause: error })
    }
  }

  #addSocket(definition: SocketDefinition, address: string, port: number): ListenSocket {
    const socket: ListenSocket = {
      proto: definition.proto,
      address,
      port,
      advertisedHost: definition.advertisedHost ?? null,
      advertisedPort: definition.advertisedPort ?? null,
      tag: definition.tag ?? null,
      text: socketText(definition.proto, address, port),
    }
    this.#sockets.push(socket)
    return socket
  }

  #accept(stream: Socket, listenSocket: ListenSocket): void {
    const { remoteAddress, remotePort } = stream
    if (remoteAddress === undefined || remotePort === undefined || !this.#hasRoom()) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    this.#tune(stream)
    const facts = { listenSocket, remoteAddress, remotePort, isOutgoing: false, tlsDomain: null, name: undefined }
    this.#adopt(this.protocols.accept(stream, listenSocket), facts)
  }

  /** The connection named, else one to the same peer, else a new one (sip-core 2.3, 2.9). */
  #connectionTo(hop: Hop, socket: ListenSocket): StreamConnection | undefined {
    if (!isStream(socket.proto) || hop.proto !== socket.proto) return undefined
    const preferred = hop.connectionId === 0 ? undefined : this.#connections.get(hop.connectionId)
    if (preferred?.isOpen) return preferred
    const known = this.#connections.find(hop.proto, hop.address, hop.port)
    if (known?.isOpen && this.#isFor(known, hop)) return known
    if (hop.reuseOnly === true || !this.#hasRoom()) return undefined
    const { address: host, port } = hop
    const { keepAlive } = this.#options
    // From the address that our Via shows, so that the peer sees one sender.
    const localAddress = socket.address
    const options = { host, port, localAddress, noDelay: true, keepAlive, autoSelectFamily: false }
    const opened = this.protocols.open(hop, options)
    if (opened === undefined) return undefined
    this.#tune(opened.socket)
    const { carrier, tlsDomain } = opened
    const remoteAddress = canonicalHost(host)
    const { name } = hop
    const facts = { listenSocket: socket, remoteAddress, remotePort: port, isOutgoing: true, tlsDomain, name }
    return this.#adopt(carrier, facts)
  }

  /** Whether an open connection may take a message for this hop: over TLS domain and certificate have to be for it, too. */
  #isFor(connection: StreamConnection, hop: Hop): boolean {
    const { tlsDomain } = connection
    if (tlsDomain === null) return true
    if (this.protocols.tls.domainOf(hop)?.name !== tlsDomain.name) return false
    return connection.isReady ? mayServe(connection.tls, tlsDomain, hop.name) : connection.name === hop.name
  }

  #adopt(
    carrier: Carrier,
    facts: Pick<ConnectionParts, 'listenSocket' | 'remoteAddress' | 'remotePort' | 'isOutgoing' | 'tlsDomain' | 'name'>,
  ): StreamConnection {
    this.#lastId += 1
    const { proto } = facts.listenSocket
    const { handshakeMs, answersPings } = this.protocols.settingsOf(proto)
    const parts = { ...facts, proto, id: this.#lastId, limits: this.#options, handshakeMs, answersPings }
    const connection = new StreamConnection(parts, carrier, this, this.#clock, this.#log)
    this.#connections.add(connection)
    connection.start()
    return connection
  }

  #tune(stream: Socket): void {
    const { keepAlive, keepIdleMs, keepIntervalMs, keepCount, tos } = this.#options
    if (keepAlive && (keepIdleMs ?? keepIntervalMs ?? keepCount) !== null)
      stream.setKeepAlive(true, keepIdleMs ?? undefined, keepIntervalMs ?? undefined, keepCount ?? undefined)
    // Node before 26 has no such call, and a kernel may refuse the value: then packets go out unmarked.
    if (tos === 0 || typeof stream.setTypeOfService !== 'function') return
    try {
      stream.setTypeOfService(tos)
    } catch (error) {
      this.#log.debug('type of service not set', { tos, error: String(error) })
    }
  }

  #waiting(secure: boolean): number {
    return waitingBytes([...this.#connections.all()].filter(({ proto }) => isSecure(proto) === secure))
  }

  #hasRoom(): boolean {
    if (this.#isClosed) return false
    if (this.#connections.size < this.#options.maxConnections) return true
    this.#refused.value += 1
    this.#log.debug('connection refused: tcp_max_connections are open', { open: this.#connections.size })
    return false
  }
}

/** Why connections end that did no good. */
const BROKEN: ReadonlySet<CloseCause> = new Set<CloseCause>([
  'not SIP',
  'message incomplete too long',
  'handshake timeout',
  'handshake failed',
])

function waitingBytes(all: Iterable<{ readonly waitingBytes: number }>): number {
  let bytes = 0
  for (const one of all) bytes += one.waitingBytes
  return bytes
}
