import { randomBytes } from 'node:crypto'
import type { Value } from '../util/spec.ts'
import type { EventType } from './catalogue.ts'
import type { EventCodec, WireEvent } from './transport.ts'

/** Where a raise comes from. */
export interface RaiseSource {
  /**
   * The message being processed, for event routes that run inside the raise; let go of when the raise returns.
   * `eventDepth`: how many events led to it.
   */
  readonly message?: { readonly eventDepth: number }
}

/** A reading of the wall clock, and the time stamp of ids made then. Shared by the events of one millisecond. */
interface Moment {
  readonly nowMs: number
  readonly stampMs: number
}

/** An event that was raised, as every subscriber gets it. Made by {@link EventSequence.next}. */
export class RaisedEvent implements WireEvent {
  readonly type: EventType
  readonly names: readonly string[] | null
  readonly values: readonly (Value | undefined)[]
  /** How many events led to this one. */
  readonly depth: number
  readonly #moment: Moment
  readonly #sequence: EventSequence
  readonly #number: number
  #message: RaiseSource['message']
  #id: string | undefined
  #codec: EventCodec | undefined
  #bytes: Buffer | undefined
  #others: Map<EventCodec, Buffer> | undefined

  // One argument each: an object to carry them would be garbage of every raise.
  constructor(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    moment: Moment,
    source: RaiseSource | undefined,
    depth: number,
    sequence: EventSequence,
    number: number,
  ) {
    this.type = type
    this.names = names
    this.values = values
    this.depth = depth
    this.#moment = moment
    this.#sequence = sequence
    this.#number = number
    this.#message = source?.message
  }

  get name(): string {
    return this.type.name
  }

  get raisedAtMs(): number {
    return this.#moment.nowMs
  }

  /** `TIME-BOOT-NUMBER` in base 36: sorts by time, then by order of the raise; no two runs or nodes share BOOT. */
  get id(): string {
    return (this.#id ??= this.#sequence.format(this.#moment.stampMs, this.#number))
  }

  /** The message the raise came from; undefined once the raise has returned. */
  get message(): RaiseSource['message'] {
    return this.#message
  }

  /** Lets go of the message: a queued event must not keep it in memory. */
  release(): void {
    this.#message = undefined
  }

  encode(codec: EventCodec): Buffer {
    if (this.#codec === codec && this.#bytes !== undefined) return this.#bytes
    if (this.#codec === undefined) {
      this.#codec = codec
      return (this.#bytes = codec.encode(this))
    }
    this.#others ??= new Map()
    let bytes = this.#others.get(codec)
    if (bytes === undefined) this.#others.set(codec, (bytes = codec.encode(this)))
    return bytes
  }
}

/** Hands out events with ids that grow within a run and differ between runs. */
export class EventSequence {
  readonly #boot: string
  #number = 0
  #moment: Moment = { nowMs: 0, stampMs: 0 }

  /** `boot` tells this run from all others; random unless a test fixes it. */
  constructor(
    boot = BigInt(`0x${randomBytes(8).toString('hex')}`)
      .toString(36)
      .padStart(13, '0'),
  ) {
    this.#boot = boot
  }

  /** Makes the next event. `nowMs` is the wall clock. */
  next(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    nowMs: number,
    source: RaiseSource | undefined,
    depth: number,
  ): RaisedEvent {
    // The wall clock may be set back; ids must go on growing.
    if (nowMs !== this.#moment.nowMs) this.#moment = { nowMs, stampMs: Math.max(this.#moment.stampMs, nowMs) }
    return new RaisedEvent(type, names, values, this.#moment, source, depth, this, this.#number++)
  }

  /** The id of one event; see {@link RaisedEvent.id}. */
  format(timeMs: number, number: number): string {
    return `${timeMs.toString(36).padStart(9, '0')}-${this.#boot}-${number.toString(36).padStart(9, '0')}`
  }
}
