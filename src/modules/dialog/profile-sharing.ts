import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import { ToldCounts } from '../../cluster/told-counts.ts'
import type { Clock } from '../../util/clock.ts'
import type { OtherCounts, Profile } from './profile.ts'

interface ProfileSharingParts {
  readonly clock: Clock
  /** Those that are counted together. */
  readonly profiles: readonly Profile[]
  readonly intervalMs: number
  readonly expireMs: number
  readonly messageBytes: number
}

/** Counts profiles named `…/b` together with the other nodes of a cluster. */
export class ProfileSharing implements OtherCounts {
  readonly #profiles: ReadonlyMap<string, Profile>
  /** Values whose counts have changed since they were told. */
  readonly #changed = new Map<string, Set<string>>()
  readonly #told: ToldCounts

  constructor({ profiles, ...parts }: ProfileSharingParts) {
    this.#profiles = new Map(profiles.map(profile => [profile.name, profile]))
    this.#told = new ToldCounts({ ...parts, own: isFull => this.#counts(isFull) })
    for (const profile of profiles) profile.others = this
  }

  /** What this node does for the cluster. */
  get handlers(): CapabilityHandlers {
    return this.#told.handlers
  }

  count(profile: string, value: string): number {
    return this.#told.othersOf(keyOf(profile, value))
  }

  *values(profile: string): Iterable<readonly [string, number]> {
    const prefix = keyOf(profile, '')
    for (const key of this.#told.keys())
      if (key.startsWith(prefix)) {
        const count = this.#told.othersOf(key)
        if (count > 0) yield [key.slice(prefix.length), count]
      }
  }

  changed(profile: string, value: string): void {
    const known = this.#changed.get(profile)
    if (known === undefined) this.#changed.set(profile, new Set([value]))
    else known.add(value)
  }

  start(capability: Capability): void {
    this.#told.start(capability)
  }

  stop(): void {
    this.#told.stop()
  }

  *#counts(isFull: boolean): Iterable<readonly [string, number]> {
    for (const [name, values] of this.#changed) {
      const profile = this.#profiles.get(name)
      for (const value of values) yield [keyOf(name, value), profile?.ownCount(value) ?? 0]
    }
    this.#changed.clear()
    if (!isFull) return
    for (const [name, profile] of this.#profiles)
      for (const [value, count] of profile.ownValues()) yield [keyOf(name, value), count]
  }
}

const keyOf = (profile: string, value: string): string => `${profile}\n${value}`
