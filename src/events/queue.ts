import type { RaisedEvent } from './event.ts'

/** One event waiting for one receiver. */
export interface QueuedEvent {
  readonly event: RaisedEvent
  /** When it was queued, on the monotonic clock. */
  readonly sinceMs: number
  /** Grows by one with each event queued: what order is restored by. */
  readonly order: number
}

/** What a full queue gives up: the event that has waited longest, or the one that comes. */
export type Overflow = 'drop-oldest' | 'drop-newest'

/** A ring of waiting events, bounded in number. It starts small and grows, so that idle subscriptions cost nothing. */
export class EventQueue {
  readonly #most: number
  readonly #overflow: Overflow
  #ring: (QueuedEvent | undefined)[] = []
  #head = 0
  #length = 0

  constructor(most: number, overflow: Overflow) {
    this.#most = Math.max(1, most)
    this.#overflow = overflow
  }

  get length(): number {
    return this.#length
  }

  /** Adds at the tail. Gives the event that had to go, which may be the new one. */
  push(item: QueuedEvent): QueuedEvent | undefined {
    let dropped: QueuedEvent | undefined
    if (this.#length >= this.#most) {
      if (this.#overflow === 'drop-newest') return item
      dropped = this.shift()
    }
    this.#put(this.#length, item)
    this.#length++
    return dropped
  }

  /** Puts events back at the head, in their order. Gives those that no longer fit. */
  unshift(items: readonly QueuedEvent[]): readonly QueuedEvent[] {
    const dropped: QueuedEvent[] = []
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i]
      if (item === undefined) continue
      if (this.#length >= this.#most) {
        // What is put back came before all that waits: it is the oldest.
        const lost = this.#overflow === 'drop-oldest' ? item : this.#pop()
        if (lost !== undefined) dropped.push(lost)
        if (lost === item) continue
      }
      this.#reserve()
      this.#head = (this.#head - 1) & (this.#ring.length - 1)
      this.#ring[this.#head] = item
      this.#length++
    }
    return dropped
  }

  /** The event that has waited longest. */
  peek(): QueuedEvent | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head]
  }

  /** Takes the event that has waited longest. */
  shift(): QueuedEvent | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#length--
    if (this.#length === 0) this.#shrink()
    return item
  }

  #pop(): QueuedEvent | undefined {
    const at = (this.#head + this.#length - 1) & (this.#ring.length - 1)
    const item = this.#ring[at]
    this.#ring[at] = undefined
    this.#length--
    return item
  }

  #put(offset: number, item: QueuedEvent): void {
    this.#reserve()
    this.#ring[(this.#head + offset) & (this.#ring.length - 1)] = item
  }

  /** Makes room for one more. The size stays a power of two, so that positions wrap with a mask. */
  #reserve(): void {
    if (this.#length < this.#ring.length) return
    const grown = new Array<QueuedEvent | undefined>(Math.max(8, this.#ring.length * 2))
    for (let i = 0; i < this.#length; i++) grown[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)]
    this.#ring = grown
    this.#head = 0
  }

  /** Gives back the memory of a backlog once it is gone. */
  #shrink(): void {
    if (this.#ring.length > 1024) this.#ring = []
    this.#head = 0
  }
}
