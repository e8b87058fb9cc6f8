import type { Clock } from '../../util/clock.ts'
import type { DnsClient, NaptrRecord, SrvRecord } from './dns-client.ts'

/** A value, or a promise of it where it must be waited for. */
export type Eventually<T> = T | Promise<T>

/** Bounds of the cache. */
export interface DnsCacheLimits {
  /** Most names kept; the one unused longest goes first. */
  readonly entries: number
  /** Most questions under way; further ones get no answer. Random names in requests must not pile up. */
  readonly inFlight: number
}

const LIMITS: DnsCacheLimits = { entries: 4096, inFlight: 256 }
/** Records of SRV and NAPTR come without their time to live. */
const SERVICE_TTL_S = 60
/** That a name has no such record is remembered this long. */
const NEGATIVE_TTL_S = 10
const SHORTEST_TTL_S = 1
const LONGEST_TTL_S = 3600

interface Entry {
  readonly records: Eventually<readonly unknown[]>
  readonly untilMs: number
}
interface Answer<T> {
  readonly records: readonly T[]
  readonly ttlS: number
}

/** Answers of DNS, kept for their time to live. No answer, and any failure, reads as an empty list. */
export class DnsCache {
  readonly #client: DnsClient
  readonly #clock: Clock
  readonly #limits: DnsCacheLimits
  readonly #entries = new Map<string, Entry>()
  #inFlight = 0

  constructor(client: DnsClient, clock: Clock, limits: DnsCacheLimits = LIMITS) {
    this.#client = client
    this.#clock = clock
    this.#limits = limits
  }

  /** How many names are kept. */
  get size(): number {
    return this.#entries.size
  }

  addresses(host: string, family: 4 | 6): Eventually<readonly string[]> {
    return this.#get(`${family} ${host}`, async () => {
      const found = await this.#client.addresses(host, family)
      const ttlS = found.reduce((least, record) => Math.min(least, record.ttlS), LONGEST_TTL_S)
      return { records: found.map(record => record.address), ttlS }
    })
  }

  srv(name: string): Eventually<readonly SrvRecord[]> {
    return this.#get(`srv ${name}`, async () => ({ records: await this.#client.srv(name), ttlS: SERVICE_TTL_S }))
  }

  naptr(name: string): Eventually<readonly NaptrRecord[]> {
    return this.#get(`naptr ${name}`, async () => ({ records: await this.#client.naptr(name), ttlS: SERVICE_TTL_S }))
  }

  #get<T>(name: string, ask: () => Promise<Answer<T>>): Eventually<readonly T[]> {
    const key = name.toLowerCase()
    const known = this.#entries.get(key)
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.records as Eventually<readonly T[]>
    }
    if (this.#inFlight >= this.#limits.inFlight) return []
    const records = this.#ask(key, ask)
    this.#keep(key, { records, untilMs: Number.POSITIVE_INFINITY })
    return records
  }

  async #ask<T>(key: string, ask: () => Promise<Answer<T>>): Promise<readonly T[]> {
    this.#inFlight += 1
    const answer = await ask().catch((): Answer<T> => ({ records: [], ttlS: NEGATIVE_TTL_S }))
    this.#inFlight -= 1
    const ttlS = answer.records.length === 0 ? NEGATIVE_TTL_S : Math.max(SHORTEST_TTL_S, answer.ttlS)
    const untilMs = this.#clock.monotonicMs() + Math.min(LONGEST_TTL_S, ttlS) * 1000
    this.#keep(key, { records: answer.records, untilMs })
    return answer.records
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size <= this.#limits.entries) return
    const oldest = this.#entries.keys().next().value
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}
