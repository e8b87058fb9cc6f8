import type { Log } from '../log/log.ts'
import type { Clock, Timer } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import {
  type Delivery,
  DeliveryError,
  failed,
  type Health,
  type Link,
  type Sink,
  unknown,
  type WireEvent,
} from './transport.ts'

/** The longest is short enough that a receiver that comes back is not kept waiting, and costs next to nothing. */
const BACK_OFF_MS = { first: 100, longest: 5_000 } as const
/** An attempt to connect that takes longer is given up. */
const CONNECT_TIMEOUT_MS = 10_000
/** A link that takes longer to let go of a lost connection is not waited for. */
const CLOSE_TIMEOUT_MS = 2_000
/** Most events that wait for a write to end. */
const MAX_PENDING = 16_384

const FULL: Delivery = failed(new DeliveryError('E_QUEUE_FULL', 'too many events wait for this receiver'))
const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))
const LATE: Delivery = failed(new DeliveryError('E_TIMEOUT', 'the receiver had no room for the event in time'))
const UNTOLD: Delivery = unknown(new DeliveryError('E_REFUSED', 'the transport did not say what became of the event'))
const CONNECTING: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'not connected yet'))

/** Events that go into one write. */
interface Batch {
  readonly events: WireEvent[]
  /** One for each event, or a single one for them all. */
  readonly resolvers: ((delivery: Delivery) => void)[]
  /** What `send` gave, when it is one for all. */
  readonly shared: Promise<Delivery> | undefined
  readonly deadlineMs: number
  isSettled: boolean
  readonly done: Promise<void>
  readonly finish: () => void
}

/**
 * What a Link becomes: collects the events of one turn into batches, keeps a bounded number of writes running, connects
 * again after a loss with growing, jittered pauses, holds every promise to its deadline, and closes in order.
 */
export class BufferedSink implements Sink {
  readonly #link: Link
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners: (() => void)[] = []
  readonly #closed = new AbortController()
  readonly #running = new Set<Batch>()
  #health: Health
  #pending: Batch[] = []
  #pendingEvents = 0
  #isScheduled = false
  #attempt = 0
  /** Counts connections: what an earlier one reports late is ignored. */
  #generation = 0
  #refusal: Delivery = CONNECTING
  #timer: Timer | undefined
  #watch: Timer | undefined
  #closing: Promise<void> | undefined

  constructor(link: Link, clock: Clock, log: Log) {
    this.#link = link
    this.#clock = clock
    this.#log = log
    this.#health = { state: 'connecting', sinceMs: clock.monotonicMs() }
    void this.#connect()
  }

  get health(): Health {
    return this.#health
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    if (this.#closing !== undefined) return CLOSED
    if (this.#health.state !== 'up') return this.#refusal
    if (this.#pendingEvents >= MAX_PENDING) return FULL
    return this.#append(this.#openBatch(deadlineMs), event)
  }

  async flush(signal: AbortSignal): Promise<void> {
    const accepted = [...this.#running, ...this.#pending].map(batch => batch.done)
    await settledBefore(Promise.all(accepted), signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(signal)
    return this.#closing
  }

  #append(batch: Batch, event: WireEvent): Promise<Delivery> {
    batch.events.push(event)
    this.#pendingEvents++
    if (batch.shared !== undefined) return batch.shared
    return new Promise(resolve => batch.resolvers.push(resolve))
  }

  /** The batch that is still filling up. */
  #openBatch(deadlineMs: number): Batch {
    const last = this.#pending.at(-1)
    // Events with other deadlines get their own batch only when they are due sooner: a batch keeps its first deadline.
    if (last !== undefined && last.events.length < this.#link.maxBatch && deadlineMs >= last.deadlineMs) return last
    const batch = makeBatch(this.#link.uniform === true, deadlineMs)
    this.#pending.push(batch)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      // Behind all microtasks of this turn, so that everything sent in it shares a write.
      process.nextTick(() => this.#pump())
    }
    return batch
  }

  #pump(): void {
    this.#isScheduled = false
    while (this.#health.state === 'up' && this.#running.size < this.#link.maxInFlight) {
      const batch = this.#pending.shift()
      if (batch === undefined) break
      this.#pendingEvents -= batch.events.length
      void this.#write(batch)
    }
    this.#armWatch()
  }

  async #write(batch: Batch): Promise<void> {
    const generation = this.#generation
    this.#running.add(batch)
    let result: Delivery | readonly Delivery[]
    try {
      result = await this.#link.write(batch.events, batch.deadlineMs)
    } catch (cause) {
      result = unknown(new DeliveryError('E_REFUSED', reasonOf(cause), { cause }))
    }
    if (!this.#running.delete(batch)) return
    // Only a receiver that takes events counts as healthy: one that just accepts connections keeps the long pauses.
    if (generation === this.#generation && hasDelivered(result)) this.#attempt = 0
    settle(batch, result)
    this.#pump()
  }

  /** One timer for the earliest deadline, against links that do not keep theirs. */
  #armWatch(): void {
    if (this.#watch !== undefined) return
    const batches = [...this.#running, ...this.#pending].filter(batch => !batch.isSettled)
    if (batches.length === 0) return
    const earliestMs = Math.min(...batches.map(batch => batch.deadlineMs))
    const delayMs = Math.max(1, earliestMs - this.#clock.monotonicMs())
    this.#watch = this.#clock.after(delayMs, () => {
      this.#watch = undefined
      this.#checkDeadlines()
      this.#armWatch()
    })
  }

  #checkDeadlines(): void {
    const nowMs = this.#clock.monotonicMs()
    const late = this.#pending.filter(batch => batch.deadlineMs <= nowMs)
    this.#pending = this.#pending.filter(batch => batch.deadlineMs > nowMs)
    for (const batch of late) {
      this.#pendingEvents -= batch.events.length
      settle(batch, LATE)
    }
    const hung = [...this.#running].filter(batch => batch.deadlineMs <= nowMs && !batch.isSettled)
    if (hung.length === 0) return
    const error = new DeliveryError('E_TIMEOUT', 'the receiver did not answer in time')
    for (const batch of hung) settle(batch, unknown(error))
    // A link that lets a deadline pass hangs: only a new connection frees it.
    if (this.#health.state === 'up') this.#lose(this.#generation, error)
  }

  async #connect(): Promise<void> {
    const generation = ++this.#generation
    const timeout = new AbortController()
    const timer = this.#clock.after(CONNECT_TIMEOUT_MS, () =>
      timeout.abort(new DeliveryError('E_TIMEOUT', `no connection within ${CONNECT_TIMEOUT_MS} ms`)),
    )
    const signal = AbortSignal.any([timeout.signal, this.#closed.signal])
    const aborted = rejectOnAbort(signal)
    try {
      const connecting = this.#link.connect(signal, error => this.#lose(generation, error))
      await Promise.race([connecting, aborted.promise])
      this.#establish(generation)
    } catch (cause) {
      this.#lose(generation, toDeliveryError(cause))
    } finally {
      aborted.release()
      timer.clear()
    }
  }

  #establish(generation: number): void {
    if (generation !== this.#generation || this.#closed.signal.aborted) return
    this.#setHealth('up')
    this.#pump()
  }

  /** The connection is gone or could not be made: says so, lets the link clean up, tries again after a pause. */
  #lose(generation: number, error: DeliveryError): void {
    if (generation !== this.#generation || this.#closed.signal.aborted) return
    this.#generation++
    this.#refusal = failed(
      error.code === 'E_NOT_CONNECTED' ? error : new DeliveryError('E_NOT_CONNECTED', error.message, { cause: error }),
    )
    for (const batch of this.#pending.splice(0)) settle(batch, this.#refusal)
    this.#pendingEvents = 0
    this.#setHealth('down', error)
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const hung = [...this.#running]
    const timeout = new AbortController()
    const timer = this.#clock.after(CLOSE_TIMEOUT_MS, () => timeout.abort())
    await settledBefore(quietly(this.#link.close()), timeout.signal)
    timer.clear()
    for (const batch of hung) this.#running.delete(batch)
    const lost = unknown(new DeliveryError('E_NOT_CONNECTED', 'the connection was lost before the receiver confirmed'))
    for (const batch of hung) settle(batch, lost)
    if (this.#closed.signal.aborted) return
    const delayMs = Math.min(BACK_OFF_MS.longest, BACK_OFF_MS.first * 2 ** Math.min(this.#attempt, 16))
    this.#attempt++
    this.#timer = this.#clock.after(delayMs * (0.5 + Math.random() / 2), () => void this.#connect())
  }

  async #close(signal: AbortSignal): Promise<void> {
    await this.flush(signal)
    this.#closed.abort(new DeliveryError('E_CLOSED', 'the sink is closed'))
    this.#timer?.clear()
    this.#watch?.clear()
    await settledBefore(quietly(this.#link.close()), signal)
    const error = new DeliveryError('E_CLOSED', 'the sink was closed before the receiver confirmed')
    for (const batch of this.#pending.splice(0)) settle(batch, failed(error))
    for (const batch of this.#running) settle(batch, unknown(error))
    this.#running.clear()
    this.#setHealth('down', error)
  }

  #setHealth(state: Health['state'], lastError?: DeliveryError): void {
    const hasChanged = this.#health.state !== state
    if (hasChanged && lastError === undefined) this.#log.info('receiver is up')
    else if (hasChanged && this.#closing === undefined)
      this.#log.warn('receiver is away', { code: lastError?.code, reason: lastError?.message })
    const sinceMs = hasChanged ? this.#clock.monotonicMs() : this.#health.sinceMs
    this.#health = { state, sinceMs, lastError: lastError ?? this.#health.lastError }
    if (hasChanged) for (const listener of this.#listeners) listener()
  }
}

function makeBatch(isUniform: boolean, deadlineMs: number): Batch {
  const resolvers: ((delivery: Delivery) => void)[] = []
  const shared = isUniform ? new Promise<Delivery>(resolve => resolvers.push(resolve)) : undefined
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  return { events: [], resolvers, shared, deadlineMs, isSettled: false, done, finish }
}

/** Settles what `send` gave for each event, once. */
function settle(batch: Batch, result: Delivery | readonly Delivery[]): void {
  if (batch.isSettled) return
  batch.isSettled = true
  for (const [i, resolve] of batch.resolvers.entries()) resolve('outcome' in result ? result : (result[i] ?? UNTOLD))
  batch.finish()
}

/** A promise that rejects with the signal's reason, and a way to stop listening. */
function rejectOnAbort(signal: AbortSignal): { readonly promise: Promise<never>; release(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  promise.catch(() => undefined)
  return { promise, release: () => signal.removeEventListener('abort', abort) }
}

function hasDelivered(result: Delivery | readonly Delivery[]): boolean {
  return 'outcome' in result
    ? result.outcome === 'delivered'
    : result.some(delivery => delivery.outcome === 'delivered')
}

async function quietly(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined)
}

function toDeliveryError(cause: unknown): DeliveryError {
  return cause instanceof DeliveryError ? cause : new DeliveryError('E_NOT_CONNECTED', reasonOf(cause), { cause })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
