import { hash } from 'node:crypto'
import { HeaderId } from '../sip/codec/header-id.ts'
import type { SipMessage } from '../sip/codec/message.ts'

/** Parameter of our Via that holds what the request looked like when it came, where loops are looked for. */
export const LOOP_PARAM = 'lh'
const DIGITS = 16

/**
 * What makes two arrivals of a request one loop and not a spiral: everything its way is decided by (RFC 3261 §16.6 step 8).
 * To is left out: a proxy never changes it.
 */
export function loopHash(message: SipMessage): string {
  const parts = [message.requestUri, message.fromTag, message.toTag, message.callId, String(message.cseq)]
  for (const id of [HeaderId.route, HeaderId.proxyRequire, HeaderId.proxyAuthorization])
    for (let i = message.find(id); i >= 0; i = message.find(id, i + 1)) parts.push(message.headerValue(i))
  return hash('sha1', parts.join('\n'), 'hex').slice(0, DIGITS)
}

/** Whether the request was here before and looked the same (RFC 3261 §16.3 step 4, RFC 5393 §4.2). */
export function isLoop(message: SipMessage, isMyself: (host: string, port: number) => boolean): boolean {
  const own = message.vias.filter(({ params }) => params.has(LOOP_PARAM))
  if (own.length === 0) return false
  const now = loopHash(message)
  return own.some(({ host, port, params }) => params.get(LOOP_PARAM) === now && isMyself(host, port))
}
