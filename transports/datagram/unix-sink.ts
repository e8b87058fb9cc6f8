import { getSystemErrorName } from 'node:util'
import {
  DELIVERED,
  type Delivery,
  type DeliveryCode,
  DeliveryError,
  type EventCodec,
  failed,
  type Health,
  type Sink,
  tryEncode,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { UnixAddress } from './address.ts'
import { MAX_DATAGRAM_BYTES, tooLarge } from './udp-sink.ts'
import { type UnixSocket, unixTarget } from './unix-socket.ts'

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))

/** What the system's refusals mean. Anything else is a refusal that may pass. */
const MEANINGS: Readonly<
  Record<string, { readonly code: DeliveryCode; readonly message: string; readonly permanent?: boolean }>
> = {
  EAGAIN: { code: 'E_QUEUE_FULL', message: 'the receiver has not read the datagrams it has' },
  ENOBUFS: { code: 'E_QUEUE_FULL', message: 'the system has no room for the datagram' },
  ENOENT: { code: 'E_NOT_CONNECTED', message: 'there is no such socket' },
  ENOTDIR: { code: 'E_NOT_CONNECTED', message: 'a part of the path is not a directory' },
  ECONNREFUSED: { code: 'E_NOT_CONNECTED', message: 'nobody has the socket open' },
  EACCES: { code: 'E_NOT_CONNECTED', message: 'the socket may not be written to' },
  EPROTOTYPE: { code: 'E_NOT_CONNECTED', message: 'the socket is not a datagram socket' },
  EMSGSIZE: { code: 'E_TOO_LARGE', message: 'the payload is larger than the socket takes', permanent: true },
}

/** Sends each event as one datagram to a unix socket. The result is known when the call returns. */
export class UnixSink implements Sink {
  readonly #address: UnixAddress
  readonly #target: Buffer
  readonly #codec: EventCodec
  readonly #socket: UnixSocket
  readonly #clock: Clock
  readonly #listeners: (() => void)[] = []
  /** Made once for each error: a busy receiver refuses often. */
  readonly #refusals = new Map<number, Delivery & { outcome: 'failed' }>()
  #health: Health
  #isClosed = false

  constructor(address: UnixAddress, codec: EventCodec, socket: UnixSocket, clock: Clock) {
    this.#address = address
    this.#target = unixTarget(address.path)
    this.#codec = codec
    this.#socket = socket
    this.#clock = clock
    this.#health = { state: 'up', sinceMs: clock.monotonicMs() }
  }

  get health(): Health {
    return this.#health
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  send(event: WireEvent): Delivery {
    if (this.#isClosed) return CLOSED
    const bytes = tryEncode(event, this.#codec)
    if (bytes instanceof DeliveryError) return failed(bytes)
    if (bytes.length > MAX_DATAGRAM_BYTES) return tooLarge(bytes.length)
    const errno = this.#socket.send(bytes, this.#target)
    if (errno === 0) {
      if (this.#health.state !== 'up') this.#setHealth('up')
      return DELIVERED
    }
    const refusal = this.#refusal(errno)
    if (refusal.error.code === 'E_NOT_CONNECTED' && this.#health.state === 'up') this.#setHealth('down', refusal.error)
    return refusal
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #refusal(errno: number): Delivery & { outcome: 'failed' } {
    const known = this.#refusals.get(errno)
    if (known !== undefined) return known
    const name = getSystemErrorName(-errno)
    const {
      code,
      message,
      permanent = false,
    } = MEANINGS[name] ?? { code: 'E_REFUSED', message: 'the system refused the datagram' }
    const error = new DeliveryError(code, `${this.#address.text}: ${message} (${name})`, { permanent })
    const refusal = { outcome: 'failed', error } as const
    this.#refusals.set(errno, refusal)
    return refusal
  }

  #setHealth(state: Health['state'], lastError = this.#health.lastError): void {
    this.#health = { state, sinceMs: this.#clock.monotonicMs(), lastError }
    for (const listener of this.#listeners) listener()
  }
}
