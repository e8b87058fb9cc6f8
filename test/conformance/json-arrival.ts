import type { Arrival } from './transport.ts'

/** What a JSON-RPC payload carries. Throws where it is not exactly one notification. */
export function readJsonRpc(payload: Buffer | string): Arrival {
  const message = JSON.parse(payload.toString()) as {
    jsonrpc: string
    method: string
    params?: Record<string, Arrival['values'][number]> | Arrival['values']
  }
  if (message.jsonrpc !== '2.0') throw new Error(`not a JSON-RPC notification: ${payload.toString()}`)
  return { event: message.method, values: Object.values(message.params ?? {}) }
}

/** Waits for a number of things to have come, woken by each that comes. */
export class Arrivals<T> {
  readonly all: T[] = []
  #waiters: { readonly count: number; readonly resolve: () => void }[] = []

  add(item: T): void {
    this.all.push(item)
    this.#waiters = this.#waiters.filter(waiter => {
      if (this.all.length < waiter.count) return true
      waiter.resolve()
      return false
    })
  }

  reached(count: number): Promise<void> {
    if (this.all.length >= count) return Promise.resolve()
    return new Promise(resolve => this.#waiters.push({ count, resolve }))
  }
}
