import {
  type Address,
  DELIVERED,
  type Delivery,
  DeliveryError,
  failed,
  type Health,
  type Sink,
  type Transport,
  type TransportContext,
  type WireEvent,
} from '../events/transport.ts'
import type { AnyTransport } from '../module/transport-module.ts'
import type { Clock } from '../util/clock.ts'

/** Schemes whose events stay in the process: they do here what they always do. */
const INSIDE: ReadonlySet<string> = new Set(['virtual', 'route'])
const AWAY: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'the test has taken this subscriber away'))

/** Stands for everybody outside the process that a script subscribes: takes events, or is away. */
export class Subscribers {
  readonly #onDelivery: (address: Address, event: WireEvent) => void
  readonly #away = new Set<string>()
  readonly #sinks = new Set<CapturingSink>()

  constructor(onDelivery: (address: Address, event: WireEvent) => void) {
    this.#onDelivery = onDelivery
  }

  /** From now on nothing is delivered to this address, or it is again. */
  setAway(address: Address, isAway: boolean): void {
    if (isAway) this.#away.add(address.key)
    else this.#away.delete(address.key)
    for (const sink of this.#sinks) if (sink.address.key === address.key) sink.tellHealth()
  }

  isAway(address: Address): boolean {
    return this.#away.has(address.key)
  }

  /** The transport with its addresses, parameters and commands, whose events come here instead of going out. */
  standIn(transport: AnyTransport): AnyTransport {
    return {
      spec: transport.spec,
      // biome-ignore lint/suspicious/noExplicitAny: AnyTransport forgets the types of its spec
      setup: (context: TransportContext<any>) => {
        const handlers = transport.setup(context)
        return { ...handlers, transports: handlers.transports.map(one => this.#capture(one, context.clock)) }
      },
    }
  }

  take(address: Address, event: WireEvent): Delivery {
    if (this.isAway(address)) return AWAY
    this.#onDelivery(address, event)
    return DELIVERED
  }

  #capture(real: Transport, clock: Clock): Transport {
    if (INSIDE.has(real.scheme)) return real
    return {
      scheme: real.scheme,
      parse: (rest, host) => real.parse(rest, host),
      ...(real.formats === undefined ? {} : { formats: real.formats }),
      open: address => {
        const sink = new CapturingSink(address, this, clock, () => this.#sinks.delete(sink))
        this.#sinks.add(sink)
        return sink
      },
    }
  }
}

class CapturingSink implements Sink {
  readonly address: Address
  readonly #subscribers: Subscribers
  readonly #clock: Clock
  readonly #onClose: () => void
  readonly #listeners: (() => void)[] = []
  #sinceMs: number

  constructor(address: Address, subscribers: Subscribers, clock: Clock, onClose: () => void) {
    this.address = address
    this.#subscribers = subscribers
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
    this.#onClose = onClose
  }

  get health(): Health {
    const state = this.#subscribers.isAway(this.address) ? 'down' : 'up'
    return { state, sinceMs: this.#sinceMs }
  }

  send(event: WireEvent): Delivery {
    return this.#subscribers.take(this.address, event)
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#onClose()
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  tellHealth(): void {
    this.#sinceMs = this.#clock.monotonicMs()
    for (const listener of this.#listeners) listener()
  }
}
