import type { Socket } from 'node:net'
import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { ListenSocket, Origin, Proto } from './endpoint.ts'
import { type FramerSink, type StreamFault, StreamFramer } from './stream-framer.ts'

const CRLF = '\r\n'
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
  | 'closed here'

/** What a connection tells its owner. */
export interface ConnectionOwner {
  receive(bytes: Buffer, origin: Origin): void
  /** A stream that cannot be read on, with the head of the message where it was readable. */
  receiveBroken(head: Buffer, fault: StreamFault, origin: Origin): void
  /** Once, at the end. */
  closed(connection: TcpConnection, cause: CloseCause): void
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
}

/** One stream connection: framing, keep-alives, time limits, bounded sending. */
export class TcpConnection implements FramerSink {
  readonly id: number
  readonly proto: Proto
  readonly listenSocket: ListenSocket
  readonly remoteAddress: string
  readonly remotePort: number
  readonly isOutgoing: boolean
  /** As the kernel has it; port 0 while connecting. */
  localPort = 0
  localAddress = ''
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #clock: Clock
  readonly #log: Log
  readonly #limits: StreamLimits
  readonly #framer: StreamFramer
  readonly #origin: Origin
  #lifetime: Timer
  #connecting: Timer | null = null
  #messageTime: Timer | null = null
  /** Which message the timer above is for. */
  #timedMessage = -1
  #lastActiveMs: number
  #cause: CloseCause | null = null

  constructor(parts: ConnectionParts, socket: Socket, owner: ConnectionOwner, clock: Clock, log: Log) {
    this.id = parts.id
    this.proto = parts.proto
    this.listenSocket = parts.listenSocket
    this.remoteAddress = parts.remoteAddress
    this.remotePort = parts.remotePort
    this.isOutgoing = parts.isOutgoing
    this.#limits = parts.limits
    this.#socket = socket
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
    this.#attach()
  }

  get isOpen(): boolean {
    return this.#cause === null
  }

  /** Bytes that have come. */
  get receivedBytes(): number {
    return this.#socket.bytesRead
  }

  /** Bytes that wait for the peer to read. */
  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  /**
   * Queues bytes. False when the connection is closed, or is closed now because the peer does not read; `onError` is
   * called, later, when the connection ends before the kernel has taken all of them.
   */
  send(bytes: Buffer | string, onError?: (reason: string) => void): boolean {
    if (this.#cause !== null) return false
    if (this.#socket.writableLength + bytes.length > this.#limits.writeBufferBytes) {
      this.#end('peer does not read')
      return false
    }
    this.#socket.write(bytes, error => {
      if (error) onError?.(this.#cause === 'error' || this.#cause === null ? error.message : this.#cause)
    })
    return true
  }

  /** Ends the connection at once. Idempotent. */
  close(): void {
    this.#end('closed here')
  }

  message(bytes: Buffer): void {
    this.#lastActiveMs = this.#clock.monotonicMs()
    this.#owner.receive(bytes, this.#origin)
  }

  pings(count: number): void {
    this.#lastActiveMs = this.#clock.monotonicMs()
    this.send(CRLF.repeat(count))
  }

  fault(head: Buffer, fault: StreamFault): void {
    this.#log.info('stream connection broken', { from: this.remoteAddress, port: this.remotePort, why: fault.reason })
    if (head.length > 0) this.#owner.receiveBroken(head, fault, this.#origin)
    if (this.#cause !== null) return
    // What was queued, the reply to the broken request above all, still goes out before the end.
    this.#cause = 'not SIP'
    this.#socket.destroySoon()
  }

  #attach(): void {
    const socket = this.#socket
    socket.on('data', segment => typeof segment !== 'string' && this.#read(segment))
    socket.on('error', error => {
      this.#log.debug('stream connection failed', { peer: this.remoteAddress, error: error.message })
      this.#end('error')
    })
    socket.on('close', () => this.#closed())
    if (!this.isOutgoing) this.#noteLocalEnd()
    else {
      this.#connecting = this.#clock.after(this.#limits.connectTimeoutMs, () => this.#end('connect timeout'))
      socket.once('connect', () => {
        this.#connecting?.clear()
        this.#noteLocalEnd()
      })
    }
  }

  #noteLocalEnd(): void {
    this.localAddress = this.#socket.localAddress ?? ''
    this.localPort = this.#socket.localPort ?? 0
  }

  #read(segment: Buffer): void {
    if (this.#cause !== null) return
    this.#framer.push(segment)
    this.#timeMessage()
  }

  /** Starts the time limit with the first bytes of a message; later bytes of it do not move it (sip-core 2.8). */
  #timeMessage(): void {
    const current = this.#framer.isInMessage && this.#cause === null ? this.#framer.begun : -1
    if (current === this.#timedMessage) return
    this.#messageTime?.clear()
    this.#messageTime = null
    this.#timedMessage = current
    if (current < 0) return
    this.#messageTime = this.#clock.after(this.#limits.messageTimeMs, () => this.#end('message incomplete too long'))
  }

  #checkLifetime(): void {
    const restMs = this.#lastActiveMs + this.#limits.lifetimeMs - this.#clock.monotonicMs()
    if (restMs <= 0) this.#end('idle')
    else this.#lifetime = this.#clock.after(restMs, () => this.#checkLifetime())
  }

  #end(cause: CloseCause): void {
    this.#cause ??= cause
    this.#framer.stop()
    this.#socket.destroy()
  }

  #closed(): void {
    this.#cause ??= 'peer closed'
    this.#framer.stop()
    this.#lifetime.clear()
    this.#connecting?.clear()
    this.#messageTime?.clear()
    this.#owner.closed(this, this.#cause)
  }
}
