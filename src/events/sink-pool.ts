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

/** Sinks shared by those who send to the same address in the same form. The last to let go of one closes it for good. */
export class SinkPool {
  readonly #open: OpenSink
  /** By what is wanted of them, then by key of the address. */
  readonly #pooled = new Map<string, Map<string, PooledSink>>()

  constructor(open: OpenSink) {
    this.#open = open
  }

  /** The address's sink, opened if need be, with one more holder. With `isOwn` nobody else has it. Throws AddressError. */
  hold(address: Address, wishes: SinkWishes, isOwn: boolean): PooledSink {
    if (isOwn) return new PooledSink(address, this.#open(address, wishes), undefined)
    const alike = this.#alike(wishes)
    let pooled = alike.get(address.key)
    if (pooled === undefined) {
      pooled = new PooledSink(address, this.#open(address, wishes), alike)
      alike.set(address.key, pooled)
    } else pooled.holders++
    return pooled
  }

  /** A share of the address's sink: `hold` and {@link PooledSink.share}. */
  acquire(address: Address, wishes: SinkWishes, isOwn: boolean): Sink {
    return this.hold(address, wishes, isOwn).share()
  }

  #alike({ format, key }: SinkWishes): Map<string, PooledSink> {
    const wish = `${format ?? ''} ${key ?? ''}`
    let alike = this.#pooled.get(wish)
    if (alike === undefined) this.#pooled.set(wish, (alike = new Map()))
    return alike
  }
}

/** A sink with a count of those who hold it. Whoever has something to send turns the hold into a share. */
export class PooledSink {
  /** As whoever opened it wrote it. */
  readonly address: Address
  /** For looking at: what is sent goes through shares. */
  readonly sink: Sink
  readonly #siblings: Map<string, PooledSink> | undefined
  /** Itself, for those who hold no other: one array for all of them. */
  readonly alone: readonly PooledSink[] = [this]
  #shares: Set<SharedSink> | undefined
  holders = 1

  constructor(address: Address, sink: Sink, siblings: Map<string, PooledSink> | undefined) {
    this.address = address
    this.sink = sink
    this.#siblings = siblings
  }

  /** What a holder sends through. Closing it ends the hold. */
  share(): Sink {
    if (this.#siblings === undefined) return this.sink
    const share = this.sink.sendAll === undefined ? new SharedSink(this) : new SharedBatchSink(this)
    this.#sharesTold().add(share)
    return share
  }

  /** Ends a hold that was not turned into a share. The last one closes the sink, the others wait for what is on its way. */
  release(signal: AbortSignal): Promise<void> {
    if (--this.holders > 0) return this.sink.flush(signal)
    if (this.#siblings?.get(this.address.key) === this) this.#siblings.delete(this.address.key)
    return this.sink.close(signal)
  }

  /** Ends the hold of a share. */
  forget(share: SharedSink, signal: AbortSignal): Promise<void> {
    this.#shares?.delete(share)
    return this.release(signal)
  }

  #sharesTold(): Set<SharedSink> {
    if (this.#shares !== undefined) return this.#shares
    const shares = (this.#shares = new Set<SharedSink>())
    this.sink.onHealth(() => {
      for (const share of [...shares]) share.healthChanged()
    })
    return shares
  }
}

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))

/** One user's share of a sink. */
class SharedSink implements Sink {
  readonly #pooled: PooledSink
  protected readonly sink: Sink
  readonly #listeners: (() => void)[] = []
  #closing: Promise<void> | undefined

  constructor(pooled: PooledSink) {
    this.#pooled = pooled
    this.sink = pooled.sink
  }

  protected get isClosed(): boolean {
    return this.#closing !== undefined
  }

  get health(): Health {
    return this.sink.health
  }

  get window(): number | undefined {
    return this.sink.window
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    return this.isClosed ? CLOSED : this.sink.send(event, deadlineMs)
  }

  flush(signal: AbortSignal): Promise<void> {
    return this.sink.flush(signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#pooled.forget(this, signal)
    return this.#closing
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  healthChanged(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** A share of a sink that takes several events at once. */
class SharedBatchSink extends SharedSink {
  sendAll(events: readonly WireEvent[], deadlineMs: number): Outcomes | Promise<Outcomes> {
    return this.isClosed ? CLOSED : (this.sink.sendAll?.(events, deadlineMs) ?? CLOSED)
  }
}
