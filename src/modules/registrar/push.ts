import type { Log } from '../../log/log.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Contact, Domain, Location } from './location.ts'
import { type PushSettings, pushKind } from './push-settings.ts'
import { targetOf } from './targets.ts'

type Transaction = NonNullable<ReturnType<ModuleApis['tm']['current']>>

interface PushParts {
  readonly settings: PushSettings
  readonly clock: Clock
  readonly log: Log
  readonly location: Location
  readonly tm: ModuleApis['tm']
}

/** A request that waits until a device has registered. */
interface Waiting {
  readonly transaction: Transaction
  readonly timer: Timer
}

/** Most requests that wait for devices; beyond it nobody is woken up. */
const MOST_WAITING = 100_000

/** Wakes up devices for requests, which go on to them when they have registered (RFC 8599 §5.3). */
export class Push {
  readonly settings: PushSettings
  readonly #parts: PushParts
  /** By table, AoR and the parameters that name the device. */
  readonly #waiting = new Map<string, Set<Waiting>>()
  #count = 0

  constructor(parts: PushParts) {
    this.#parts = parts
    this.settings = parts.settings
    parts.location.onStored((domain, contact) => this.#stored(domain, contact))
  }

  /** Whether a request for the contact must wait until it has been woken up. */
  sleeps(contact: Contact): boolean {
    const { clock, settings } = this.#parts
    if (pushKind(contact.uri, settings) !== 'push') return false
    return clock.nowMs() - contact.modifiedMs >= settings.skipS * 1000
  }

  /**
   * Wakes the contacts up and lets the request wait for them. 1: it waits; 0: the request is a retransmission; −1: it cannot
   * wait.
   */
  wake(m: RouteContext, domain: Domain, contacts: readonly Contact[]): Verdict {
    const { location, log, tm } = this.#parts
    const created = tm.current(m) === null ? tm.newTransaction(m) : 1
    const transaction = tm.current(m)
    if (created === 0 || transaction === null) return created === 0 ? 0 : -1
    if (this.#count + contacts.length > MOST_WAITING) {
      log
        .often()
        .error('too many requests wait for devices to register: nobody is woken up', { callid: m.message.callId })
      return -1
    }
    if (!tm.expectBranches(transaction, contacts.length)) return -1
    for (const contact of contacts) {
      this.#await(this.#keyOf(domain.name, contact), transaction)
      location.askForRefresh(domain, contact, `ini-${m.message.method}`, m.message.callId)
    }
    return 1
  }

  stop(): void {
    for (const all of this.#waiting.values()) for (const { timer } of all) timer.clear()
    this.#waiting.clear()
    this.#count = 0
  }

  #await(key: string, transaction: Transaction): void {
    const { clock, settings, tm } = this.#parts
    const waiting: Waiting = {
      transaction,
      timer: clock.after(settings.patienceMs, () => {
        this.#leave(key, waiting)
        tm.giveUpBranch(transaction)
      }),
    }
    this.#count++
    const others = this.#waiting.get(key)
    if (others === undefined) this.#waiting.set(key, new Set([waiting]))
    else others.add(waiting)
  }

  #leave(key: string, waiting: Waiting): void {
    const others = this.#waiting.get(key)
    if (others?.delete(waiting) !== true) return
    this.#count--
    if (others.size === 0) this.#waiting.delete(key)
  }

  #stored(domain: string, contact: Contact): void {
    if (this.#count === 0 || pushKind(contact.uri, this.#parts.settings) !== 'push') return
    const key = this.#keyOf(domain, contact)
    for (const waiting of [...(this.#waiting.get(key) ?? [])]) {
      waiting.timer.clear()
      this.#leave(key, waiting)
      void this.#forward(waiting.transaction, contact)
    }
  }

  async #forward(transaction: Transaction, contact: Contact): Promise<void> {
    const { log, tm } = this.#parts
    const code = await tm.inject(transaction, targetOf(contact))
    if (code === 1) return
    log.info('a request cannot go on to a device that has woken up', { code, contact: contact.uri })
    tm.giveUpBranch(transaction)
  }

  #keyOf(domain: string, { aor, uri }: Contact): string {
    const { matching } = this.#parts.settings
    const params = parseUri(uri)?.params
    const names = matching.by === 'params' ? matching.names : []
    return [domain, aor, ...names.map(name => params?.get(name) ?? '')].join('\n')
  }
}
