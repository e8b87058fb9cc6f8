import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Address, Permission } from './api.ts'
import { stateKey } from './presentity.ts'

/** The dialog of a subscription, from our side (RFC 6665 §4). */
export interface SubscriptionDialog {
  readonly callId: string
  /** Ours. */
  readonly localTag: string
  readonly remoteTag: string
  /** URI in From of the SUBSCRIBE. */
  readonly watcher: Address
  /** URI in To of the SUBSCRIBE. */
  readonly target: Address
  readonly routes: readonly string[]
  readonly socket: ListenSocket | null
  /** URI of our Contact. */
  readonly localContact: string
}

/** Why a subscription has ended (RFC 6665 §4.1.3). */
export type EndReason = 'timeout' | 'rejected' | 'noresource' | 'deactivated'

/** One subscription. */
export class Subscription {
  readonly dialog: SubscriptionDialog
  readonly presentity: Address
  /** Name of the event package. */
  readonly event: string
  readonly eventId: string
  /** Characters kept of the request that made it. */
  readonly textLength: number
  contact: string
  remoteCseq: number
  localCseq = 0
  /** NOTIFYs so far. */
  version = 0
  expiresMs = 0
  permission: Exclude<Permission, 'blocked'>
  ended: EndReason | null = null
  /** A NOTIFY is under way, and something has changed since it was sent. */
  isNotifying = false
  isStale = false

  constructor(init: {
    readonly dialog: SubscriptionDialog
    readonly presentity: Address
    readonly event: string
    readonly eventId: string
    readonly contact: string
    readonly remoteCseq: number
    readonly permission: Exclude<Permission, 'blocked'>
  }) {
    this.dialog = init.dialog
    this.presentity = init.presentity
    this.event = init.event
    this.eventId = init.eventId
    this.contact = init.contact
    this.remoteCseq = init.remoteCseq
    this.permission = init.permission
    const { callId, remoteTag, routes } = init.dialog
    this.textLength = [callId, remoteTag, init.contact, init.eventId, ...routes].join('').length
  }

  /** What Subscription-State says while it lasts. */
  get status(): 'active' | 'pending' {
    return this.permission === 'pending' ? 'pending' : 'active'
  }

  get key(): string {
    const { callId, localTag, remoteTag } = this.dialog
    return subscriptionKey(callId, localTag, remoteTag)
  }
}

/** What tells one subscription from another: its dialog. */
export const subscriptionKey = (callId: string, localTag: string, remoteTag: string): string =>
  `${callId}\n${localTag}\n${remoteTag}`

/** Subscriptions kept at one time, the longest one, and all of them together: characters of what their requests said. */
export const MOST_SUBSCRIPTIONS = 100_000
export const LONGEST_SUBSCRIPTION = 8192
const MOST_TEXT = 128 * 1024 * 1024

/** Every subscription, by its dialog and by what it is to. */
export class Subscriptions {
  readonly #byDialog = new Map<string, Subscription>()
  readonly #byState = new Map<string, Set<Subscription>>()
  #textLength = 0

  /** Whether one more may be kept. */
  get hasRoom(): boolean {
    return this.#byDialog.size < MOST_SUBSCRIPTIONS && this.#textLength < MOST_TEXT
  }

  all(): IterableIterator<Subscription> {
    return this.#byDialog.values()
  }

  find(callId: string, localTag: string, remoteTag: string): Subscription | undefined {
    return this.#byDialog.get(subscriptionKey(callId, localTag, remoteTag))
  }

  has(subscription: Subscription): boolean {
    return this.#byDialog.get(subscription.key) === subscription
  }

  to(event: string, presentity: Address): Iterable<Subscription> {
    return this.#byState.get(stateKey(event, presentity)) ?? []
  }

  add(subscription: Subscription): void {
    this.#byDialog.set(subscription.key, subscription)
    this.#textLength += subscription.textLength
    const key = stateKey(subscription.event, subscription.presentity)
    const others = this.#byState.get(key)
    if (others === undefined) this.#byState.set(key, new Set([subscription]))
    else others.add(subscription)
  }

  remove(subscription: Subscription): void {
    if (this.#byDialog.delete(subscription.key)) this.#textLength -= subscription.textLength
    const key = stateKey(subscription.event, subscription.presentity)
    const others = this.#byState.get(key)
    others?.delete(subscription)
    if (others?.size === 0) this.#byState.delete(key)
  }
}
