import { DELIVERED, type Delivery, DeliveryError, failed } from '../../src/events/transport.ts'

/** Answers after which the same request may succeed, beside 5xx. */
const TEMPORARY = new Set([408, 425, 429])
/** Longest a receiver can ask to be left alone. */
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000

/**
 * What an answer means for the events of its request: 2xx delivered; 408, 425, 429 and 5xx failed for now; any other
 * failed for good. `retryAfter` is the value of that header, `nowMs` the wall clock it is read by.
 */
export function verdictOf(status: number, retryAfter: string | undefined, nowMs: number): Delivery {
  if (status >= 200 && status < 300) return DELIVERED
  if (TEMPORARY.has(status) || status >= 500) {
    const retryAfterMs = retryAfter === undefined ? undefined : retryAfterOf(retryAfter, nowMs)
    const message = `the receiver answered ${status}`
    return failed(new DeliveryError('E_REFUSED', message, retryAfterMs === undefined ? {} : { retryAfterMs }))
  }
  const code = status === 413 ? 'E_TOO_LARGE' : 'E_REFUSED'
  return failed(new DeliveryError(code, `the receiver answered ${status}${hintOf(status)}`, { permanent: true }))
}

/** Whether an answer may be about one of several events, so that the others can still be taken. */
export const isAboutContent = (status: number): boolean => status === 400 || status === 413 || status === 422

function hintOf(status: number): string {
  if (status >= 300 && status < 400) return ': redirects are not followed, the socket has to name the final URL'
  if (status === 401 || status === 403) return ': it does not accept the login or the signature'
  if (status === 410) return ' Gone: it wants no more events, end the subscription'
  return ''
}

/** Milliseconds from a `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. Undefined for anything else. */
export function retryAfterOf(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim()
  const waitMs = /^\d+$/.test(trimmed) ? Number(trimmed) * 1000 : dateOf(trimmed) - nowMs
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, waitMs))
}

/** Milliseconds since 1970 of an HTTP date in any of its forms (RFC 9110 §5.6.7), or NaN. */
function dateOf(text: string): number {
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return Number.NaN
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}
