import type { SipMessage } from '../codec/message.ts'
import { FingerprintMap, fingerprint } from './fingerprint.ts'
import { takeClientKey, takeResponseKey, takeServerKey } from './key.ts'

/** What the server table must know of a transaction to match RFC 2543 peers. */
export interface ServerEntry {
  readonly initial: SipMessage
  /** The To tag of the responses sent, which the ACK of an RFC 2543 peer carries. */
  readonly localToTag: string
  /** Set by the table: what it is found by, so that `initial` need not be kept for it. */
  place?: Place | null
}

/** What a transaction is found by. */
export interface Place {
  readonly bucket: number
  readonly rest: number
}

/** Server transactions by what identifies their requests (RFC 3261 §17.2.3). */
export class ServerTable<T extends ServerEntry> {
  readonly #entries = new FingerprintMap<T>()

  get size(): number {
    return this.#entries.size
  }

  /** False: the request has no usable Via, or a transaction with its key is there already. */
  add(transaction: T): boolean {
    if (!takeServerKey(transaction.initial) || !this.#entries.add(transaction)) return false
    transaction.place = { bucket: fingerprint.bucket, rest: fingerprint.rest }
    return true
  }

  remove(transaction: T): void {
    const { place } = transaction
    if (place == null) return
    transaction.place = null
    this.#entries.removeAt(place.bucket, place.rest)
  }

  /** The transaction a request belongs to; with `method`, that of another method with the same branch. */
  find(request: SipMessage, method?: string): T | undefined {
    const found = takeServerKey(request, method) ? this.#entries.get() : undefined
    if (found === undefined) return undefined
    return request.topVia?.hasCookie === true || hasSameToTag(request, found) ? found : undefined
  }

  values(): IterableIterator<T> {
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

  add(branch: string, method: string, transaction: T): void {
    takeClientKey(branch, method)
    this.#entries.add(transaction)
  }

  remove(branch: string, method: string): void {
    takeClientKey(branch, method)
    this.#entries.remove()
  }

  values(): IterableIterator<T> {
    return this.#entries.values()
  }

  /** The transaction a response belongs to. */
  find(response: SipMessage): T | undefined {
    return takeResponseKey(response) ? this.#entries.get() : undefined
  }
}
