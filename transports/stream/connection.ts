import { connect, type Socket } from 'node:net'
import { DELIVERED, type Delivery, DeliveryError, failed, type Outcomes, unknown } from '../../src/events/transport.ts'
import type { Clock, Timer } from '../../src/util/clock.ts'
import { JsonObjects } from './json-objects.ts'
import { type Reply, readReply } from './reply.ts'

/** Longest reply; the connection of a peer that sends a longer one is dropped. */
const REPLY_LIMIT_BYTES = 65_536
/** A peer from which nothing was heard while requests ran out of time so often, one after the other, gets a new connection. */
const MOST_SILENT_TIMEOUTS = 3
const KEEP_ALIVE_MS = 10_000

/** Requests that were written together and wait for their replies until the same moment. */
interface Group {
  readonly ids: readonly number[]
  readonly outcomes: (Delivery | undefined)[]
  left: number
  readonly sentMs: number
  isFlushed: boolean
  timer: Timer | undefined
  readonly resolve: (outcomes: Outcomes) => void
}

/** One TCP connection to a peer, for all who send to it. */
export class StreamConnection {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #name: string
  readonly #onLost: (error: DeliveryError) => void
  readonly #waiting = new Map<number, { readonly group: Group; readonly index: number }>()
  readonly #groups = new Set<Group>()
  readonly #notices = new Set<(outcome: Delivery) => void>()
  readonly #replies = new JsonObjects(REPLY_LIMIT_BYTES)
  readonly #readsReplies: boolean
  #silentTimeouts = 0
  #lastSilentMs = Number.NEGATIVE_INFINITY
  #isOpen = false
  #isLost = false
  /** Resolves once it is connected; rejects with DeliveryError. */
  readonly opened: Promise<void>

  constructor(
    peer: { readonly host: string; readonly port: number },
    clock: Clock,
    readsReplies: boolean,
    onLost: (error: DeliveryError) => void,
  ) {
    this.#name = `${peer.host}:${peer.port}`
    this.#clock = clock
    this.#readsReplies = readsReplies
    this.#onLost = onLost
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.opened = promise
    promise.catch(() => {})
    this.#socket = connect({ ...peer, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
    this.#socket.once('connect', () => {
      this.#isOpen = true
      resolve()
    })
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('end', () => this.lose(this.#lost('the peer closed it')))
    this.#socket.on('error', cause => this.#fail(cause, reject))
    this.#socket.on('close', () => this.#fail(new Error('closed'), reject))
  }

  /** Writes messages nobody answers: delivered when the system has taken all of them. */
  notify(bytes: Buffer, withinMs: number): Promise<Delivery> {
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    const settle = (outcome: Delivery): void => {
      timer.clear()
      this.#notices.delete(settle)
      resolve(outcome)
    }
    // What is left unsent in the middle of a message can only be got rid of with the connection.
    const timer = this.#clock.after(withinMs, () => this.lose(this.#tooSlow()))
    this.#notices.add(settle)
    if (this.#isLost) settle(failed(this.#lost('gone')))
    else this.#socket.write(bytes, error => error ?? settle(DELIVERED))
    return promise
  }

  /** Writes requests with these ids: one outcome for each, by its reply. */
  call(bytes: Buffer, ids: readonly number[], withinMs: number): Promise<Outcomes> {
    if (this.#isLost) return Promise.resolve(failed(this.#lost('gone')))
    const { promise, resolve } = Promise.withResolvers<Outcomes>()
    const sentMs = this.#clock.monotonicMs()
    const group: Group = { ids, outcomes: [], left: ids.length, sentMs, isFlushed: false, timer: undefined, resolve }
    this.#groups.add(group)
    for (const [index, id] of ids.entries()) this.#waiting.set(id, { group, index })
    group.timer = this.#clock.after(withinMs, () => this.#expire(group))
    this.#socket.write(bytes, () => {
      group.isFlushed = true
    })
    return promise
  }

  /** Ends the connection. What waits is told `unknown`, those who use it of the loss. */
  lose(error: DeliveryError): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#socket.destroy()
    for (const settle of [...this.#notices]) settle(unknown(error))
    for (const group of [...this.#groups]) this.#end(group, unknown(error))
    this.#onLost(error)
  }

  #fail(cause: Error, reject: (error: DeliveryError) => void): void {
    const what = this.#isOpen ? `connection to ${this.#name} lost` : `cannot connect to ${this.#name}`
    const error = new DeliveryError('E_NOT_CONNECTED', `${what}: ${cause.message}`, { cause })
    reject(error)
    this.lose(error)
  }

  #read(chunk: Buffer): void {
    this.#silentTimeouts = 0
    if (!this.#readsReplies) return
    try {
      for (const value of this.#replies.push(chunk)) this.#take(readReply(value))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `${this.#name} does not answer in JSON-RPC: ${why}`
      this.lose(new DeliveryError('E_REFUSED', message, { cause }))
    }
  }

  #take({ id, outcome }: Reply): void {
    const request = this.#waiting.get(id)
    // Late, or never asked for.
    if (request === undefined) return
    this.#waiting.delete(id)
    const { group, index } = request
    group.outcomes[index] = outcome
    if (--group.left === 0) this.#end(group, outcome)
  }

  #expire(group: Group): void {
    this.#countSilence(group)
    if (!group.isFlushed || this.#silentTimeouts >= MOST_SILENT_TIMEOUTS) this.lose(this.#tooSlow())
    else this.#end(group, unknown(new DeliveryError('E_TIMEOUT', `${this.#name} did not answer in time`)))
  }

  /** Groups that were on their way together count once. */
  #countSilence(group: Group): void {
    if (group.sentMs < this.#lastSilentMs) return
    this.#silentTimeouts++
    this.#lastSilentMs = this.#clock.monotonicMs()
  }

  /** Tells a group its outcomes; `rest` is that of requests without a reply. */
  #end(group: Group, rest: Delivery): void {
    group.timer?.clear()
    this.#groups.delete(group)
    for (const id of group.ids) this.#waiting.delete(id)
    const outcomes = group.ids.map((_, index) => group.outcomes[index] ?? rest)
    group.resolve(outcomes.every(outcome => outcome === DELIVERED) ? DELIVERED : outcomes)
  }

  #tooSlow(): DeliveryError {
    return new DeliveryError('E_TIMEOUT', `${this.#name} neither reads nor answers in time`)
  }

  #lost(why: string): DeliveryError {
    return new DeliveryError('E_NOT_CONNECTED', `connection to ${this.#name} lost: ${why}`)
  }
}
