import type { RaisedEvent } from '../event.ts'
import type { EventStore, StoreListener } from '../event-store.ts'
import type { Delivery } from '../transport.ts'

/** Takes events while the store they belong into is being opened; from then on it is that store. */
export class DeferredStore implements EventStore {
  readonly #most: number
  readonly #early: { readonly event: RaisedEvent; readonly sinceMs: number }[] = []
  #store: EventStore | undefined
  #listener: StoreListener | undefined
  /** How it was closed before it was opened. */
  #closed: boolean | undefined

  /** `most`: events kept until then. */
  constructor(most: number) {
    this.#most = most
  }

  /** The stores are there, each for one of these. What gathered is pushed in order of the raises: one record serves several. */
  static resolveAll(pairs: readonly (readonly [deferred: DeferredStore, store: EventStore])[]): void {
    const early = pairs.flatMap(([deferred, store]) => {
      deferred.#store = store
      if (deferred.#listener !== undefined) store.attach(deferred.#listener)
      return deferred.#early.splice(0).map(waiting => ({ ...waiting, store }))
    })
    early.sort((a, b) => a.event.sequence - b.event.sequence)
    for (const { event, sinceMs, store } of early) store.push(event, sinceMs)
    for (const [deferred, store] of pairs) deferred.#begin(store)
  }

  #begin(store: EventStore): void {
    if (this.#closed !== undefined) store.close?.(this.#closed)
    else if (store.headSinceMs !== Number.POSITIVE_INFINITY) this.#listener?.ready()
  }

  get length(): number {
    return this.#store?.length ?? this.#early.length
  }

  get bytes(): number {
    return this.#store?.bytes ?? 0
  }

  get headSinceMs(): number {
    return this.#store?.headSinceMs ?? Number.POSITIVE_INFINITY
  }

  get headAttempts(): number {
    return this.#store?.headAttempts ?? 0
  }

  attach(listener: StoreListener): void {
    this.#listener = listener
    this.#store?.attach(listener)
  }

  push(event: RaisedEvent, sinceMs: number): void {
    if (this.#store !== undefined) this.#store.push(event, sinceMs)
    else if (this.#early.length < this.#most) this.#early.push({ event, sinceMs })
    else this.#listener?.dropped(event, 'overflow')
  }

  shift(): RaisedEvent | undefined {
    return this.#store?.shift()
  }

  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void {
    this.#store?.unshift(event, sinceMs, attempts)
  }

  settle(event: RaisedEvent, delivery: Delivery): void {
    this.#store?.settle?.(event, delivery)
  }

  close(isForGood: boolean): void {
    this.#closed = isForGood
    this.#store?.close?.(isForGood)
  }
}
