import { SipMessage } from '../sip/codec/message.ts'
import { HeaderLines, type Headers, headerOf, headersOf } from './message-text.ts'

/** Something a phone is asked to do that it cannot: said to people. */
export class PhoneError extends Error {
  override readonly name = 'PhoneError'
  readonly code = 'E_PHONE'
}

/** Reason phrases of RFC 3261 §21. */
export const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
}

/** Whether a body is an SDP (RFC 8866). */
export const isSessionDescription = (body: string): boolean => body.startsWith('v=0')

/** The branch of the top Via, '' without. */
export const branchOf = (message: SipMessage): string => message.topVia?.branch ?? ''

/** One for each transaction; a CANCEL and an ACK have the branch of their INVITE. */
export const servedKey = (request: SipMessage, method: string): string => `${branchOf(request)} ${method}`

/** A message that this program has written. Throws PhoneError where it is none. */
export function parsed(text: string): SipMessage {
  const message = SipMessage.parse(Buffer.from(text))
  if (message === null) throw new PhoneError(`this is no SIP message:\n${text}`)
  return message
}

/** The CANCEL of an INVITE, or the ACK of its refusal (RFC 3261 §9.1, §17.1.1.3). */
export function sameBranch(invite: SipMessage, method: string, to: string, headers: Headers = {}): string {
  const lines = new HeaderLines()
    .set('Via', headerOf(invite, 'Via'))
    .set('Max-Forwards', '70')
    .set('From', headerOf(invite, 'From'))
    .set('To', to)
    .set('Call-ID', invite.callId)
    .set('CSeq', `${invite.cseq} ${method}`)
  const routes = headersOf(invite, 'Route')
  if (routes.length > 0) lines.set('Route', routes)
  return lines.setAll(headers).message(`${method} ${invite.requestUri} SIP/2.0`, '')
}
