import type { SipMessage } from '../codec/message.ts'
import { FingerprintMap, type Place } from './fingerprint.ts'
import { takeClientKey, takeResponseKey, takeServerKey } from './key.ts'

/** What the server table must know of a transaction to match RFC 2543 peers. */
export interface ServerEntry {
  readonly initial: SipMessage
  /** The To tag of the responses sent, which the ACK of an RFC 2543 peer carries. */
  readonly localToTag: string
  /** Set by the table: what it is found by, so that `initial` need not be kept for it. */
  place?: Place<ServerEntry> | null
}

/** Server transactions by what identifies their requests (RFC 3261 §17.2.3). */
export class ServerTable<T extends ServerEntry> {
  readonly #entries = new FingerprintMap<T>()

  get size(): number {
    return this.#entries.size
  }

  /** False: the request has no usable Via, or a transaction with its key is there already. */
  add(transaction: T): boolean {
    const place = takeServerKey(transaction.initial) ? this.#entries.add(transaction) : null
    if (place === null) return false
    transaction.place = place
    return true
  }

  remove(transaction: T): void {
    const { place } = transaction
    if (place == null) return
    transaction.place = null
    this.#entries.remove(place as Place<T>)
  }

  /** The transaction a request belongs to; with `method`, that of another method with the same branch. */
  find(request: SipMessage, method?: string): T | undefined {
    const found = takeServerKey(request, method) ? this.#entries.get() : undefined
    if (found === undefined) return undefined
    return request.topVia?.hasCookie === true || hasSameToTag(request, found) ? found : undefined
  }

  values(): readonly T[] {
    return this.#entries.values()
  }
}

function hasSameToTag(request: SipMessage, entry: ServerEntry): boolean {
  // "the To tag of the ACK matches the To tag of the response sent by the server transaction." (RFC 3261 §17.2.3)
  if (request.method === 'ACK') return request.toTag === (entry.initial.toTag || entry.localToTag)
  return request.toTag === entry.initial.toTag
}

/** Client transactions by branch and method (RFC 3261 §17.1.3). */
export class ClientTable<T> {
  readonly #entries = new FingerprintMap<T>()

  get size(): number {
    return this.#entries.size
  }

  /** Gives what it is removed by; null when there is one already. */
  add(branch: string, method: string, transaction: T): Place<T> | null {
    takeClientKey(branch, method)
    return this.#entries.add(transaction)
  }

  remove(place: Place<T>): void {
    this.#entries.remove(place)
  }

  values(): readonly T[] {
    return this.#entries.values()
  }

  /** The transaction a response belongs to. */
  find(response: SipMessage): T | undefined {
    return takeResponseKey(response) ? this.#entries.get() : undefined
  }
}
