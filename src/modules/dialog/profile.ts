import type { Dialog } from './dialog.ts'

/** That a dialog is in a profile, once. */
export interface Membership {
  readonly profile: Profile
  /** '' in profiles without values. */
  readonly value: string
}

/**
 * With whom a profile is counted: by this node alone, with the others of the cluster (`name/b`), or with all that use a
 * key-value store (`name/s`).
 */
export type ProfileScope = 'own' | 'cluster' | 'store'

/** What the other nodes of a cluster have counted. */
export interface OtherCounts {
  /** Of one value. */
  count(profile: string, value: string): number
  /** Every value they have, with its count. */
  values(profile: string): Iterable<readonly [value: string, count: number]>
  /** This node's count has changed. */
  changed(profile: string, value: string): void
}

/** Counts in a key-value store. */
export interface StoredCounts {
  /** Never throws. */
  adjust(profile: Profile, value: string, by: 1 | -1): void
  /** Of one value, or with null of all. Rejects where the store fails. */
  size(profile: Profile, value: string | null): Promise<number>
}

/** A named set of dialogs, divided by values if it has them. A dialog counts as often as it was put in. */
export class Profile {
  readonly name: string
  readonly hasValues: boolean
  readonly scope: ProfileScope
  /** Null while nothing is shared. */
  others: OtherCounts | null = null
  /** Null where no store counts. */
  stored: StoredCounts | null = null
  readonly #counts = new Map<string, number>()

  constructor(name: string, hasValues: boolean, scope: ProfileScope = 'own') {
    this.name = name
    this.hasValues = hasValues
    this.scope = scope
  }

  /** `isRestored`: a process before this one has put it in, so a store has it counted. */
  add(dialog: Dialog, value: string, isRestored = false): void {
    const own = this.hasValues ? value : ''
    dialog.memberships.push({ profile: this, value: own })
    if (!this.#isCounted(dialog)) return
    this.#adjust(own, 1)
    if (!isRestored) this.stored?.adjust(this, own, 1)
  }

  /** Takes a dialog out once. False: it was not in. */
  remove(dialog: Dialog, value: string): boolean {
    const at = dialog.memberships.findIndex(m => m.profile === this && (!this.hasValues || m.value === value))
    const [removed] = at < 0 ? [] : dialog.memberships.splice(at, 1)
    if (removed === undefined) return false
    if (this.#isCounted(dialog)) {
      this.#adjust(removed.value, -1)
      this.stored?.adjust(this, removed.value, -1)
    }
    return true
  }

  /** With null: whatever the value. */
  holds(dialog: Dialog, value: string | null): boolean {
    return dialog.memberships.some(m => m.profile === this && (value === null || !this.hasValues || m.value === value))
  }

  /** The same wherever it is counted. Rejects where a store fails. */
  sizeEverywhere(value: string | null): number | Promise<number> {
    return this.stored?.size(this, value) ?? this.size(value)
  }

  /** Of one value, or with null of all; on the nodes of the cluster if it is shared with them. */
  size(value: string | null): number {
    if (value !== null && this.hasValues) return this.ownCount(value) + (this.others?.count(this.name, value) ?? 0)
    let total = 0
    for (const [, count] of this.values()) total += count
    return total
  }

  /** What this node has counted. */
  ownCount(value: string): number {
    return this.#counts.get(value) ?? 0
  }
  ownValues(): IterableIterator<[value: string, count: number]> {
    return this.#counts.entries()
  }

  values(): readonly (readonly [value: string, count: number])[] {
    if (this.others === null) return [...this.#counts]
    const counts = new Map(this.#counts)
    for (const [value, count] of this.others.values(this.name)) counts.set(value, (counts.get(value) ?? 0) + count)
    return [...counts]
  }

  /** A dialog becomes another node's (−1), or this one's (1): where counts are shared, one of them counts it. */
  transfer(value: string, by: 1 | -1): void {
    if (this.scope !== 'own') this.#adjust(value, by)
  }

  #isCounted({ isReplica }: Dialog): boolean {
    return !isReplica || this.scope === 'own'
  }

  #adjust(value: string, by: number): void {
    const count = this.ownCount(value) + by
    if (count > 0) this.#counts.set(value, count)
    else this.#counts.delete(value)
    this.others?.changed(this.name, value)
  }
}

/** The profiles of the script, by name. */
export class Profiles {
  readonly #byName = new Map<string, Profile>()

  /** Reads `profiles_with_value` and `profiles_no_value`. Throws an Error that says what is wrong. */
  constructor(withValue: string, withoutValue: string) {
    for (const given of namesIn(withValue, 'profiles_with_value')) this.#add(given, true)
    for (const given of namesIn(withoutValue, 'profiles_no_value')) this.#add(given, false)
  }

  find(name: string): Profile | undefined {
    return this.#byName.get(name.trim())
  }

  all(): IterableIterator<Profile> {
    return this.#byName.values()
  }

  /** A profile with values, made where there is none. Throws an Error where the name stands for one without. */
  open(name: string): Profile {
    const profile = this.#byName.get(name) ?? new Profile(name, true)
    if (!profile.hasValues) throw new Error(`the profile "${name}" has no values`)
    this.#byName.set(name, profile)
    return profile
  }

  #add({ name, scope }: ProfileName, hasValues: boolean): void {
    if (this.#byName.has(name)) throw new Error(`the profile "${name}" is declared twice`)
    this.#byName.set(name, new Profile(name, hasValues, scope))
  }
}

/** Puts a dialog into the profiles that a row of it names. */
export function joinProfiles(
  profiles: Profiles,
  dialog: Dialog,
  memberships: readonly (readonly [name: string, value: string])[],
  isRestored: boolean,
): void {
  for (const [name, value] of memberships) {
    // One with values may be that of a module which starts later.
    const profile = profiles.find(name) ?? (value === '' ? undefined : profiles.open(name))
    profile?.add(dialog, value, isRestored)
  }
}

/** Takes a dialog out of every profile it is in. */
export function leaveProfiles(dialog: Dialog): void {
  if (dialog.memberships.length === 0) return
  for (const { profile, value } of [...dialog.memberships]) profile.remove(dialog, value)
}

interface ProfileName {
  readonly name: string
  readonly scope: ProfileScope
}

function namesIn(text: string, param: string): readonly ProfileName[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const parts = /^([\w.-]+)(?:\s*\/\s*([\w]+))?$/.exec(item)
      const [, name, suffix] = parts ?? []
      if (name === undefined) throw new Error(`${param} "${item}": expected names divided by semicolons`)
      if (suffix === undefined) return { name, scope: 'own' }
      if (suffix === 'b') return { name, scope: 'cluster' }
      if (suffix === 's') return { name, scope: 'store' }
      throw new Error(`${param} "${item}": expected "/b", shared with a cluster, or "/s", in a key-value store`)
    })
}
