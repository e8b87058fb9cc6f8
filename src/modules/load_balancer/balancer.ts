import type { ModuleApis } from '../../module/define.ts'
import type { Destination } from './destination.ts'
import type { Registry } from './registry.ts'

type Dialogs = ModuleApis['dialog']
export type Dialog = NonNullable<ReturnType<Dialogs['current']>>

/** What the selection functions give (load_balancer reference, functions). */
export const Choice = { done: 1, failed: -1, full: -2, none: -3, badResources: -4 } as const
export type Choice = (typeof Choice)[keyof typeof Choice]

/** How availabilities are computed and compared. */
export interface ChoiceFlags {
  /** A destination that is full serves as well. */
  readonly allowsFull: boolean
  /** In per cent instead of calls. */
  readonly isRelative: boolean
  /** One of the best by chance instead of the first. */
  readonly isRandom: boolean
}

/** What a call needs, and where it has been. */
export interface Session {
  readonly group: number
  readonly resources: readonly string[]
  readonly flags: ChoiceFlags
  /** Ids of the destinations it was sent to. */
  readonly tried: Set<number>
  current: Destination | null
}

/** Counts calls at destinations, in a dialog profile for each resource, and finds the destination with the most left. */
export class Balancer {
  readonly #dialogs: Dialogs
  readonly #registry: Registry
  readonly #sessions = new WeakMap<Dialog, Session>()

  constructor(dialogs: Dialogs, registry: Registry) {
    this.#dialogs = dialogs
    this.#registry = registry
  }

  session(dialog: Dialog): Session | undefined {
    return this.#sessions.get(dialog)
  }

  /** Chooses for a call for the first time; what it held before is free again. */
  begin(dialog: Dialog, needs: Pick<Session, 'group' | 'resources' | 'flags'>): Choice {
    this.end(dialog)
    const isKnown = needs.resources.length > 0 && needs.resources.every(name => this.#registry.hasResource(name))
    if (!isKnown) return Choice.badResources
    const session: Session = { ...needs, tried: new Set(), current: null }
    this.#sessions.set(dialog, session)
    return this.#choose(dialog, session)
  }

  /** Chooses among the destinations the call was not sent to yet. */
  goOn(dialog: Dialog): Choice {
    const session = this.#sessions.get(dialog)
    if (session === undefined) return Choice.failed
    this.#release(dialog, session)
    return this.#choose(dialog, session)
  }

  /** Forgets what the call needs and frees what it holds. False: nothing. */
  end(dialog: Dialog): boolean {
    const session = this.#sessions.get(dialog)
    if (session === undefined) return false
    this.#release(dialog, session)
    return this.#sessions.delete(dialog)
  }

  /** Counts the call at a destination (−1: no longer), in every one of these resources. */
  count(dialog: Dialog, { key }: Destination, resources: readonly string[], by: 1 | -1): void {
    for (const name of resources) {
      const profile = this.#profile(name)
      if (by === 1) profile.add(dialog, key)
      else profile.remove(dialog, key)
    }
  }

  /** How many calls hold a resource of a destination. */
  load({ key }: Destination, resource: string): number {
    return this.#profile(resource).size(key)
  }

  #profile(resource: string) {
    return this.#dialogs.profile(`lbX${resource}`)
  }

  #release(dialog: Dialog, session: Session): void {
    if (session.current !== null) this.count(dialog, session.current, session.resources, -1)
    session.current = null
  }

  #choose(dialog: Dialog, session: Session): Choice {
    const { group, resources, tried } = session
    const candidates = this.#registry.all.filter(
      one =>
        one.data.group === group &&
        one.isEnabled &&
        !tried.has(one.data.id) &&
        resources.every(name => one.resource(name) !== undefined),
    )
    if (candidates.length === 0) return Choice.none
    const chosen = this.#best(candidates, session)
    if (chosen === undefined) return Choice.full
    tried.add(chosen.data.id)
    session.current = chosen
    this.count(dialog, chosen, resources, 1)
    return Choice.done
  }

  #best(candidates: readonly Destination[], session: Session): Destination | undefined {
    const { allowsFull, isRandom } = session.flags
    let best: Destination[] = []
    let most = allowsFull ? Number.NEGATIVE_INFINITY : 1
    for (const candidate of candidates) {
      const left = this.#availability(candidate, session)
      if (left > most) best = []
      if (left >= most) best.push(candidate)
      most = Math.max(most, left)
    }
    return best[isRandom ? Math.floor(Math.random() * best.length) : 0]
  }

  #availability(destination: Destination, { resources, flags }: Session): number {
    return Math.min(
      ...resources.map(name => {
        const max = destination.resource(name)?.max ?? 0
        const load = this.load(destination, name)
        if (!flags.isRelative) return max - load
        return max === 0 ? 0 : 100 - Math.trunc((100 * load) / max)
      }),
    )
  }
}
