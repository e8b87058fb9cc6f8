import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../../src/util/clock.ts'

/** A numeric address. */
export interface Resolved {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds the addresses of a host name. Rejects when there is none. */
export type Resolve = (host: string) => Promise<Resolved>

/** Asks the system, as its hosts file and resolver are configured. */
export const systemResolve: Resolve = async host => {
  const { address, family } = await lookup(host)
  return { address, family: family === 6 ? 6 : 4 }
}

/** A name that was looked up longer ago is looked up again, in the background. */
const REFRESH_MS = 30_000
/** Pause between look-ups of a name that has no address. */
const RETRY_MS = 1_000

/** Where a host is: fixed for a numeric address, kept fresh for a name as long as it is used. */
export class Destination {
  readonly #host: string
  readonly #clock: Clock
  readonly #resolve: Resolve
  readonly #onChange: () => void
  #resolved: Resolved | undefined
  #error: Error | undefined
  #nextMs = 0
  #isLooking = false

  constructor(host: string, clock: Clock, resolve: Resolve, onChange: () => void) {
    this.#host = host
    this.#clock = clock
    this.#resolve = resolve
    this.#onChange = onChange
    const family = isIP(host)
    if (family !== 0) {
      this.#resolved = { address: host, family: family === 6 ? 6 : 4 }
      this.#nextMs = Number.POSITIVE_INFINITY
    } else void this.#look()
  }

  /** Why there is no address. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Where it was last seen, without starting a look-up. */
  get known(): Resolved | undefined {
    return this.#resolved
  }

  /** Where to send now; undefined while it is not known. An old answer is used while a new one is on its way. */
  current(): Resolved | undefined {
    if (this.#nextMs !== Number.POSITIVE_INFINITY && !this.#isLooking && this.#clock.monotonicMs() >= this.#nextMs)
      void this.#look()
    return this.#resolved
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    try {
      this.#resolved = await this.#resolve(this.#host)
      this.#error = undefined
      this.#nextMs = this.#clock.monotonicMs() + REFRESH_MS
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error))
      this.#nextMs = this.#clock.monotonicMs() + RETRY_MS
    }
    this.#isLooking = false
    this.#onChange()
  }
}
