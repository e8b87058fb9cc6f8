import type { RaisedEvent } from '../event.ts'
import type { EventStore, StoreListener } from '../event-store.ts'
import type { DeliveryPolicy } from '../policy.ts'
import { EventQueue } from '../queue.ts'
import type { SpoolStore } from './spool-store.ts'

/** An event put back by its lane. */
interface Returned {
  readonly event: RaisedEvent
  readonly sinceMs: number
  readonly attempts: number
}

/**
 * Events in memory up to the bound of their subscription, and on disk beyond it. What is on disk came later than all that is
 * in memory, so order is kept. A crash costs what was in memory: it is the room that is durable here, not the event.
 */
export class OverflowStore implements EventStore {
  readonly #memory: EventQueue
  readonly #disk: SpoolStore
  readonly #most: number
  readonly #mostBytes: number
  /** The last one is next. */
  readonly #returned: Returned[] = []

  constructor(disk: SpoolStore, { maxQueued, maxQueuedBytes }: Pick<DeliveryPolicy, 'maxQueued' | 'maxQueuedBytes'>) {
    this.#memory = new EventQueue(maxQueued, 'drop-newest', maxQueuedBytes)
    this.#disk = disk
    this.#most = maxQueued
    this.#mostBytes = maxQueuedBytes
  }

  get length(): number {
    return this.#returned.length + this.#memory.length + this.#disk.length
  }

  get bytes(): number {
    return this.#memory.bytes
  }

  get headSinceMs(): number {
    return this.#returned.at(-1)?.sinceMs ?? this.#front.headSinceMs
  }

  get headAttempts(): number {
    return this.#returned.at(-1)?.attempts ?? this.#front.headAttempts
  }

  attach(listener: StoreListener): void {
    this.#memory.attach(listener)
    this.#disk.attach(listener)
  }

  push(event: RaisedEvent, sinceMs: number): void {
    const isRoom = this.#memory.length < this.#most && this.#memory.bytes + event.sizeBytes <= this.#mostBytes
    // While anything is on disk, what comes goes behind it.
    if (isRoom && this.#disk.length === 0) this.#memory.push(event, sinceMs)
    else this.#disk.push(event)
  }

  shift(): RaisedEvent | undefined {
    return this.#returned.pop()?.event ?? this.#front.shift()
  }

  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void {
    this.#returned.push({ event, sinceMs, attempts })
  }

  settle(event: RaisedEvent): void {
    this.#disk.settle(event)
  }

  close(isForGood: boolean): void {
    this.#disk.close(isForGood)
  }

  get #front(): EventStore {
    return this.#memory.length > 0 ? this.#memory : this.#disk
  }
}
