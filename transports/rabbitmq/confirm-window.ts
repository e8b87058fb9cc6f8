import { DELIVERED, type Delivery, DeliveryError, failed, unknown, type WireEvent } from '../../src/events/transport.ts'
import type { Clock, Timer } from '../../src/util/clock.ts'

type Outcome = Delivery | readonly Delivery[]

/** One batch on its way: its messages have the delivery tags from `firstTag` on, without a gap. */
interface Pending {
  readonly events: readonly WireEvent[]
  readonly firstTag: number
  readonly deadlineMs: number
  readonly resolve: (outcome: Outcome) => void
  /** Written before any outcome that is not `delivered`; absent for the ordinary batch. */
  outcomes: (Delivery | undefined)[] | undefined
  settled: Uint8Array
  /** Every message before this one has settled. */
  next: number
  left: number
}

/**
 * What the broker still owes us on one channel in confirm mode. Batches go in with the delivery tags their messages
 * were published under; confirms, returns, the deadline or the end of the channel settle them. There is one timer for
 * the whole window, and an ordinary batch settles with a single `delivered`.
 */
export class ConfirmWindow {
  readonly #clock: Clock
  readonly #overdue: () => DeliveryError
  #pending: Pending[] = []
  #timer: Timer | undefined
  #timerDueMs = 0
  #confirmed = false

  /** `overdue` is asked why confirms have not come in time, before what waits for them is settled with its answer. */
  constructor(clock: Clock, overdue: () => DeliveryError) {
    this.#clock = clock
    this.#overdue = overdue
  }

  /** Whether the broker has ever confirmed a message of this channel. */
  get hasConfirmed(): boolean {
    return this.#confirmed
  }

  /** Adds a batch published under `firstTag`, `firstTag` + 1 …; settles with its outcome. */
  add(events: readonly WireEvent[], firstTag: number, deadlineMs: number): Promise<Outcome> {
    return new Promise(resolve => {
      this.#pending.push({
        events,
        firstTag,
        deadlineMs,
        resolve,
        outcomes: undefined,
        settled: new Uint8Array(events.length),
        next: 0,
        left: events.length,
      })
      this.#arm(deadlineMs)
    })
  }

  /** basic.ack: the broker has taken this message, or with `multiple` all up to it. */
  ack(tag: number, multiple: boolean): void {
    this.#confirmed = true
    this.#confirm(tag, multiple, DELIVERED)
  }

  /** basic.nack: the broker could not take it. */
  nack(tag: number, multiple: boolean): void {
    const error = new DeliveryError('E_REFUSED', 'the broker answered basic.nack: it could not take the message')
    this.#confirm(tag, multiple, failed(error))
  }

  /** basic.return: no queue takes this mandatory message. Its confirm follows and must not count as delivery. */
  returned(id: string, why: string): void {
    for (const batch of this.#pending) {
      const at = batch.events.findIndex((event, i) => event.id === id && batch.outcomes?.[i] === undefined)
      if (at < 0) continue
      batch.outcomes ??= new Array(batch.events.length).fill(undefined)
      batch.outcomes[at] = failed(new DeliveryError('E_REFUSED', why))
      return
    }
  }

  /** Settles all that is left: the channel is gone. */
  end(rest: Delivery): void {
    const pending = this.#pending
    this.#pending = []
    this.#timer?.clear()
    this.#timer = undefined
    for (const batch of pending) settleRest(batch, rest)
  }

  #confirm(tag: number, multiple: boolean, delivery: Delivery): void {
    for (const batch of this.#pending) {
      if (batch.firstTag > tag) break
      const last = tag - batch.firstTag
      if (multiple) for (let i = batch.next; i <= last && i < batch.events.length; i++) settle(batch, i, delivery)
      else if (last < batch.events.length) settle(batch, last, delivery)
    }
    while (this.#pending[0]?.left === 0) this.#pending.shift()
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    if (this.#pending.some(batch => batch.left > 0 && batch.deadlineMs <= nowMs)) {
      const late = unknown(this.#overdue())
      for (const batch of this.#pending) if (batch.deadlineMs <= nowMs) settleRest(batch, late)
    }
    this.#pending = this.#pending.filter(batch => batch.left > 0)
    if (this.#pending.length > 0) this.#arm(Math.min(...this.#pending.map(batch => batch.deadlineMs)))
  }

  #arm(dueMs: number): void {
    if (this.#timer !== undefined && dueMs >= this.#timerDueMs) return
    this.#timer?.clear()
    this.#timerDueMs = dueMs
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#expire())
  }
}

function settle(batch: Pending, at: number, delivery: Delivery): void {
  if (batch.settled[at] !== 0) return
  batch.settled[at] = 1
  if (delivery !== DELIVERED) {
    batch.outcomes ??= new Array(batch.events.length).fill(undefined)
    batch.outcomes[at] ??= delivery
  }
  while (batch.settled[batch.next] === 1) batch.next++
  batch.left--
  if (batch.left === 0) batch.resolve(batch.outcomes?.map(outcome => outcome ?? DELIVERED) ?? DELIVERED)
}

function settleRest(batch: Pending, delivery: Delivery): void {
  for (let i = batch.next; i < batch.events.length; i++) settle(batch, i, delivery)
}
