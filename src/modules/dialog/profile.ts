import type { Dialog } from './dialog.ts'

/** That a dialog is in a profile, once. */
export interface Membership {
  readonly profile: Profile
  /** '' in profiles without values. */
  readonly value: string
}

/** A named set of dialogs, divided by values if it has them. A dialog counts as often as it was put in. */
export class Profile {
  readonly name: string
  readonly hasValues: boolean
  readonly #counts = new Map<string, number>()

  constructor(name: string, hasValues: boolean) {
    this.name = name
    this.hasValues = hasValues
  }

  add(dialog: Dialog, value: string): void {
    const own = this.hasValues ? value : ''
    dialog.memberships.push({ profile: this, value: own })
    this.#counts.set(own, (this.#counts.get(own) ?? 0) + 1)
  }

  /** Takes a dialog out once. False: it was not in. */
  remove(dialog: Dialog, value: string): boolean {
    const at = dialog.memberships.findIndex(m => m.profile === this && (!this.hasValues || m.value === value))
    const [removed] = at < 0 ? [] : dialog.memberships.splice(at, 1)
    if (removed === undefined) return false
    const left = (this.#counts.get(removed.value) ?? 1) - 1
    if (left > 0) this.#counts.set(removed.value, left)
    else this.#counts.delete(removed.value)
    return true
  }

  /** With null: whatever the value. */
  holds(dialog: Dialog, value: string | null): boolean {
    return dialog.memberships.some(m => m.profile === this && (value === null || !this.hasValues || m.value === value))
  }

  /** Of one value, or with null of all. */
  size(value: string | null): number {
    if (value !== null && this.hasValues) return this.#counts.get(value) ?? 0
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  values(): readonly (readonly [value: string, count: number])[] {
    return [...this.#counts]
  }
}

/** The profiles of the script, by name. */
export class Profiles {
  readonly #byName = new Map<string, Profile>()

  /** Reads `profiles_with_value` and `profiles_no_value`. Throws an Error that says what is wrong. */
  constructor(withValue: string, withoutValue: string) {
    for (const name of namesIn(withValue, 'profiles_with_value')) this.#add(name, true)
    for (const name of namesIn(withoutValue, 'profiles_no_value')) this.#add(name, false)
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

  #add(name: string, hasValues: boolean): void {
    if (this.#byName.has(name)) throw new Error(`the profile "${name}" is declared twice`)
    this.#byName.set(name, new Profile(name, hasValues))
  }
}

/** Takes a dialog out of every profile it is in. */
export function leaveProfiles(dialog: Dialog): void {
  for (const { profile, value } of [...dialog.memberships]) profile.remove(dialog, value)
}

function namesIn(text: string, param: string): readonly string[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const parts = /^([\w.-]+)(?:\s*\/\s*([\w]+))?$/.exec(item)
      const [, name, suffix] = parts ?? []
      if (name === undefined) throw new Error(`${param} "${item}": expected names divided by semicolons`)
      if (suffix !== undefined)
        throw new Error(
          `${param} "${item}": profiles shared between nodes need a cluster, which is not supported; leave out "/${suffix}"`,
        )
      return name
    })
}
