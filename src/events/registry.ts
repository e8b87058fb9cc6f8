import type { Value } from '../util/spec.ts'
import type { EventType } from './catalogue.ts'
import { FilterIndex } from './filter-index.ts'
import type { Subscription } from './subscription.ts'

/** The name that subscribes to every event. */
export const ANY_EVENT = '*'

interface Audience {
  readonly index: FilterIndex<Subscription>
  readonly byIdentity: Map<string, Subscription>
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
    return this.#byName.get(event)?.byIdentity.get(identity(key, filterText))
  }

  /** `type` is null for a subscription to all events. */
  add(subscription: Subscription, type: EventType | null): void {
    let audience = this.#byName.get(subscription.event)
    if (audience === undefined) {
      audience = { index: new FilterIndex(), byIdentity: new Map() }
      this.#byName.set(subscription.event, audience)
      if (type === null) this.#wildcard = audience
      else this.#byId[type.id] = audience
    }
    audience.index.add(subscription)
    audience.byIdentity.set(identity(subscription.key, subscription.filterText), subscription)
  }

  /** Gives false when it was not there. */
  remove(subscription: Subscription): boolean {
    const audience = this.#byName.get(subscription.event)
    const id = identity(subscription.key, subscription.filterText)
    if (audience?.byIdentity.get(id) !== subscription) return false
    audience.byIdentity.delete(id)
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
    const all = [...new Set(audiences)].flatMap(audience => [...(audience?.byIdentity.values() ?? [])])
    return all.sort((a, b) => b.serial - a.serial)
  }
}

function identity(key: string, filterText: string | null): string {
  return filterText === null ? key : `${key}\n${filterText}`
}
