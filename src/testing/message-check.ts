import type { SipMessage } from '../sip/codec/message.ts'
import { firstLine, headersOf } from './message-text.ts'
import { type Pattern, testOf, type ValueTest } from './pattern.ts'

/** Which message is meant: a status, a class of statuses such as `2xx`, or a method. */
export type Awaited = number | string

/** What a message has to be like, beside its status or method. */
export interface MessageWishes {
  /** Of a reply: the method it answers. */
  readonly to?: string | undefined
  readonly uri?: Pattern | ValueTest | undefined
  readonly reason?: Pattern | ValueTest | undefined
  readonly body?: Pattern | ValueTest | undefined
  /** One of the headers of that name has to be like this; null: there is none. */
  readonly headers?: Readonly<Record<string, Pattern | ValueTest | null>> | undefined
}

/** `200 (REGISTER)`, `INVITE`: what is waited for, in words. */
export const awaitedText = (awaited: Awaited, { to }: MessageWishes = {}): string =>
  `${isStatus(awaited) ? 'the reply ' : 'the request '}${awaited}${to === undefined ? '' : ` to ${to}`}`

const isStatus = (awaited: Awaited): boolean => /^\d/.test(String(awaited))

/** Whether a message is of the kind that is waited for, whatever it is like. */
export function isAwaited(message: SipMessage, awaited: Awaited, { to }: MessageWishes = {}): boolean {
  if (!isStatus(awaited)) return message.isRequest && message.method === awaited
  const text = String(awaited).toLowerCase()
  const status = String(message.status)
  const hasStatus = text.endsWith('xx') ? status[0] === text[0] : status === text
  return !message.isRequest && hasStatus && (to === undefined || message.cseqMethod === to)
}

/** What comes by itself and need not be spoken of. */
export const isUsual = (message: SipMessage): boolean =>
  message.status === 100 || (message.method === 'ACK' && message.isRequest)

/** All in which a message is not as wished: what was expected of it and what it has. */
export function faultsOf(message: SipMessage, { uri, reason, body, headers = {} }: MessageWishes): string[] {
  const faults: string[] = []
  const hold = (what: string, wish: Pattern | ValueTest | undefined, value: string): void => {
    const test = wish === undefined ? undefined : testOf(wish)
    if (test !== undefined && !test.holds(value)) faults.push(`${what} ${test.text}: it is ${JSON.stringify(value)}`)
  }
  hold('uri', uri, message.requestUri)
  hold('reason', reason, message.reason)
  for (const [name, wish] of Object.entries(headers)) faults.push(...headerFaults(message, name, wish))
  hold('body', body, message.body.toString())
  return faults
}

function headerFaults(message: SipMessage, name: string, wish: Pattern | ValueTest | null): string[] {
  const values = headersOf(message, name)
  const found = values.map(value => JSON.stringify(value)).join(', ')
  if (wish === null) return values.length === 0 ? [] : [`no header ${name}: it is ${found}`]
  const test = testOf(wish)
  if (values.some(value => test.holds(value))) return []
  return [`header ${name} ${test.text}: ${values.length === 0 ? 'there is none' : `it is ${found}`}`]
}

/** First lines of messages, for people. */
export const firstLines = (messages: readonly SipMessage[]): string =>
  messages.length === 0 ? 'nothing' : messages.map(message => shortLine(message)).join(', ')

/** `INVITE sip:bob@example.com`, `200 OK (INVITE)`. */
export const shortLine = (message: SipMessage): string =>
  message.isRequest
    ? firstLine(message).replace(/ SIP\/2\.0$/, '')
    : `${firstLine(message).replace(/^SIP\/2\.0 /, '')} (${message.cseqMethod})`
