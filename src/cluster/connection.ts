import type { Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import { encodeFrame, type Frame, FrameKind, FrameReader, MAX_PAYLOAD_BYTES } from './frame.ts'
import { encodeHello, type Hello, makeHello, parseHello, type Role, Seal } from './handshake.ts'
import { encodeMessage, type Message, parseMessage } from './message.ts'

/** What may wait for a node that reads slowly; beyond it the connection is given up, and the node asked anew. */
const MAX_UNSENT_BYTES = 8 * MAX_PAYLOAD_BYTES
/** How often a quiet connection is checked by the system. */
const KEEP_ALIVE_MS = 10_000

/** Which node speaks, in which cluster. */
export interface Identity {
  readonly cluster: number
  readonly node: number
}

interface ConnectionParts {
  readonly socket: Socket
  readonly role: Role
  readonly secret: string
  readonly log: Log
  /** What to greet with; null refuses. An acceptor is given the greeting it answers, a connector null. */
  identify(hello: Identity | null): Identity | null
  /** Both sides have greeted each other; of an acceptor, the other has also proved that it has the secret. */
  ready?(connection: Connection): void
  take(connection: Connection, message: Message): void
  /** The connection is gone, for this reason; `isFault` where the other side said something it must not. Called once. */
  closed(reason: string, isFault: boolean): void
}

/** A connection between two nodes, from the greeting on. Nothing that comes in makes it throw. */
export class Connection {
  readonly #parts: ConnectionParts
  readonly #reader = new FrameReader()
  #own: Hello | null = null
  #peer: Hello | null = null
  #seal: Seal | null = null
  #isReady = false
  #reason: string | null = null

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    const { socket } = parts
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (bytes: string | Buffer) => this.#read(typeof bytes === 'string' ? Buffer.from(bytes) : bytes))
    socket.on('error', error => this.close(error.message))
    socket.on('close', () => this.#finish('the other node closed the connection'))
  }

  /** The node on the other side; null before its greeting. */
  get peer(): Identity | null {
    return this.#peer
  }

  /** Its address. */
  get remoteAddress(): string {
    return this.#parts.socket.remoteAddress ?? ''
  }

  /** Sends the first greeting: for the connector, once connected. */
  greet(): void {
    this.#greet(null)
  }

  /** Gives false where the message cannot be sent: it is too large, or the other node reads too slowly and was given up. */
  send(message: Message): boolean {
    const { socket } = this.#parts
    if (this.#seal === null || this.#reason !== null) return false
    const bytes = encodeMessage(message)
    if (bytes.length > MAX_PAYLOAD_BYTES - 1024) {
      this.#parts.log
        .often()
        .error('a message for another node is too large', { bytes: bytes.length, most: MAX_PAYLOAD_BYTES })
      return false
    }
    if (socket.writableLength + bytes.length > MAX_UNSENT_BYTES) {
      this.close('the other node reads too slowly')
      return false
    }
    socket.write(encodeFrame(FrameKind.message, this.#seal.seal(bytes)))
    return true
  }

  /** Closes at once. Idempotent. */
  close(reason: string, isFault = false): void {
    this.#finish(reason, isFault)
    this.#parts.socket.destroy()
  }

  #finish(reason: string, isFault = false): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#parts.closed(reason, isFault)
  }

  #read(bytes: Buffer): void {
    if (this.#reason !== null) return
    const fault = this.#reader.push(bytes, frame => {
      const wrong = this.#takeFrame(frame)
      if (wrong !== null) this.close(wrong, true)
      return this.#reason === null
    })
    if (fault !== null) this.close(fault, true)
  }

  /** Gives what is wrong with the frame, or null. */
  #takeFrame({ kind, payload }: Frame): string | null {
    if (kind === FrameKind.hello) return this.#takeHello(payload)
    const message = this.#seal?.open(payload) ?? null
    if (this.#seal === null) return 'a message before the greeting'
    if (message === null) return 'a message that is not authenticated: do both nodes have the same secret?'
    const parsed = parseMessage(message)
    if (parsed === null) return 'a message that is not understood'
    // Only now has the other side proved who it is.
    this.#reader.maxPayloadBytes = MAX_PAYLOAD_BYTES
    this.#becomeReady('acceptor')
    if (this.#reason === null) this.#parts.take(this, parsed)
    return null
  }

  #takeHello(payload: Buffer): string | null {
    const { role, secret } = this.#parts
    const hello = parseHello(payload)
    if (hello === null || this.#peer !== null) return 'a greeting that is not understood'
    this.#peer = hello
    if (role === 'acceptor' && !this.#greet(hello))
      return `node ${hello.node} speaks for cluster ${hello.cluster}, where it is not expected`
    const own = this.#own
    if (own === null) return 'a greeting before the connection was made'
    if (hello.authentication !== own.authentication)
      return hello.authentication === 'none'
        ? 'the other node has no secret'
        : 'the other node has a secret, this one none'
    if (role === 'connector' && hello.cluster !== own.cluster)
      return `cluster ${hello.cluster} answers, not ${own.cluster}`
    const [connector, acceptor] = role === 'connector' ? [own, hello] : [hello, own]
    this.#seal = new Seal(secret, role, connector, acceptor)
    this.#becomeReady('connector')
    return null
  }

  #becomeReady(role: Role): void {
    if (this.#isReady || this.#parts.role !== role) return
    this.#isReady = true
    this.#parts.ready?.(this)
  }

  #greet(hello: Identity | null): boolean {
    const identity = this.#parts.identify(hello)
    if (identity === null) return false
    this.#own = makeHello(identity.cluster, identity.node, this.#parts.secret)
    this.#parts.socket.write(encodeFrame(FrameKind.hello, encodeHello(this.#own)))
    return true
  }
}
