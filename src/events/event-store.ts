import type { RaisedEvent } from './event.ts'
import type { DeliveryPolicy } from './policy.ts'
import type { Delivery } from './transport.ts'

/**
 * Where the events of one receiver wait, in order. {@link EventQueue} keeps them in memory; a spool keeps them on disk and
 * gives the same calls, so that a lane does not know which it has. Nothing here waits or throws.
 */
export interface EventStore {
  /** Events that wait, those that cannot be shifted yet included. */
  readonly length: number
  /** Memory, or disk, that they take. */
  readonly bytes: number
  /** When the event at the head came to wait, on the monotonic clock; infinite when nothing can be shifted. */
  readonly headSinceMs: number
  /** How often the event at the head was tried already. */
  readonly headAttempts: number
  /** Whom to tell; called once, before anything else. Events of an earlier run may wait already. */
  attach(listener: StoreListener): void
  /**
   * Adds at the tail. A durable store makes the event shiftable once it is on disk. Lanes of one raise push the same
   * object one after the other: one record on disk can serve them all.
   */
  push(event: RaisedEvent, sinceMs: number): void
  /** Takes the event at the head; undefined when there is none to be had now. It stays unsettled until `settle`. */
  shift(): RaisedEvent | undefined
  /** Puts one back at the head that was shifted and is to be tried again. */
  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void
  /**
   * A shifted event is done with: it was delivered, dropped (E_EXPIRED, E_CLOSED) or became a dead letter. Each shifted
   * event is settled once, in any order, unless it is put back. Absent: nobody needs to know.
   */
  settle?(event: RaisedEvent, delivery: Delivery): void
  /** The subscription has ended. `true`: for good, what waits can go; `false`: with the process, what waits stays. */
  close?(isForGood: boolean): void
}

/** Why an event was given up unsent. */
export type DropReason = 'overflow' | 'coalesced' | 'expired' | 'closed'

/** What a store tells its lane. May be called inside any of the store's calls. */
export interface StoreListener {
  /** There is something to shift that was not there before, other than by `push` itself. */
  ready(): void
  /** An event came that another lane had already and could not deliver: it waits here now. */
  adopted?(): void
  /** An event that waited is gone: to make room, replaced by a later one, or beyond the retention. */
  dropped(event: RaisedEvent, reason: DropReason): void
}

/** For whom a store is opened. */
export interface StoreRequest {
  /** The same in every run for the same event, socket and filter, and different for all others. Holds no secret. */
  readonly subscription: string
  /** Name of the event, or `*`. */
  readonly event: string
  /** Canonical text of the socket the lane leads to; one subscription has several where it fans out. */
  readonly socket: string
  readonly policy: DeliveryPolicy
}

/** Opens the store of a lane whose policy is `durable` or whose queue overflows to `spool`. */
export type OpenStore = (request: StoreRequest) => EventStore
