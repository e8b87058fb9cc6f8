import type { Log } from '../log/log.ts'
import type { Clock, Timer } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import {
  type Delivery,
  DeliveryError,
  type EventCodec,
  failed,
  type Health,
  type Link,
  type Outcomes,
  type Sink,
  tryEncode,
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
const LATE: Delivery = failed(new DeliveryError('E_QUEUE_FULL', 'the receiver had no room for the event in time'))
const UNTOLD: Delivery = unknown(new DeliveryError('E_REFUSED', 'the transport did not say what became of the event'))
const CONNECTING: Delivery = failed(new DeliveryError('E_NOT_CONNECTED', 'not connected yet'))

/** Events that were given together, and are told of together: a piece of a batch. */
interface Part {
  readonly start: number
  readonly count: number
  readonly resolve: (outcomes: Outcomes) => void
}

/** Events that go into one write. */
interface Batch {
  /** The caller's own array while there is only one part; copied before a second one is added. */
  events: readonly WireEvent[]
  readonly parts: Part[]
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
  /** Absent for links that write events one by one: each is to be told of by itself. */
  readonly sendAll?: (events: readonly WireEvent[], deadlineMs: number) => Outcomes | Promise<Outcomes>

  constructor(link: Link, clock: Clock, log: Log) {
    this.#link = link
    if (link.maxBatch > 1) this.sendAll = (events, deadlineMs) => this.#sendAll(events, deadlineMs)
    this.#clock = clock
    this.#log = log
    this.#health = { state: 'connecting', sinceMs: clock.monotonicMs() }
    void this.#connect()
  }

  get health(): Health {
    return this.#health
  }

  get window(): number | undefined {
    return this.#link.window
  }

  onHealth(listener: () => void): void {
    this.#listeners.push(listener)
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    const refusal = this.#refusalNow()
    if (refusal !== undefined) return refusal
    const { codec } = this.#link
    const bytes = codec === undefined ? undefined : tryEncode(event, codec)
    if (bytes instanceof DeliveryError) return failed(bytes)
    // A part of one event is told of by one outcome.
    return this.#append([event], deadlineMs) as Promise<Delivery>
  }

  async flush(signal: AbortSignal): Promise<void> {
    const accepted = [...this.#running, ...this.#pending].map(batch => batch.done)
    await settledBefore(Promise.all(accepted), signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(signal)
    return this.#closing
  }

  #sendAll(events: readonly WireEvent[], deadlineMs: number): Outcomes | Promise<Outcomes> {
    const refusal = this.#refusalNow()
    if (refusal !== undefined) return refusal
    const { codec, maxBatch } = this.#link
    const refused = codec === undefined ? undefined : unencodable(events, codec)
    if (refused !== undefined) return this.#sendRest(events, refused, deadlineMs)
    if (events.length <= maxBatch) return this.#append(events, deadlineMs)
    const pieces: Promise<Outcomes>[] = []
    for (let from = 0; from < events.length; from += maxBatch)
      pieces.push(this.#append(events.slice(from, from + maxBatch), deadlineMs))
    return Promise.all(pieces).then(all => all.flatMap((one, i) => spread(one, countOf(events, i, maxBatch))))
  }

  /** Sends those that could be encoded; the others have their answer. */
  async #sendRest(
    events: readonly WireEvent[],
    refused: readonly (Delivery | undefined)[],
    deadlineMs: number,
  ): Promise<Outcomes> {
    const rest = events.filter((_, i) => refused[i] === undefined)
    const outcomes = rest.length === 0 ? [] : spread(await this.#sendAll(rest, deadlineMs), rest.length)
    let next = 0
    return refused.map(refusal => refusal ?? outcomes[next++] ?? UNTOLD)
  }

  #refusalNow(): Delivery | undefined {
    if (this.#closing !== undefined) return CLOSED
    if (this.#health.state !== 'up') return this.#refusal
    return this.#pendingEvents >= MAX_PENDING ? FULL : undefined
  }

  /** Puts the events into the batch that is still filling up, or begins one. The array is not changed. */
  #append(events: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    this.#pendingEvents += events.length
    return new Promise(resolve => {
      const last = this.#pending.at(-1)
      // Events that are due sooner get a batch of their own: a batch keeps its first deadline.
      const fits = last !== undefined && last.events.length + events.length <= this.#link.maxBatch
      if (!fits || deadlineMs < last.deadlineMs) {
        this.#pending.push(makeBatch(events, deadlineMs, resolve))
        this.#schedule()
        return
      }
      const start = last.events.length
      if (last.parts.length === 1) last.events = [...last.events]
      for (const event of events) (last.events as WireEvent[]).push(event)
      last.parts.push({ start, count: events.length, resolve })
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // Behind all microtasks of this turn, so that everything sent in it shares a write.
    process.nextTick(() => this.#pump())
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
    let result: Outcomes
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
    const receiver = state === 'up' ? this.#link.receiver : undefined
    if (hasChanged && lastError === undefined)
      this.#log.info('receiver is up', receiver === undefined ? {} : { receiver })
    else if (hasChanged && this.#closing === undefined)
      this.#log.warn('receiver is away', { code: lastError?.code, reason: lastError?.message })
    const sinceMs = hasChanged ? this.#clock.monotonicMs() : this.#health.sinceMs
    this.#health = { state, sinceMs, lastError: lastError ?? this.#health.lastError, receiver }
    if (hasChanged) for (const listener of this.#listeners) listener()
  }
}

function makeBatch(events: readonly WireEvent[], deadlineMs: number, resolve: Part['resolve']): Batch {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  const parts = [{ start: 0, count: events.length, resolve }]
  return { events, parts, deadlineMs, isSettled: false, done, finish }
}

/** Tells each part of a batch what became of it, once. */
function settle(batch: Batch, result: Outcomes): void {
  if (batch.isSettled) return
  batch.isSettled = true
  for (const { start, count, resolve } of batch.parts) resolve(outcomeOf(result, start, count))
  batch.finish()
}

function outcomeOf(result: Outcomes, start: number, count: number): Outcomes {
  if ('outcome' in result) return result
  if (count === 1) return result[start] ?? UNTOLD
  return Array.from({ length: count }, (_, i) => result[start + i] ?? UNTOLD)
}

function spread(result: Outcomes, count: number): readonly Delivery[] {
  return 'outcome' in result ? new Array<Delivery>(count).fill(result) : result
}

function countOf(events: readonly WireEvent[], piece: number, size: number): number {
  return Math.min(size, events.length - piece * size)
}

/** Why each event cannot be written in this form; undefined when all can, as nearly always. */
function unencodable(events: readonly WireEvent[], codec: EventCodec): readonly (Delivery | undefined)[] | undefined {
  let refused: (Delivery | undefined)[] | undefined
  for (let i = 0; i < events.length; i++) {
    const bytes = tryEncode(events[i] as WireEvent, codec)
    if (bytes instanceof DeliveryError) (refused ??= new Array(events.length).fill(undefined))[i] = failed(bytes)
  }
  return refused
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

function hasDelivered(result: Outcomes): boolean {
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
