import {
  type Address,
  AddressError,
  DELIVERED,
  type Delivery,
  DeliveryError,
  failed,
  type Health,
  type Sink,
  type Transport,
  type WireEvent,
} from '../../src/events/transport.ts'

/** A refusal that may pass. */
export const REFUSED: Delivery = failed(new DeliveryError('E_REFUSED', 'not now'))
/** A refusal for good. */
export const IMPOSSIBLE: Delivery = failed(new DeliveryError('E_TOO_LARGE', 'never', { permanent: true }))
/** What a sink without a connection says. */
export const AWAY: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'away'))
/** It may have been taken. */
export const DOUBTFUL: Delivery = { outcome: 'unknown', error: new DeliveryError('E_TIMEOUT', 'no answer') }

/** A sink that keeps what it gets and answers as told. */
export class MemorySink implements Sink {
  health: Health = { state: 'up', sinceMs: 0 }
  /** Everything it was given, repeats included. */
  readonly attempts: WireEvent[] = []
  /** What it took. */
  readonly taken: WireEvent[] = []
  answer: (event: WireEvent, deadlineMs: number) => Delivery | Promise<Delivery> = () => DELIVERED
  isClosed = false
  readonly #listeners: (() => void)[] = []

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    if (this.isClosed) return failed(new DeliveryError('E_CLOSED', 'closed'))
    this.attempts.push(event)
    const result = this.answer(event, deadlineMs)
    if ('outcome' in result) return this.#note(event, result)
    // Not `then`: the promise itself may be shared between events.
    void result.then(delivery => this.#note(event, delivery))
    return result
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {
    this.isClosed = true
  }
  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }
  turn(state: Health['state']): void {
    this.health = { state, sinceMs: 0 }
    for (const listener of this.#listeners) listener()
  }
  /** First values of what it took. */
  get values(): unknown[] {
    return this.taken.map(event => event.values[0])
  }
  #note(event: WireEvent, delivery: Delivery): Delivery {
    if (delivery.outcome === 'delivered') this.taken.push(event)
    return delivery
  }
}

/** A transport whose sinks live in memory: `mem:NAME`. The names `a`, `A` mean the same. */
export class MemoryTransport implements Transport {
  readonly scheme = 'mem'
  readonly sinks = new Map<string, MemorySink>()
  opened = 0

  parse(rest: string): Address {
    if (!/^\w+(\/inline)?$/.test(rest)) throw new AddressError(`"${rest}" is not a name`, rest, 0)
    const text = `mem:${rest.toLowerCase()}`
    return { scheme: 'mem', text, key: text }
  }
  open(address: Address): Sink {
    this.opened++
    const sink = new MemorySink()
    this.sinks.set(address.text.slice(4), sink)
    return sink
  }
  isInline(address: Address): boolean {
    return address.text.endsWith('/inline')
  }
  /** The sink most recently opened under a name. */
  sink(name: string): MemorySink {
    const sink = this.sinks.get(name)
    if (sink === undefined) throw new Error(`mem:${name} was never opened`)
    return sink
  }
}
