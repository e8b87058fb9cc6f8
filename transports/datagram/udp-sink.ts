import {
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  type Health,
  type Sink,
  tryEncode,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock, Timer } from '../../src/util/clock.ts'
import { settledBefore } from '../../src/util/settled-before.ts'
import type { UdpAddress } from './address.ts'
import { Destination, type Resolve } from './destination.ts'
import { SendGroup } from './send-group.ts'
import type { UdpSockets } from './udp-sockets.ts'

/** Largest payload (events reference §3.1). */
export const MAX_DATAGRAM_BYTES = 65_457

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))

/** Sends each event as one datagram. A destination where nobody listens is not noticed. */
export class UdpSink implements Sink {
  readonly #address: UdpAddress
  readonly #codec: EventCodec
  readonly #sockets: UdpSockets
  readonly #clock: Clock
  readonly #destination: Destination
  readonly #groups = new Set<SendGroup>()
  readonly #listeners: (() => void)[] = []
  #health: Health
  #group: SendGroup | undefined
  #watch: Timer | undefined
  #isClosed = false

  constructor(address: UdpAddress, codec: EventCodec, sockets: UdpSockets, clock: Clock, resolve: Resolve) {
    this.#address = address
    this.#codec = codec
    this.#sockets = sockets
    this.#clock = clock
    this.#destination = new Destination(address.host, clock, resolve, () => this.#resolved())
    const state = this.#destination.known === undefined ? 'connecting' : 'up'
    this.#health = { state, sinceMs: clock.monotonicMs() }
  }

  get health(): Health {
    return this.#health
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    if (this.#isClosed) return CLOSED
    const target = this.#destination.current()
    if (target === undefined) return this.#unresolved()
    const bytes = tryEncode(event, this.#codec)
    if (bytes instanceof DeliveryError) return failed(bytes)
    if (bytes.length > MAX_DATAGRAM_BYTES) return tooLarge(bytes.length)
    const group = this.#openGroup(deadlineMs)
    this.#sockets.send(bytes, target.family, target.address, this.#address.port, group)
    return group.promise
  }

  async flush(signal: AbortSignal): Promise<void> {
    await settledBefore(Promise.all([...this.#groups].map(group => group.promise)), signal)
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    await this.flush(signal)
    this.#watch?.clear()
    for (const group of [...this.#groups]) group.settle(unknown(new DeliveryError('E_CLOSED', 'the sink was closed')))
  }

  /** The group of this turn. */
  #openGroup(deadlineMs: number): SendGroup {
    if (this.#group?.isOpen) return this.#group
    const group = new SendGroup(deadlineMs, settled => this.#groups.delete(settled))
    this.#group = group
    this.#groups.add(group)
    if (this.#watch === undefined) this.#armWatch(deadlineMs)
    return group
  }

  /** The system keeps a datagram only while its own buffers are full: one timer is enough to hold it to the deadline. */
  #armWatch(untilMs: number): void {
    this.#watch = this.#clock.after(Math.max(1, untilMs - this.#clock.monotonicMs()), () => {
      this.#watch = undefined
      const nowMs = this.#clock.monotonicMs()
      const late = unknown(new DeliveryError('E_TIMEOUT', 'the system did not take the datagram in time'))
      for (const group of [...this.#groups]) if (group.deadlineMs <= nowMs) group.settle(late)
      const [oldest] = this.#groups
      if (oldest !== undefined) this.#armWatch(oldest.deadlineMs)
    })
  }

  #unresolved(): Delivery {
    const reason = this.#destination.error?.message ?? 'it is being looked up'
    return failed(new DeliveryError('E_NOT_CONNECTED', `no address for ${this.#address.host}: ${reason}`))
  }

  #resolved(): void {
    const state = this.#destination.known === undefined ? 'down' : 'up'
    if (state === this.#health.state) return
    const { error } = this.#destination
    const lastError =
      error === undefined ? undefined : new DeliveryError('E_NOT_CONNECTED', error.message, { cause: error })
    this.#health = { state, sinceMs: this.#clock.monotonicMs(), lastError }
    for (const listener of this.#listeners) listener()
  }
}

/** The outcome for a payload that no datagram can hold. */
export function tooLarge(bytes: number): Delivery {
  const message = `the payload has ${bytes} bytes; a datagram holds ${MAX_DATAGRAM_BYTES}`
  return failed(new DeliveryError('E_TOO_LARGE', message, { permanent: true }))
}
