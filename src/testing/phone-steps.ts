import type { SipMessage } from '../sip/codec/message.ts'
import type { Bench } from './bench.ts'
import { ExpectationError } from './failure.ts'
import {
  type Awaited,
  awaitedText,
  faultsOf,
  firstLines,
  isAwaited,
  isUsual,
  type MessageWishes,
  shortLine,
} from './message-check.ts'
import type { Headers } from './message-text.ts'
import type { Arrival, Phone, ReplyParts, RequestParts } from './phone.ts'
import { PhoneError } from './phone-messages.ts'

/** What a phone does in a test, and what is expected to reach it. Each step is over when nothing moves any more. */
export class PhoneSteps {
  readonly phone: Phone
  readonly #bench: Bench

  constructor(phone: Phone, bench: Bench) {
    this.phone = phone
    this.#bench = bench
  }

  /** Registers and expects 200. Gives the 200. */
  register(expiresS: number, headers: Headers = {}): Promise<SipMessage> {
    return this.#succeed(this.phone.register(expiresS, headers))
  }

  /** Calls a phone of the test, a user of the domain or a URI. Expects nothing yet. */
  call(whom: string, parts: RequestParts = {}): Promise<SipMessage> {
    return this.send('INVITE', { uri: this.#bench.uriOf(whom), ...parts })
  }

  uriOf(whom: string): string {
    return this.#bench.uriOf(whom)
  }

  /** Sends a request. Expects nothing yet. */
  async send(method: string, parts: RequestParts = {}): Promise<SipMessage> {
    const request = this.phone.request(method, parts)
    await this.#bench.settle()
    return request
  }

  /** Sends text as it is. */
  async sendRaw(text: string): Promise<void> {
    this.phone.sendRaw(text)
    await this.#bench.settle()
  }

  /** Replies to the newest request that waits for a reply. */
  async reply(status: number, parts: ReplyParts = {}, method?: string): Promise<void> {
    this.phone.reply(status, parts, method)
    await this.#bench.settle()
  }

  /** Takes the call back that it has begun, and expects 200 to that. */
  cancel(headers: Headers = {}): Promise<SipMessage> {
    return this.#succeed(this.phone.cancel(headers))
  }

  /** Ends its call, and expects 200 to that. */
  hangUp(): Promise<SipMessage> {
    const { call } = this.phone
    if (call?.isUp !== true)
      throw new PhoneError(`${this.phone.name} is in no call that was answered, so there is none to hang up`)
    return this.#succeed(this.phone.request('BYE', { inCall: true }))
  }

  /** Nothing reaches it, and nothing is answered, until it comes back. */
  setAway(isAway: boolean): void {
    this.phone.isAway = isAway
  }

  /** Takes the first message of this kind that no step has spoken of. Throws ExpectationError. */
  async gets(awaited: Awaited, wishes: MessageWishes = {}, withinMs = 0): Promise<SipMessage> {
    const find = (): Arrival | undefined =>
      this.#unread.find(({ message }) => isAwaited(message, awaited, wishes) && faultsOf(message, wishes).length === 0)
    await this.#bench.waitFor(() => find() !== undefined, withinMs)
    const found = find()
    if (found === undefined) throw this.#complaint(awaited, wishes)
    found.isRead = true
    return found.message
  }

  /** Expects that everything that came has been spoken of, but for ACK and 100. */
  async getsNothing(): Promise<void> {
    await this.#bench.settle()
    const left = this.#unread.filter(({ message }) => !isUsual(message))
    if (left.length > 0)
      throw new ExpectationError(`nothing else to reach ${this.phone.name}`, firstLines(left.map(one => one.message)))
  }

  get #unread(): readonly Arrival[] {
    return this.phone.arrivals.filter(({ isRead }) => !isRead)
  }

  async #succeed(request: SipMessage): Promise<SipMessage> {
    await this.#bench.settle()
    const isFinal = ({ message }: Arrival): boolean =>
      !message.isRequest &&
      message.cseqMethod === request.method &&
      message.callId === request.callId &&
      message.status >= 200
    const find = (): Arrival | undefined => this.#unread.find(isFinal)
    await this.#bench.waitFor(() => find() !== undefined, 0)
    const found = find()
    const wanted = `the reply 200 to ${request.method} of ${this.phone.name}`
    if (found === undefined) throw new ExpectationError(wanted, 'no reply')
    if (found.message.status >= 300) throw new ExpectationError(wanted, shortLine(found.message))
    found.isRead = true
    return found.message
  }

  /** What came instead: the message that is nearest to what was wanted, or all that was not spoken of. */
  #complaint(awaited: Awaited, wishes: MessageWishes): ExpectationError {
    const wanted = `${awaitedText(awaited, wishes)} at ${this.phone.name}`
    const near = this.#unread.find(({ message }) => isAwaited(message, awaited, wishes))
    if (near !== undefined) {
      const faults = faultsOf(near.message, wishes)
      return new ExpectationError([wanted, ...faults].join('\n  '), near.message.bytes.toString().trimEnd())
    }
    const taken = this.phone.arrivals.filter(({ message, isRead }) => isRead && isAwaited(message, awaited, wishes))
    const before =
      taken.length === 0
        ? ''
        : ` (${taken.length} came before, and a step above has taken ${taken.length === 1 ? 'it' : 'them'})`
    return new ExpectationError(wanted, `${firstLines(this.#unread.map(one => one.message))}${before}`)
  }
}
