import type { Log } from '../../log/log.ts'
import type { CacheSystem } from '../../module/cache-systems.ts'
import type { Profile, StoredCounts } from './profile.ts'

interface ProfileStoreParts {
  readonly system: CacheSystem
  readonly log: Log
  /** Put before the names of keys: of a value, of a profile without values, of all values of a profile. */
  readonly prefixes: { readonly value: string; readonly noValue: string; readonly size: string }
  /** How long a count is kept that nobody changes, s. */
  readonly timeoutS: number
}

/** Counts profiles named `…/s` in a key-value store, together with all proxies that use it. */
export class ProfileStore implements StoredCounts {
  readonly #parts: ProfileStoreParts

  constructor(parts: ProfileStoreParts) {
    this.#parts = parts
  }

  adjust(profile: Profile, value: string, by: 1 | -1): void {
    const keys = profile.hasValues
      ? [this.#keyOf(profile, value), this.#keyOf(profile, null)]
      : [this.#keyOf(profile, null)]
    for (const key of keys) void this.#add(key, by)
  }

  async size(profile: Profile, value: string | null): Promise<number> {
    const found = await this.#parts.system.fetch(this.#keyOf(profile, profile.hasValues ? value : null))
    // A count that has been forgotten meanwhile goes below 0 when its dialogs end.
    return Math.max(Number(found?.value ?? 0) || 0, 0)
  }

  async #add(key: string, by: number): Promise<void> {
    const { log, system, timeoutS } = this.#parts
    try {
      await system.add(key, by, timeoutS)
    } catch (error) {
      log.often().error('a profile cannot be counted in the key-value store', { key, reason: String(error) })
    }
  }

  #keyOf({ hasValues, name }: Profile, value: string | null): string {
    const { prefixes } = this.#parts
    if (!hasValues) return `${prefixes.noValue}${name}`
    return value === null ? `${prefixes.size}${name}` : `${prefixes.value}${name}_${value}`
  }
}
