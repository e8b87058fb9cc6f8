import type { RaisedEvent } from './event.ts'
import type { EventStore, StoreListener } from './event-store.ts'
import type { Overflow } from './policy.ts'
import { keyReader } from './transport.ts'

/** Of all queues that hold nothing, or nothing that was tried before. */
const NO_NUMBERS: number[] = []
const FIRST_SIZE = 8
/** A ring larger than this is let go of once it is empty. */
const KEPT_SIZE = 1024

/**
 * A ring of waiting events in memory, bounded in number and bytes. It starts small and grows, so that idle subscriptions
 * cost nothing. What belongs to an event stands in arrays of its own: an object for each would be garbage of every raise.
 */
export class EventQueue implements EventStore {
  readonly #most: number
  readonly #mostBytes: number
  readonly #overflow: Overflow
  readonly #waiting: WaitingByKey | undefined
  #listener: StoreListener | undefined
  #events: (RaisedEvent | undefined)[] = []
  #since = NO_NUMBERS
  /** Nothing until an event is put back. */
  #attempts = NO_NUMBERS
  #head = 0
  #length = 0
  #bytes = 0
  /** Events that have left at the head, less those put back: the number of the slot at the head. */
  #passed = 0

  constructor(most: number, overflow: Overflow, mostBytes = Number.POSITIVE_INFINITY) {
    this.#most = Math.max(1, most)
    this.#mostBytes = mostBytes
    this.#overflow = overflow
    this.#waiting = typeof overflow === 'object' ? new WaitingByKey(overflow.coalesce) : undefined
  }

  get length(): number {
    return this.#length
  }
  /** Roughly; 0 when the queue has no bound of bytes. */
  get bytes(): number {
    return this.#bytes
  }
  get headSinceMs(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#since[this.#head] ?? 0)
  }
  get headAttempts(): number {
    return this.#length === 0 ? 0 : (this.#attempts[this.#head] ?? 0)
  }

  attach(listener: StoreListener): void {
    this.#listener = listener
  }

  push(event: RaisedEvent, sinceMs: number): void {
    const size = this.#sizeOf(event)
    if (!this.#hasRoom(size) && !this.#makeRoom(event, size)) return
    if (this.#length === this.#events.length) this.#grow()
    const at = (this.#head + this.#length) & (this.#events.length - 1)
    this.#events[at] = event
    this.#since[at] = sinceMs
    if (this.#attempts !== NO_NUMBERS) this.#attempts[at] = 0
    this.#waiting?.add(event, this.#passed + this.#length)
    this.#length++
    this.#bytes += size
  }

  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void {
    if (this.#length >= this.#most) {
      // What is put back came before all that waits: it is the oldest.
      const gone = this.#overflow === 'drop-newest' ? this.#pop() : event
      if (gone !== undefined) this.#listener?.dropped(gone, 'overflow')
      if (gone === event) return
    }
    if (this.#length === this.#events.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#events.length - 1)
    this.#passed--
    this.#events[this.#head] = event
    this.#since[this.#head] = sinceMs
    if (this.#attempts === NO_NUMBERS) this.#attempts = new Array<number>(this.#events.length).fill(0)
    this.#attempts[this.#head] = attempts
    this.#length++
    this.#bytes += this.#sizeOf(event)
  }

  shift(): RaisedEvent | undefined {
    if (this.#length === 0) return undefined
    const event = this.#events[this.#head]
    this.#events[this.#head] = undefined
    if (event !== undefined) {
      this.#waiting?.remove(event, this.#passed)
      this.#bytes -= this.#sizeOf(event)
    }
    this.#head = (this.#head + 1) & (this.#events.length - 1)
    this.#passed++
    this.#length--
    if (this.#length === 0 && this.#events.length > KEPT_SIZE) this.#letGo()
    return event
  }

  #sizeOf(event: RaisedEvent): number {
    return this.#mostBytes === Number.POSITIVE_INFINITY ? 0 : event.sizeBytes
  }

  #hasRoom(size: number): boolean {
    return this.#length < this.#most && this.#bytes + size <= this.#mostBytes
  }

  /** Lets go of something so that the event fits. False when the event itself is dropped or has taken another's place. */
  #makeRoom(event: RaisedEvent, size: number): boolean {
    if (this.#overflow === 'drop-newest' || size > this.#mostBytes) {
      this.#listener?.dropped(event, 'overflow')
      return false
    }
    if (this.#waiting !== undefined && this.#replace(this.#waiting, event, size)) return false
    while (this.#length > 0 && !this.#hasRoom(size)) {
      const gone = this.shift()
      if (gone !== undefined) this.#listener?.dropped(gone, 'overflow')
    }
    return true
  }

  /** Puts the event into the place of the one that waits with the same key. */
  #replace(waiting: WaitingByKey, event: RaisedEvent, size: number): boolean {
    const number = waiting.find(event)
    if (number === undefined) return false
    const at = (this.#head + number - this.#passed) & (this.#events.length - 1)
    const gone = this.#events[at]
    if (gone === undefined) return false
    this.#events[at] = event
    this.#bytes += size - this.#sizeOf(gone)
    this.#listener?.dropped(gone, 'coalesced')
    return true
  }

  #pop(): RaisedEvent | undefined {
    const at = (this.#head + this.#length - 1) & (this.#events.length - 1)
    const event = this.#events[at]
    this.#events[at] = undefined
    this.#length--
    if (event === undefined) return undefined
    this.#waiting?.remove(event, this.#passed + this.#length)
    this.#bytes -= this.#sizeOf(event)
    return event
  }

  /** The size stays a power of two, so that positions wrap with a mask. */
  #grow(): void {
    const size = Math.max(FIRST_SIZE, this.#events.length * 2)
    const mask = this.#events.length - 1
    const events = new Array<RaisedEvent | undefined>(size).fill(undefined)
    // NaN makes it an array of doubles from the start.
    const since = new Array<number>(size).fill(Number.NaN)
    const attempts = this.#attempts === NO_NUMBERS ? NO_NUMBERS : new Array<number>(size).fill(0)
    for (let i = 0; i < this.#length; i++) {
      const at = (this.#head + i) & mask
      events[i] = this.#events[at]
      since[i] = this.#since[at] ?? 0
      if (attempts !== NO_NUMBERS) attempts[i] = this.#attempts[at] ?? 0
    }
    this.#events = events
    this.#since = since
    this.#attempts = attempts
    this.#head = 0
  }

  /** Gives back the memory of a backlog once it is gone. */
  #letGo(): void {
    this.#events = []
    this.#since = NO_NUMBERS
    this.#attempts = NO_NUMBERS
    this.#head = 0
  }
}

/** The place of the latest waiting event for each value of a field. Numbers count slots since the queue began. */
class WaitingByKey {
  readonly #keyOf: ReturnType<typeof keyReader>
  readonly #places = new Map<string, number>()

  constructor(field: string) {
    this.#keyOf = keyReader(field)
  }

  find(event: RaisedEvent): number | undefined {
    const key = this.#keyOf(event)
    return key === undefined ? undefined : this.#places.get(key)
  }

  add(event: RaisedEvent, place: number): void {
    const key = this.#keyOf(event)
    if (key !== undefined) this.#places.set(key, place)
  }

  remove(event: RaisedEvent, place: number): void {
    const key = this.#keyOf(event)
    if (key !== undefined && this.#places.get(key) === place) this.#places.delete(key)
  }
}
