import {
  type Address,
  type Delivery,
  DeliveryError,
  failed,
  type Health,
  type Outcomes,
  type PayloadFormat,
  type Sink,
  type WireEvent,
} from './transport.ts'

/** What a subscription wants of its sinks. Those that want the same share one. */
export interface SinkWishes {
  readonly format?: PayloadFormat | undefined
  /** Field by which order is kept. */
  readonly key?: string | undefined
}

/** Opens the sink of an address. Throws AddressError. */
export type OpenSink = (address: Address, wishes: SinkWishes) => Sink

interface Entry {
  readonly sink: Sink
  readonly users: Set<SharedSink>
}

/** Sinks shared by those who send to the same address in the same form. The last to close one closes it for good. */
export class SinkPool {
  readonly #open: OpenSink
  readonly #entries = new Map<string, Entry>()

  constructor(open: OpenSink) {
    this.#open = open
  }

  /** A share of the address's sink, which is opened if need be. With `isOwn` nobody else shares it. Throws AddressError. */
  acquire(address: Address, wishes: SinkWishes, isOwn: boolean): Sink {
    if (isOwn) return this.#open(address, wishes)
    const key = `${wishes.format ?? ''} ${wishes.key ?? ''} ${address.key}`
    let entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, (entry = this.#makeEntry(address, wishes)))
    const { sink, users } = entry
    const share = new SharedSink(sink, () => this.#release(key, share))
    users.add(share)
    return share
  }

  #makeEntry(address: Address, wishes: SinkWishes): Entry {
    const entry: Entry = { sink: this.#open(address, wishes), users: new Set() }
    entry.sink.onHealth(() => {
      for (const user of [...entry.users]) user.healthChanged()
    })
    return entry
  }

  /** Gives whether the share was the last one. */
  #release(key: string, share: SharedSink): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined || !entry.users.delete(share) || entry.users.size > 0) return false
    this.#entries.delete(key)
    return true
  }
}

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))

/** One user's share of a sink. */
class SharedSink implements Sink {
  readonly #sink: Sink
  readonly #release: () => boolean
  readonly #listeners: (() => void)[] = []
  /** Absent where the sink takes events one by one. */
  readonly sendAll?: (events: readonly WireEvent[], deadlineMs: number) => Outcomes | Promise<Outcomes>
  #closing: Promise<void> | undefined

  constructor(sink: Sink, release: () => boolean) {
    this.#sink = sink
    this.#release = release
    if (sink.sendAll !== undefined)
      this.sendAll = (events, deadlineMs) =>
        this.#closing === undefined ? (sink.sendAll?.(events, deadlineMs) ?? CLOSED) : CLOSED
  }

  get health(): Health {
    return this.#sink.health
  }

  get window(): number | undefined {
    return this.#sink.window
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    return this.#closing === undefined ? this.#sink.send(event, deadlineMs) : CLOSED
  }

  flush(signal: AbortSignal): Promise<void> {
    return this.#sink.flush(signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#release() ? this.#sink.close(signal) : this.#sink.flush(signal)
    return this.#closing
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  healthChanged(): void {
    for (const listener of this.#listeners) listener()
  }
}
