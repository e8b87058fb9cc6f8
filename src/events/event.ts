import type { Value } from '../util/spec.ts'
import type { EventType } from './catalogue.ts'
import { EventIdWriter, makeOrigin, timeOfEventId } from './event-id.ts'
import type { EventCodec, EventOrigin, WireEvent } from './transport.ts'

/** The message a raise comes from, as far as the bus looks at it. */
export interface RaisingMessage {
  /** How many events led to it. */
  readonly eventDepth: number
  /** The SIP message itself; its Call-ID is kept with the event. */
  readonly message?: { readonly callId: string }
}

/** Where a raise comes from. */
export interface RaiseSource {
  /** The message being processed, for event routes that run inside the raise; let go of when the raise returns. */
  readonly message?: RaisingMessage
}

/** What the events of one millisecond share: the wall clock, the time stamp of their ids, the run. */
interface Moment {
  readonly nowMs: number
  readonly stampMs: number
  readonly origin: EventOrigin
  readonly ids: EventIdWriter
}

/** How far a subscription is with an event that it sends several ways at once. */
export interface FanOut {
  /** Whose it is; several subscriptions make a chain. */
  readonly owner: object
  readonly next: FanOut | undefined
  /** Ways that are not done. */
  left: number
  /** The worst of those that are, as its owner ranks them. */
  worst: number
}

/** What an event only has once somebody asks for it. */
interface Derived {
  id: string | undefined
  codec: EventCodec | undefined
  bytes: Buffer | undefined
  others: Map<EventCodec, Buffer> | undefined
}

/** Bytes that an event takes beside its values, roughly. */
const OVERHEAD_BYTES = 200

/** An event that was raised, as every subscriber gets it. Made by {@link EventSequence.next} or {@link restoreEvent}. */
export class RaisedEvent implements WireEvent {
  readonly type: EventType
  readonly names: readonly string[] | null
  readonly values: readonly (Value | undefined)[]
  /** How many events led to this one. */
  readonly depth: number
  readonly sequence: number
  /** Kept here by those who send it several ways: a table of theirs would be one more thing to grow and to clean. */
  fanOut: FanOut | undefined = undefined
  readonly #moment: Moment
  #message: RaisingMessage | undefined
  #callId: string | undefined
  #derived: Derived | undefined
  /** 0 until somebody asks. */
  #sizeBytes = 0

  // One argument each: an object to carry them would be garbage of every raise.
  constructor(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    moment: Moment,
    message: RaisingMessage | undefined,
    depth: number,
    sequence: number,
  ) {
    this.type = type
    this.names = names
    this.values = values
    this.depth = depth
    this.sequence = sequence
    this.#moment = moment
    this.#message = message
  }

  get name(): string {
    return this.type.name
  }

  get raisedAtMs(): number {
    return this.#moment.nowMs
  }

  get origin(): EventOrigin {
    return this.#moment.origin
  }

  get id(): string {
    const derived = this.#derive()
    return (derived.id ??= this.#moment.ids.write(this.#moment.stampMs, this.sequence))
  }

  get callId(): string | undefined {
    return this.#callId
  }

  /** Memory that the event takes, roughly. */
  get sizeBytes(): number {
    if (this.#sizeBytes > 0) return this.#sizeBytes
    let bytes = OVERHEAD_BYTES
    for (const value of this.values) if (typeof value === 'string') bytes += value.length
    this.#sizeBytes = bytes
    return bytes
  }

  /** The message the raise came from; undefined once the raise has returned. */
  get message(): RaisingMessage | undefined {
    return this.#message
  }

  /** Lets go of the message: a queued event must not keep it in memory. Its Call-ID stays. */
  release(): void {
    const message = this.#message
    if (message === undefined) return
    // What runs because of an event has a message that stands for none.
    if (message.eventDepth === 0) this.#callId = message.message?.callId
    this.#message = undefined
  }

  encode(codec: EventCodec): Buffer {
    const derived = this.#derive()
    if (derived.codec === codec && derived.bytes !== undefined) return derived.bytes
    if (derived.bytes === undefined) {
      derived.bytes = codec.encode(this)
      derived.codec = codec
      return derived.bytes
    }
    derived.others ??= new Map()
    let bytes = derived.others.get(codec)
    if (bytes === undefined) derived.others.set(codec, (bytes = codec.encode(this)))
    return bytes
  }

  /** For {@link restoreEvent}: an event of an earlier run keeps its identity. */
  static restored(type: EventType, facts: StoredEvent): RaisedEvent {
    const { id, sequence, origin, raisedAtMs, names, values } = facts
    const ids = new EventIdWriter(origin.boot)
    const moment = { nowMs: raisedAtMs, stampMs: timeOfEventId(id), origin, ids }
    const event = new RaisedEvent(type, names, values, moment, undefined, 0, sequence)
    event.#derive().id = id
    event.#callId = facts.callId
    return event
  }

  #derive(): Derived {
    return (this.#derived ??= { id: undefined, codec: undefined, bytes: undefined, others: undefined })
  }
}

/** All that has to be kept of an event to have it again after a restart. */
export interface StoredEvent {
  readonly id: string
  readonly sequence: number
  readonly origin: EventOrigin
  readonly raisedAtMs: number
  readonly callId: string | undefined
  readonly names: readonly string[] | null
  readonly values: readonly (Value | undefined)[]
}

/** An event of an earlier run, with the id, sequence and origin it had. */
export function restoreEvent(type: EventType, facts: StoredEvent): RaisedEvent {
  return RaisedEvent.restored(type, facts)
}

/** Hands out events with ids that grow within a run and differ between runs. */
export class EventSequence {
  readonly #origin: EventOrigin
  readonly #ids: EventIdWriter
  #last = 0
  #moment: Moment

  constructor(origin: EventOrigin = makeOrigin()) {
    this.#origin = origin
    this.#ids = new EventIdWriter(origin.boot)
    this.#moment = { nowMs: 0, stampMs: 0, origin, ids: this.#ids }
  }

  /** Makes the next event. `nowMs` is the wall clock, whole milliseconds. */
  next(
    type: EventType,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
    nowMs: number,
    message: RaisingMessage | undefined,
    depth: number,
  ): RaisedEvent {
    if (nowMs !== this.#moment.nowMs) {
      // The wall clock may be set back; ids must go on growing.
      const stampMs = Math.max(this.#moment.stampMs, nowMs)
      this.#moment = { nowMs, stampMs, origin: this.#origin, ids: this.#ids }
    }
    return new RaisedEvent(type, names, values, this.#moment, message, depth, ++this.#last)
  }
}
