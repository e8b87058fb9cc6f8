import { createInbox, type Msg, type MsgHdrs, type NatsConnection, type NatsError } from 'nats'
import {
  DELIVERED,
  type Delivery,
  DeliveryError,
  failed,
  type Outcomes,
  unknown,
  type WireEvent,
} from '../../src/events/transport.ts'

/** Most events published together. */
export const MAX_BATCH = 256

export interface Message {
  readonly subject: string
  readonly payload: Buffer
  readonly headers: MsgHdrs
}

/** Events published together, and waited for as a whole. */
interface Batch {
  readonly subjects: string[]
  /** By place in the batch; undefined while it is not known. */
  readonly outcomes: (Delivery | undefined)[]
  left: number
  areAllStored: boolean
  readonly resolve: (outcomes: Outcomes) => void
}

/** What JetStream answers to a message (its API, *PubAck*). */
interface PubAck {
  /** The stream that has it. */
  readonly stream?: string
  readonly error?: { readonly description?: string }
}

/**
 * Publishes to JetStream and takes its answers. They all come to one inbox: the client's own `publish` makes a request of
 * each message, with a promise, a timer and an error of its own, which costs as much as all else about it.
 *
 * Message *i* of batch *b* is answered to `INBOX.n`, n = b · {@link MAX_BATCH} + i.
 */
export class JetStreamPublisher {
  readonly #connection: NatsConnection
  readonly #stream: string | undefined
  readonly #inbox = `${createInbox()}.`
  readonly #open = new Map<number, Batch>()
  #begun = 0

  /** `stream`: the one that must store the messages, if that is asked for. `onDeaf`: no answer can be had here. */
  constructor(connection: NatsConnection, stream: string | undefined, onDeaf: (error: NatsError) => void) {
    this.#connection = connection
    this.#stream = stream
    const callback = (error: NatsError | null, message: Msg): void =>
      error === null ? this.#answered(message) : onDeaf(error)
    connection.subscribe(`${this.#inbox}*`, { callback })
  }

  /** Never rejects. Settles once every message has been answered, or with `abandon`. At most {@link MAX_BATCH} events. */
  publish(events: readonly WireEvent[], messageOf: (event: WireEvent) => Message | Delivery): Promise<Outcomes> {
    const number = this.#begun++
    return new Promise(resolve => {
      const outcomes = new Array<Delivery | undefined>(events.length).fill(undefined)
      const batch: Batch = { subjects: [], outcomes, left: events.length, areAllStored: true, resolve }
      this.#open.set(number, batch)
      for (let i = 0; i < events.length; i++) {
        const message = messageOf(events[i] as WireEvent)
        const refusal = this.#send(message, batch, `${this.#inbox}${number * MAX_BATCH + i}`)
        if (refusal !== undefined) this.#settle(number, i, refusal)
      }
    })
  }

  /** The server has said that it did not take a message of this subject: the one that has waited longest. */
  refuse(subject: string, error: DeliveryError): void {
    for (const [number, { subjects, outcomes }] of this.#open) {
      const i = subjects.findIndex((one, at) => one === subject && outcomes[at] === undefined)
      if (i < 0) continue
      this.#settle(number, i, unknown(error))
      return
    }
  }

  /** No more answers come. */
  abandon(error: DeliveryError): void {
    const outcome = unknown(error)
    for (const [number, { outcomes }] of this.#open)
      for (let i = 0; i < outcomes.length; i++) this.#settle(number, i, outcome)
  }

  #send(message: Message | Delivery, batch: Batch, reply: string): Delivery | undefined {
    if ('outcome' in message) {
      batch.subjects.push('')
      return message
    }
    batch.subjects.push(message.subject)
    try {
      this.#connection.publish(message.subject, message.payload, { headers: message.headers, reply })
      return undefined
    } catch (cause) {
      return unconfirmed(cause)
    }
  }

  #answered(message: Msg): void {
    const number = Number.parseInt(message.subject.slice(this.#inbox.length), 10)
    this.#settle(Math.floor(number / MAX_BATCH), number % MAX_BATCH, this.#verdict(message))
  }

  /** Answers of a batch that was abandoned come too late. */
  #settle(number: number, i: number, outcome: Delivery): void {
    const batch = this.#open.get(number)
    if (batch === undefined || i >= batch.outcomes.length || batch.outcomes[i] !== undefined) return
    batch.outcomes[i] = outcome
    if (outcome !== DELIVERED) batch.areAllStored = false
    if (--batch.left > 0) return
    this.#open.delete(number)
    batch.resolve(batch.areAllStored ? DELIVERED : (batch.outcomes as Delivery[]))
  }

  #verdict(message: Msg): Delivery {
    if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) return this.#nobodyStores()
    try {
      const { stream = '', error } = message.json<PubAck>()
      if (error !== undefined) return refusal(`JetStream refuses: ${error.description ?? 'it does not say why'}`)
      return stream === '' ? unconfirmed(new Error('its answer names no stream')) : DELIVERED
    } catch (cause) {
      return unconfirmed(cause)
    }
  }

  #nobodyStores(): Delivery {
    const what = this.#stream === undefined ? 'no stream' : `no stream "${this.#stream}"`
    return refusal(`${what} takes this subject`)
  }
}

/** The status of an empty message that the server itself sends where nobody listens to a subject. */
const NO_RESPONDERS = 503

const refusal = (text: string): Delivery => failed(new DeliveryError('E_REFUSED', text))

function unconfirmed(cause: unknown): Delivery {
  const text = cause instanceof Error ? cause.message : String(cause)
  return unknown(new DeliveryError('E_NOT_CONNECTED', `JetStream did not confirm: ${text}`, { cause }))
}
