import type { SipMessage } from '../codec/message.ts'
import { fingerprint } from './fingerprint.ts'

/** The method whose server transaction a request belongs to. An ACK belongs to its INVITE (RFC 3261 §17.2.3). */
export function transactionMethod(request: SipMessage): string {
  return request.method === 'ACK' ? 'INVITE' : request.method
}

/**
 * Makes the fingerprint of what identifies the server transaction of a request; false when the request has no usable
 * Via. `method` looks for the transaction of another method: a CANCEL looks for its INVITE (RFC 3261 §9.2).
 */
export function takeServerKey(request: SipMessage, method?: string): boolean {
  if (method !== undefined) return makeServerKey(request, method)
  // Asked for again and again while one request is looked at.
  if (request === latest) {
    fingerprint.recall()
    return true
  }
  latest = makeServerKey(request, transactionMethod(request)) ? request : null
  if (latest !== null) fingerprint.remember()
  return latest !== null
}

/** The request whose key is remembered. */
let latest: SipMessage | null = null

function makeServerKey(request: SipMessage, method: string): boolean {
  const via = request.topVia
  if (via === null) return false
  fingerprint.begin()
  fingerprint.text(method)
  // "1. the branch parameter in the request is the same as the one in the top Via header field of the request that
  // created the transaction, and 2. the sent-by value in the top Via of the request is equal to the one in the request
  // that created the transaction, and 3. the method of the request matches the one that created the transaction, except
  // for ACK, where the method of the request that created the transaction is INVITE." (RFC 3261 §17.2.3)
  if (via.hasCookie) {
    via.hostTo(fingerprint)
    fingerprint.number(via.port)
    via.branchTo(fingerprint)
    return true
  }
  // "The INVITE request matches a transaction if the Request-URI, To tag, From tag, Call-ID, CSeq, and top Via header
  // field match those of the INVITE request which created the transaction." (RFC 3261 §17.2.3, for RFC 2543 peers.)
  // The To tag is compared by the table, since that of an ACK is the one of the response.
  fingerprint.text(request.requestUri)
  fingerprint.text(request.fromTag)
  fingerprint.text(request.callId)
  fingerprint.number(request.cseq)
  fingerprint.text(request.bytes.toString('latin1', via.start, via.end))
  return true
}

/** Makes the fingerprint of the client transaction a response belongs to; false when its Via names none. */
export function takeResponseKey(response: SipMessage): boolean {
  const via = response.topVia
  if (via === null) return false
  fingerprint.begin()
  fingerprint.text(response.cseqMethod)
  via.branchTo(fingerprint)
  return true
}

/** Makes the same fingerprint of the request that was sent with `branch`. */
export function takeClientKey(branch: string, method: string): void {
  // "1. If the response has the same value of the branch parameter in the top Via header field as the branch parameter
  // in the top Via header field of the request that created the transaction. 2. If the method parameter in the CSeq
  // header field matches the method of the request that created the transaction." (RFC 3261 §17.1.3)
  fingerprint.begin()
  fingerprint.text(method)
  fingerprint.text(branch)
}

/**
 * Makes the fingerprint of the dialog a 2xx to an INVITE opens, and so of its ACK, which is a transaction of its own
 * (RFC 3261 §13.2.2.4, §17.1.1.3).
 */
export function takeAckKey(callId: string, fromTag: string, cseq: number, toTag: string): void {
  fingerprint.begin()
  fingerprint.text(callId)
  fingerprint.text(fromTag)
  fingerprint.number(cseq)
  fingerprint.text(toTag)
}
