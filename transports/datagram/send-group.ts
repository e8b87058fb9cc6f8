import { DELIVERED, type Delivery, DeliveryError, failed, unknown } from '../../src/events/transport.ts'

/**
 * Datagrams handed to the system in one turn of the event loop, with one promise for them all. It tells `failed` when
 * none was taken and `unknown` when only some were.
 */
export class SendGroup {
  readonly deadlineMs: number
  readonly promise: Promise<Delivery>
  readonly #resolve: (delivery: Delivery) => void
  readonly #onSettled: (group: SendGroup) => void
  #waiting = 0
  #taken = 0
  #error: Error | undefined
  #isOpen = true

  constructor(deadlineMs: number, onSettled: (group: SendGroup) => void) {
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    this.deadlineMs = deadlineMs
    this.promise = promise
    this.#resolve = resolve
    this.#onSettled = onSettled
  }

  /** Whether another datagram may join: until the first result is in. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Counts one more datagram. */
  join(): void {
    this.#waiting++
  }

  /** Takes the result of one datagram. Bound, so that it serves as the callback of every send. */
  readonly done = (error: Error | null): void => {
    this.#isOpen = false
    if (error === null) this.#taken++
    else this.#error = error
    if (--this.#waiting === 0) this.settle(this.#outcome())
  }

  /** Ends the group with this outcome, whatever is still missing. */
  settle(delivery: Delivery): void {
    this.#isOpen = false
    this.#resolve(delivery)
    this.#onSettled(this)
  }

  #outcome(): Delivery {
    if (this.#error === undefined) return DELIVERED
    const error = new DeliveryError('E_REFUSED', `the system refused the datagram: ${this.#error.message}`, {
      cause: this.#error,
    })
    return this.#taken === 0 ? failed(error) : unknown(error)
  }
}
