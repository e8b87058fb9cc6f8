import {
  DeliveryError,
  type EventCodec,
  failed,
  type Link,
  type Outcomes,
  SETTLE_AHEAD_MS,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { orAbort } from '../../src/util/or-abort.ts'
import type { StreamAddress } from './address.ts'
import type { Share, StreamConnections } from './connections.ts'
import { withId } from './message.ts'

const NOTICES = { maxBatch: 64, maxInFlight: 8 } as const
/** Fewer, as the last of them has to be answered within the timeout too. */
const REQUESTS = { maxBatch: 32, maxInFlight: 4 } as const
const NEWLINE = Buffer.from('\n')

export interface StreamLinkOptions {
  readonly clock: Clock
  readonly codec: EventCodec
  readonly connections: StreamConnections
  /** Time for sending a message and, where there is one, its reply. */
  readonly timeoutMs: number
  /** Gives the id of the next request; undefined where messages are notifications. */
  readonly nextId: (() => number) | undefined
  /** Notifications have `"id":null` (2.x). */
  readonly showsNoId: boolean
  /** A line feed ends each message. */
  readonly endsLines: boolean
}

/**
 * Writes JSON-RPC messages one behind the other. Requests are delivered when the peer has answered without an error,
 * notifications when the system has taken them.
 */
export class StreamLink implements Link {
  readonly maxBatch: number
  readonly maxInFlight: number
  readonly window: number
  readonly codec: EventCodec
  readonly #address: StreamAddress
  readonly #options: StreamLinkOptions
  #share: Share | undefined

  constructor(address: StreamAddress, options: StreamLinkOptions) {
    this.#address = address
    this.#options = options
    this.codec = options.codec
    const { maxBatch, maxInFlight } = options.nextId === undefined ? NOTICES : REQUESTS
    this.maxBatch = maxBatch
    this.maxInFlight = maxInFlight
    this.window = maxBatch * maxInFlight
  }

  async connect(signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    const { host, port } = this.#address
    const share = this.#options.connections.acquire(host, port, error => {
      if (this.#share === share) this.#share = undefined
      onLost(error)
    })
    const isOpen = await orAbort(
      share.connection.opened.then(() => true),
      signal,
    )
    if (isOpen === undefined) {
      const error = new DeliveryError('E_NOT_CONNECTED', `gave up connecting to ${host}:${port}: closed or out of time`)
      share.release(error)
      throw error
    }
    this.#share = share
  }

  write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const { clock, timeoutMs, nextId } = this.#options
    const connection = this.#share?.connection
    if (connection === undefined)
      return Promise.resolve(failed(new DeliveryError('E_NOT_CONNECTED', 'no connection to the peer')))
    const withinMs = Math.max(0, Math.min(timeoutMs, deadlineMs - SETTLE_AHEAD_MS - clock.monotonicMs()))
    if (nextId === undefined) return connection.notify(this.#bytesOf(batch), withinMs)
    const ids = batch.map(() => nextId())
    return connection.call(this.#bytesOf(batch, ids), ids, withinMs)
  }

  close(): Promise<void> {
    const share = this.#share
    this.#share = undefined
    share?.release(new DeliveryError('E_CLOSED', 'the connection was closed before the peer confirmed'))
    return Promise.resolve()
  }

  #bytesOf(batch: readonly WireEvent[], ids?: readonly number[]): Buffer {
    const parts: Buffer[] = []
    for (const [i, event] of batch.entries()) {
      const payload = event.encode(this.codec)
      const id = ids?.[i] ?? (this.#options.showsNoId ? null : undefined)
      parts.push(id === undefined ? payload : withId(payload, id))
      if (this.#options.endsLines) parts.push(NEWLINE)
    }
    return Buffer.concat(parts)
  }
}
