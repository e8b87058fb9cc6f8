import type { Value } from '../util/spec.ts'
import { Buckets } from './buckets.ts'
import type { EventType } from './catalogue.ts'
import { FilterIndex } from './filter-index.ts'
import type { Subscription } from './subscription.ts'

/** The name that subscribes to every event. */
export const ANY_EVENT = '*'

interface Audience {
  readonly index: FilterIndex<Subscription>
  readonly identities: Identities
}

/** Who listens to what. */
export class Registry {
  readonly #byName = new Map<string, Audience>()
  /** The same audiences by id of the event, for the raise. */
  readonly #byId: (Audience | undefined)[] = []
  #wildcard: Audience | undefined

  /** Whether anybody may want an event of this id; filters may still say no. */
  hears(id: number): boolean {
    return this.#byId[id] !== undefined || this.#wildcard !== undefined
  }

  /** The subscription of this identity, if there is one. */
  find(event: string, key: string, filterText: string | null): Subscription | undefined {
    return this.#byName.get(event)?.identities.find(key, filterText)
  }

  /** `type` is null for a subscription to all events. */
  add(subscription: Subscription, type: EventType | null): void {
    let audience = this.#byName.get(subscription.event)
    if (audience === undefined) {
      audience = { index: new FilterIndex(), identities: new Identities() }
      this.#byName.set(subscription.event, audience)
      if (type === null) this.#wildcard = audience
      else this.#byId[type.id] = audience
    }
    audience.index.add(subscription)
    audience.identities.add(subscription)
  }

  /** Gives false when it was not there. */
  remove(subscription: Subscription): boolean {
    const audience = this.#byName.get(subscription.event)
    if (audience?.identities.remove(subscription) !== true) return false
    audience.index.remove(subscription)
    if (audience.index.size > 0) return true
    this.#byName.delete(subscription.event)
    if (this.#wildcard === audience) this.#wildcard = undefined
    else this.#byId[this.#byId.indexOf(audience)] = undefined
    return true
  }

  /** Those who want this event, the newest subscription first (events reference §1.3). */
  matching(
    id: number,
    names: readonly string[] | null,
    values: readonly (Value | undefined)[],
  ): readonly Subscription[] {
    if (this.#wildcard === undefined) {
      const all = this.#byId[id]?.index.unfiltered()
      // Entries stand in order of their serials.
      if (all !== undefined) return all.length > 1 ? all.toReversed() : all
    }
    const found: Subscription[] = []
    this.#byId[id]?.index.collect(names, values, found)
    this.#wildcard?.index.collect(names, values, found)
    return found.length > 1 ? found.sort((a, b) => b.serial - a.serial) : found
  }

  /** Subscriptions to this event, those to all events included; or all there are. Newest first. */
  list(event?: string): Subscription[] {
    const audiences = event === undefined ? [...this.#byName.values()] : [this.#byName.get(event), this.#wildcard]
    const all: Subscription[] = []
    for (const audience of new Set(audiences)) audience?.identities.collect(all)
    return all.sort((a, b) => b.serial - a.serial)
  }
}

/**
 * The subscriptions to one event by socket and filter. They are kept under a number made of both: the texts themselves
 * would be a copy of what each subscription holds anyway.
 */
class Identities {
  readonly #byHash = new Buckets<number, Subscription>()

  find(key: string, filterText: string | null): Subscription | undefined {
    const bucket = this.#byHash.get(hash(key, filterText))
    if (bucket === undefined) return undefined
    // Several only where the numbers of different texts are the same.
    for (const one of bucket instanceof Set ? bucket : [bucket])
      if (one.key === key && one.filterText === filterText) return one
    return undefined
  }

  /** Takes the place of the one with the same socket and filter. */
  add(subscription: Subscription): void {
    const { key, filterText } = subscription
    const known = this.find(key, filterText)
    if (known !== undefined) this.remove(known)
    this.#byHash.put(hash(key, filterText), subscription)
  }

  /** Gives false when it was not there. */
  remove(subscription: Subscription): boolean {
    return this.#byHash.take(hash(subscription.key, subscription.filterText), subscription)
  }

  collect(all: Subscription[]): void {
    for (const subscription of this.#byHash) all.push(subscription)
  }
}

/** FNV-1a over the UTF-16 units of both, as a signed 32-bit number. */
function hash(key: string, filterText: string | null): number {
  return hashOn(filterText ?? '', hashOn(key, 0x811c9dc5) ^ (filterText === null ? 1 : 0))
}

function hashOn(text: string, seed: number): number {
  let value = seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value | 0
}
