import { randomBytes } from 'node:crypto'
import type { Timer } from '../../util/clock.ts'
import { type RecordData, RegistrantRecord, recordKey } from './record.ts'
import { type RegistrationServices, register, unregister } from './registration.ts'

/** Keeps registrations alive. */
export class Registrant {
  readonly #services: RegistrationServices
  readonly #retryMs: number
  readonly #records = new Map<string, RegistrantRecord>()
  #timer: Timer | null = null

  constructor(services: RegistrationServices, retryMs: number) {
    this.#services = services
    this.#retryMs = retryMs
  }

  /** In the order of the table. */
  all(): IterableIterator<RegistrantRecord> {
    return this.#records.values()
  }

  find(aor: string, contact: string, registrar: string): RegistrantRecord | undefined {
    return this.#records.get(recordKey(aor, contact, registrar))
  }

  /** Puts these in place of all there are. Those that were there keep their state, those that are gone are taken back. */
  replace(list: readonly RecordData[]): void {
    const before = new Map(this.#records)
    this.#records.clear()
    for (const data of list) {
      const key = recordKey(data.aor, data.binding, data.registrar)
      const known = before.get(key)
      before.delete(key)
      if (known === undefined) this.#records.set(key, new RegistrantRecord(data, newIds()))
      else {
        known.data = data
        known.isEnabled = data.isEnabled
        this.#records.set(key, known)
      }
    }
    for (const record of before.values()) {
      if (record.state === 'REGISTERED') this.#run(record, 'unregister')
      else record.isGone = true
    }
  }

  /** Begins; what is due is looked for every `periodMs`. */
  start(periodMs: number): void {
    this.check()
    this.#timer = this.#services.clock.every(periodMs, () => this.check())
  }

  /** Does what is due now. */
  check(): void {
    const nowMs = this.#services.clock.nowMs()
    for (const record of this.#records.values()) {
      if (!record.isEnabled) {
        if (record.state === 'REGISTERED') this.#run(record, 'unregister')
      } else if (this.#isDue(record, nowMs)) this.#run(record, 'register')
    }
  }

  enable(record: RegistrantRecord): void {
    record.isEnabled = true
    if (record.state !== 'REGISTERED') this.#run(record, 'register')
  }

  disable(record: RegistrantRecord): void {
    record.isEnabled = false
    if (record.state === 'NOT_REGISTERED' && !record.isBusy) return
    this.#run(record, 'unregister')
  }

  force(record: RegistrantRecord): void {
    this.#run(record, 'register')
  }

  stop(): void {
    this.#timer?.clear()
    for (const record of this.#records.values()) record.isGone = true
  }

  #isDue(record: RegistrantRecord, nowMs: number): boolean {
    if (record.state === 'NOT_REGISTERED') return true
    if (record.state === 'REGISTERED') return nowMs >= record.dueMs
    return !record.isBusy && nowMs - record.lastSentMs >= this.#retryMs
  }

  #run(record: RegistrantRecord, wish: 'register' | 'unregister'): void {
    if (record.isBusy) {
      record.wish = wish
      return
    }
    record.isBusy = true
    const step = wish === 'register' ? register : unregister
    void step(this.#services, record).then(() => {
      record.isBusy = false
      const next = record.wish
      record.wish = null
      if (next !== null && !record.isGone) this.#run(record, next)
    })
  }
}

const newIds = () => ({ callId: randomBytes(12).toString('hex'), fromTag: randomBytes(6).toString('hex') })
