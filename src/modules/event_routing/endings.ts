import type { RoutingServices } from './services.ts'
import type { Transaction, Wait } from './waits.ts'

/** Ends what `subscribe` began when nothing more can come of it: the request has its answer, the call is over. */
export class Endings {
  readonly #services: RoutingServices
  readonly #ofTransaction = new Map<Transaction, Set<Wait>>()
  readonly #ofCall = new Map<string, Set<Wait>>()

  constructor(services: RoutingServices) {
    this.#services = services
    services.tm.onFinal(transaction => this.#endAll(this.#ofTransaction.get(transaction)))
    services.dialog?.onEnded(dialog => this.#endAll(this.#ofCall.get(dialog.origin.callId)))
  }

  /** `name` is what the script called the event. */
  add(name: string, wait: Wait): void {
    const { callId, transaction } = wait
    if (name === 'REGISTER' && transaction !== null) keep(this.#ofTransaction, transaction, wait)
    if (name === 'DTMF' && this.#services.dialog !== null) keep(this.#ofCall, callId, wait)
  }

  #endAll(waits: Iterable<Wait> = []): void {
    for (const wait of [...waits]) this.#services.waits.end(wait, 'cancelled')
  }
}

/** Keeps a wait under a key for as long as it lives. */
function keep<K>(map: Map<K, Set<Wait>>, key: K, wait: Wait): void {
  const others = map.get(key)
  if (others === undefined) map.set(key, new Set([wait]))
  else others.add(wait)
  wait.whenOver(() => {
    const waits = map.get(key)
    waits?.delete(wait)
    if (waits?.size === 0) map.delete(key)
  })
}
