import type { TLSSocket } from 'node:tls'
import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Carrier, CarrierSink } from './carrier.ts'
import type { ListenSocket, Origin, Proto } from './endpoint.ts'
import { type FramerSink, type StreamFault, StreamFramer } from './stream-framer.ts'
import type { TlsDomain } from './tls-layer.ts'

const CRLF = '\r\n'
const CR = 13
const LF = 10
const PING_BYTES = 4
/** Most bytes of start line and headers together: lines up to 64 KiB must pass (sip-core §14.2). */
const HEADER_LIMIT_BYTES = 131_072

/** Bounds on stream connections; names follow the script's settings. */
export interface StreamLimits {
  /** Most bytes of one message. */
  readonly messageBytes: number
  /** `tcp_max_msg_time`: a message must be complete this long after its first byte. */
  readonly messageTimeMs: number
  /** `tcp_connection_lifetime`: closed after this long without a message. */
  readonly lifetimeMs: number
  /** `tcp_connect_timeout` */
  readonly connectTimeoutMs: number
  /** Most bytes that wait to be sent to a peer that does not read. */
  readonly writeBufferBytes: number
  /** `tcp_max_connections`, incoming and outgoing together. */
  readonly maxConnections: number
}

/** Why a connection ended, as counted and logged. */
export type CloseCause =
  | 'peer closed'
  | 'error'
  | 'idle'
  | 'message incomplete too long'
  | 'peer does not read'
  | 'not SIP'
  | 'connect timeout'
  | 'handshake timeout'
  | 'handshake failed'
  | 'closed here'

/** What a connection tells its owner. */
export interface ConnectionOwner {
  receive(bytes: Buffer, origin: Origin): void
  /** A stream that cannot be read on, with the head of the message where it was readable. */
  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void
  /** Once, at the end. */
  closed(connection: StreamConnection, cause: CloseCause): void
}

/** The facts a connection is made with. */
export interface ConnectionParts {
  readonly id: number
  readonly proto: Proto
  /** The socket it came in on, or that stands for it in what is sent. */
  readonly listenSocket: ListenSocket
  readonly remoteAddress: string
  readonly remotePort: number
  readonly isOutgoing: boolean
  readonly limits: StreamLimits
  /** The handshakes of TLS and WebSocket must be over this long after the connection stands. */
  readonly handshakeMs: number
  /** Whether double CRLFs are answered with one (RFC 5626 §4.4.1). */
  readonly answersPings: boolean
  /** By which an outgoing connection speaks TLS. */
  readonly tlsDomain: TlsDomain | null
  /** The name an outgoing connection was opened for, where there was one. */
  readonly name: string | undefined
}

/** Longest delay that timers of Node.js can have. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** One stream connection: framing, keep-alives, time limits, bounded sending. */
export class StreamConnection implements FramerSink, CarrierSink {
  readonly id: number
  readonly proto: Proto
  readonly listenSocket: ListenSocket
  readonly remoteAddress: string
  readonly remotePort: number
  readonly isOutgoing: boolean
  readonly tlsDomain: TlsDomain | null
  readonly name: string | undefined
  /** As the kernel has it; port 0 while connecting. */
  localPort = 0
  localAddress = ''
  readonly #carrier: Carrier
  readonly #owner: ConnectionOwner
  readonly #clock: Clock
  readonly #log: Log
  readonly #limits: StreamLimits
  readonly #handshakeMs: number
  readonly #answersPings: boolean
  readonly #framer: StreamFramer
  readonly #origin: Origin
  #lifetime: Timer
  /** Until the connection stands, then until its handshakes are over. */
  #opening: Timer | null = null
  #isReady = false
  #messageTime: Timer | null = null
  /** Which message the timer above is for. */
  #timedMessage = -1
  #lastActiveMs: number
  #keptUntilMs = 0
  #cause: CloseCause | null = null

  constructor(parts: ConnectionParts, carrier: Carrier, owner: ConnectionOwner, clock: Clock, log: Log) {
    this.id = parts.id
    this.proto = parts.proto
    this.listenSocket = parts.listenSocket
    this.remoteAddress = parts.remoteAddress
    this.remotePort = parts.remotePort
    this.isOutgoing = parts.isOutgoing
    this.tlsDomain = parts.tlsDomain
    this.name = parts.name
    this.#limits = parts.limits
    this.#handshakeMs = parts.handshakeMs
    this.#answersPings = parts.answersPings
    this.#carrier = carrier
    this.#owner = owner
    this.#clock = clock
    this.#log = log
    this.#origin = {
      proto: parts.proto,
      address: parts.remoteAddress,
      port: parts.remotePort,
      socket: parts.listenSocket,
      connectionId: parts.id,
    }
    this.#framer = new StreamFramer(this, {
      maxHeaderBytes: Math.min(HEADER_LIMIT_BYTES, parts.limits.messageBytes),
      maxMessageBytes: parts.limits.messageBytes,
    })
    this.#lastActiveMs = clock.monotonicMs()
    this.#lifetime = clock.after(parts.limits.lifetimeMs, () => this.#checkLifetime())
  }

  /** Keeps it open for so long, also when nothing comes. */
  keepFor(timeMs: number): void {
    this.#keptUntilMs = Math.max(this.#keptUntilMs, this.#clock.monotonicMs() + timeMs)
  }

  /** Begins to receive and send; called once, when the owner knows the connection. */
  start(): void {
    if (this.isOutgoing)
      this.#opening = this.#clock.after(this.#limits.connectTimeoutMs, () => this.#end('connect timeout'))
    this.#carrier.start(this)
  }

  get isOpen(): boolean {
    return this.#cause === null
  }

  /** Whether every handshake is over. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** The TLS the connection speaks, once its handshake is over; null without. */
  get tls(): TLSSocket | null {
    return this.#carrier.tls
  }

  /** Bytes that have come. */
  get receivedBytes(): number {
    return this.#carrier.receivedBytes
  }

  /** Bytes that wait for the peer to read. */
  get waitingBytes(): number {
    return this.#carrier.waitingBytes
  }

  /**
   * Queues bytes. False when the connection is closed, or is closed now because the peer does not read; `onError` is
   * called, later, when the connection ends before the kernel has taken all of them.
   */
  send(bytes: Buffer | string, onError?: (reason: string) => void): boolean {
    if (this.#cause !== null) return false
    if (this.#carrier.waitingBytes + bytes.length > this.#limits.writeBufferBytes) {
      this.#end('peer does not read')
      return false
    }
    this.#carrier.write(bytes, error => {
      if (error) onError?.(this.#cause === 'error' || this.#cause === null ? error.message : this.#cause)
    })
    return true
  }

  /** Ends the connection at once. Idempotent. */
  close(): void {
    this.#end('closed here')
  }

  connected(): void {
    this.#opening?.clear()
    this.#opening = this.#clock.after(this.#handshakeMs, () => this.#end('handshake timeout'))
    this.localAddress = this.#carrier.localAddress
    this.localPort = this.#carrier.localPort
  }

  opened(): void {
    this.#opening?.clear()
    this.#isReady = true
  }

  bytes(segment: Buffer): void {
    if (this.#cause !== null) return
    this.#framer.push(segment)
    this.#timeMessage(this.#framer.isInMessage ? this.#framer.begun : -1)
  }

  partial(): void {
    if (this.#cause === null) this.#timeMessage(0)
  }

  /** A message as the framer or the carrier has cut it out. On WebSocket it may be a keep-alive (RFC 7118 §6). */
  message(bytes: Buffer): void {
    if (this.#cause !== null) return
    this.alive()
    const start = lineEndsOf(bytes)
    if (start < bytes.length) this.#owner.receive(start === 0 ? bytes : bytes.subarray(start), this.#origin)
    else if (start >= PING_BYTES) this.pings(1)
  }

  alive(): void {
    this.#lastActiveMs = this.#clock.monotonicMs()
    if (this.#timedMessage === 0 && !this.#framer.isInMessage) this.#timeMessage(-1)
  }

  pings(count: number): void {
    this.#lastActiveMs = this.#clock.monotonicMs()
    if (this.#answersPings) this.send(CRLF.repeat(count))
  }

  fault(head: Buffer, fault: StreamFault): void {
    this.#log.info('stream connection broken', { from: this.remoteAddress, port: this.remotePort, why: fault.reason })
    if (head.length > 0) this.#owner.receiveBroken(head, fault, this.#origin)
    // What was queued, the reply to the broken request above all, still goes out before the end.
    this.#endSoon('not SIP')
  }

  broken(reason: string): void {
    const { proto, remoteAddress: peer, remotePort: port } = this
    if (this.#cause === null) {
      if (this.#isReady) this.#log.info('stream connection broken', { proto, from: peer, port, why: reason })
      else if (this.isOutgoing) this.#log.often(peer).warn('handshake failed', { proto, to: peer, port, why: reason })
      else this.#log.info('handshake failed', { proto, from: peer, port, why: reason })
    }
    this.#endSoon(this.#isReady ? 'not SIP' : 'handshake failed')
  }

  failed(reason: string): void {
    const isHandshake = !this.#isReady && this.localPort !== 0
    // A server whose certificate is refused, above all.
    if (isHandshake) this.broken(reason)
    else this.#log.debug('stream connection failed', { peer: this.remoteAddress, error: reason })
    this.#end('error')
  }

  ended(): void {
    this.#cause ??= this.#isReady || this.localPort === 0 ? 'peer closed' : 'handshake failed'
    this.#framer.stop()
    this.#lifetime.clear()
    this.#opening?.clear()
    this.#messageTime?.clear()
    this.#owner.closed(this, this.#cause)
  }

  /** Starts the time limit with the first bytes of a message; later bytes of it do not move it (sip-core 2.8). */
  #timeMessage(current: number): void {
    const timed = this.#cause === null ? current : -1
    if (timed === this.#timedMessage) return
    this.#messageTime?.clear()
    this.#messageTime = null
    this.#timedMessage = timed
    if (timed < 0) return
    this.#messageTime = this.#clock.after(this.#limits.messageTimeMs, () => this.#end('message incomplete too long'))
  }

  #checkLifetime(): void {
    const endMs = Math.max(this.#lastActiveMs + this.#limits.lifetimeMs, this.#keptUntilMs)
    const restMs = endMs - this.#clock.monotonicMs()
    if (restMs <= 0) this.#end('idle')
    else this.#lifetime = this.#clock.after(Math.min(restMs, LONGEST_TIMER_MS), () => this.#checkLifetime())
  }

  #endSoon(cause: CloseCause): void {
    if (this.#cause !== null) return
    this.#cause = cause
    this.#carrier.endSoon()
  }

  #end(cause: CloseCause): void {
    this.#cause ??= cause
    this.#framer.stop()
    this.#carrier.destroy()
  }
}

/** How many line ends stand before the first other byte. */
function lineEndsOf(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++
  return at
}
