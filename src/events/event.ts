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

/** An event that was raised, as every subscriber gets it. Made by {@link EventSequence.next}. */
export class RaisedEvent implements WireEvent {
  readonly type: EventType
  readonly names: readonly string[] | null
  readonly values: readonly (Value | undefined)[]
  readonly raisedAtMs: number
  /** How many events led to this one. */
  readonly depth: number
  readonly #sequence: EventSequence
  readonly #stampMs: number
  readonly #number: number
  #message: RaiseSource['message']
  #id: string | undefined
  #codec: EventCodec | undefined
  #bytes: Buffer | undefined
  #others: Map<EventCodec, Buffer> | undefined

  constructor(init: {
    readonly type: EventType
    readonly names: readonly string[] | null
    readonly values: readonly (Value | undefined)[]
    readonly raisedAtMs: number
    readonly source: RaiseSource | undefined
    readonly depth: number
    readonly sequence: EventSequence
    readonly stampMs: number
    readonly number: number
  }) {
    this.type = init.type
    this.names = init.names
    this.values = init.values
    this.raisedAtMs = init.raisedAtMs
    this.depth = init.depth
    this.#sequence = init.sequence
    this.#stampMs = init.stampMs
    this.#number = init.number
    this.#message = init.source?.message
  }

  get name(): string {
    return this.type.name
  }

  /** `TIME-BOOT-NUMBER` in base 36: sorts by time, then by order of the raise; no two runs or nodes share BOOT. */
  get id(): string {
    return (this.#id ??= this.#sequence.format(this.#stampMs, this.#number))
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
  #latestMs = 0

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
    this.#latestMs = Math.max(this.#latestMs, nowMs)
    const stampMs = this.#latestMs
    const number = this.#number++
    return new RaisedEvent({ type, names, values, raisedAtMs: nowMs, source, depth, sequence: this, stampMs, number })
  }

  /** The id of one event; see {@link RaisedEvent.id}. */
  format(timeMs: number, number: number): string {
    return `${timeMs.toString(36).padStart(9, '0')}-${this.#boot}-${number.toString(36).padStart(9, '0')}`
  }
}
