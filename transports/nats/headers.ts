import type { MsgHdrs } from 'nats'
import type { EventOrigin, WireEvent } from '../../src/events/transport.ts'

/**
 * Writes the headers of messages (NATS/1.0 header block): what identifies an event, and what JetStream goes by. The client's
 * own headers check and copy each name and value, which costs more than all else about a message.
 */
export class HeaderWriter {
  readonly #head: string
  #origin: EventOrigin | undefined
  /** The lines that all events of a run have. */
  #common = ''
  #raisedAtMs = Number.NaN
  /** The line that all events of a millisecond have. */
  #time = ''

  /** `stream`: the one that must store the messages, if that is asked for. */
  constructor(contentType: string, stream: string | undefined) {
    const expected = stream === undefined ? '' : `Nats-Expected-Stream: ${oneLine(stream)}\r\n`
    this.#head = `${expected}Content-Type: ${contentType}\r\n`
  }

  /** The headers of one message. The client asks them for nothing but their bytes. */
  of(event: WireEvent): MsgHdrs {
    const { id, name, raisedAtMs, sequence } = event
    const about = `type: ${oneLine(name)}\r\n${this.#timeOf(raisedAtMs)}sequence: ${sequence}\r\n`
    const bytes = Buffer.from(`NATS/1.0\r\nNats-Msg-Id: ${id}\r\n${this.#commonOf(event.origin)}${about}\r\n`)
    return { encode: () => bytes } as Pick<Encoded, 'encode'> as MsgHdrs & Encoded
  }

  #timeOf(raisedAtMs: number): string {
    if (raisedAtMs === this.#raisedAtMs) return this.#time
    this.#raisedAtMs = raisedAtMs
    this.#time = `time: ${new Date(raisedAtMs).toISOString()}\r\n`
    return this.#time
  }

  #commonOf(origin: EventOrigin): string {
    if (origin === this.#origin) return this.#common
    this.#origin = origin
    this.#common = `${this.#head}node: ${oneLine(origin.node)}\r\nboot: ${origin.boot}\r\n`
    return this.#common
  }
}

/** What the client's headers have beside what it says they have. */
interface Encoded {
  encode(): Uint8Array
}

/** A value cannot hold the end of its line. */
const oneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text)
