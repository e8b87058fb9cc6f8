import type { SipMessage } from '../codec/message.ts'
import { clientKey, hasCookie, serverKey } from './key.ts'

/** What the server table must know of a transaction to match RFC 2543 peers. */
export interface ServerEntry {
  readonly initial: SipMessage
  /** The To tag of the responses sent, which the ACK of an RFC 2543 peer carries. */
  readonly localToTag: string
}

/** Server transactions by what identifies their requests (RFC 3261 §17.2.3). */
export class ServerTable<T extends ServerEntry> {
  readonly #entries = new Map<string, T>()

  get size(): number {
    return this.#entries.size
  }

  /** False: the request has no usable Via, or a transaction with its key is there already. */
  add(transaction: T): boolean {
    const key = serverKey(transaction.initial)
    if (key === null || this.#entries.has(key)) return false
    this.#entries.set(key, transaction)
    return true
  }

  remove(transaction: T): void {
    const key = serverKey(transaction.initial)
    if (key !== null && this.#entries.get(key) === transaction) this.#entries.delete(key)
  }

  /** The transaction a request belongs to; with `method`, that of another method with the same branch. */
  find(request: SipMessage, method?: string): T | undefined {
    const key = serverKey(request, method)
    const found = key === null ? undefined : this.#entries.get(key)
    if (found === undefined) return undefined
    return hasCookie(request.topVia?.branch ?? '') || hasSameToTag(request, found) ? found : undefined
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
  readonly #entries = new Map<string, T>()

  get size(): number {
    return this.#entries.size
  }

  add(branch: string, method: string, transaction: T): void {
    this.#entries.set(clientKey(branch, method), transaction)
  }

  remove(branch: string, method: string): void {
    this.#entries.delete(clientKey(branch, method))
  }

  values(): IterableIterator<T> {
    return this.#entries.values()
  }

  /** The transaction a response belongs to. */
  find(response: SipMessage): T | undefined {
    const branch = response.topVia?.branch
    return branch === undefined ? undefined : this.#entries.get(clientKey(branch, response.cseqMethod))
  }
}
