import type { Clock } from '../../util/clock.ts'
import type { RaisedEvent } from '../event.ts'
import type { EventStore, StoreListener } from '../event-store.ts'
import type { Cursor, Handed } from './cursor.ts'
import type { Spool } from './spool.ts'

/** An event put back by its lane. */
interface Returned {
  readonly event: RaisedEvent
  readonly sinceMs: number
  readonly attempts: number
}

/** The store of each receiver that was opened last. */
const latest = new WeakMap<Cursor<RaisedEvent>, SpoolStore>()

/**
 * The events of one receiver, kept in a spool: on disk before they are offered, there again after a restart until settled.
 * Where the same subscription is made anew while the old one is still sending, the new one's store takes its place: what waits
 * goes to the new one, and what the old one cannot deliver comes after it.
 */
export class SpoolStore implements EventStore {
  readonly #spool: Spool<RaisedEvent>
  readonly #cursor: Cursor<RaisedEvent>
  readonly #clock: Clock
  /** Handed to the lane and not settled. */
  readonly #handed = new Map<RaisedEvent, Handed<RaisedEvent>>()
  /** The last one is next. */
  readonly #returned: Returned[] = []
  #listener: StoreListener | undefined
  #successor: SpoolStore | undefined

  constructor(spool: Spool<RaisedEvent>, subscription: string, clock: Clock) {
    this.#spool = spool
    this.#clock = clock
    this.#cursor = spool.cursor(subscription)
    this.#cursor.onReady = () => this.#listener?.ready()
    const before = latest.get(this.#cursor)
    if (before !== undefined) before.#yieldTo(this)
    latest.set(this.#cursor, this)
  }

  get length(): number {
    if (this.#successor !== undefined) return 0
    return this.#cursor.waiting + this.#returned.length
  }

  /** Not counted by receiver: the disk is shared. */
  get bytes(): number {
    return 0
  }

  get headSinceMs(): number {
    if (this.#successor !== undefined) return Number.POSITIVE_INFINITY
    const returned = this.#returned.at(-1)
    if (returned !== undefined) return returned.sinceMs
    const timeMs = this.#cursor.headTimeMs
    if (timeMs === undefined) return Number.POSITIVE_INFINITY
    return this.#clock.monotonicMs() - Math.max(0, this.#clock.nowMs() - timeMs)
  }

  get headAttempts(): number {
    return this.#returned.at(-1)?.attempts ?? 0
  }

  attach(listener: StoreListener): void {
    this.#listener = listener
  }

  push(event: RaisedEvent): void {
    if (!this.#spool.append(event, this.#cursor, event.sizeBytes)) this.#listener?.dropped(event, 'overflow')
  }

  shift(): RaisedEvent | undefined {
    if (this.#successor !== undefined) return undefined
    const returned = this.#returned.pop()
    if (returned !== undefined) return returned.event
    const handed = this.#cursor.shift()
    if (handed === undefined) return undefined
    this.#handed.set(handed.item, handed)
    return handed.item
  }

  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void {
    const handed = this.#handed.get(event)
    if (this.#successor === undefined) this.#returned.push({ event, sinceMs, attempts })
    else if (handed !== undefined) {
      this.#handed.delete(event)
      this.#successor.#adopt(handed, sinceMs, attempts)
    }
  }

  settle(event: RaisedEvent): void {
    const handed = this.#handed.get(event)
    if (handed === undefined) return
    this.#handed.delete(event)
    this.#cursor.settle(handed)
  }

  close(isForGood: boolean): void {
    if (this.#successor !== undefined) return
    this.#cursor.onReady = () => {}
    if (isForGood) this.#spool.end(this.#cursor)
  }

  /** Gives everything that waits to a store opened for the same receiver. */
  #yieldTo(successor: SpoolStore): void {
    this.#successor = successor
    for (const { event, sinceMs, attempts } of this.#returned.splice(0)) this.unshift(event, sinceMs, attempts)
  }

  #adopt(handed: Handed<RaisedEvent>, sinceMs: number, attempts: number): void {
    this.#handed.set(handed.item, handed)
    this.unshift(handed.item, sinceMs, attempts)
    this.#listener?.adopted?.()
  }
}
