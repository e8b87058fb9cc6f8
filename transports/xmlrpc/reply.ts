import { DELIVERED, type Delivery, DeliveryError, failed, unknown } from '../../src/events/transport.ts'

/** A reply is read up to this many bytes: enough for any fault. */
export const REPLY_LIMIT_BYTES = 65_536

const SERVICE_UNAVAILABLE = 503
/** The peer may take the same call later. */
const TRY_LATER: ReadonlySet<number> = new Set([408, 425, 429, SERVICE_UNAVAILABLE])
/** The peer will never take the call, and has not. */
const NEVER: ReadonlySet<number> = new Set([501, 505])

/**
 * What an HTTP answer means for the event. 2xx without a fault: delivered. A fault, a redirection or another 4xx: refused
 * for good. 503, 408, 425 and 429: refused for now. Any other 5xx may come from a handler that did half its work: unknown.
 */
export function judgeReply(status: number, body: string): Delivery {
  const fault = status >= 200 && status < 300 ? faultOf(body) : undefined
  if (fault !== undefined)
    return failed(new DeliveryError('E_REFUSED', `the peer answered ${fault}`, { permanent: true }))
  if (status >= 200 && status < 300) return DELIVERED
  const message = `the peer answered HTTP ${status}`
  if (TRY_LATER.has(status)) return failed(new DeliveryError('E_REFUSED', message))
  if (status < 500 || NEVER.has(status)) return failed(new DeliveryError('E_REFUSED', message, { permanent: true }))
  return unknown(new DeliveryError('E_REFUSED', message))
}

/** `fault CODE: TEXT` when the body is a methodResponse with a fault, else undefined. */
function faultOf(body: string): string | undefined {
  if (!/<methodResponse[\s>][\s\S]*?<fault[\s>]/.test(body)) return undefined
  const code = member(body, 'faultCode')
  const text = member(body, 'faultString')
  return `fault ${code ?? 'without a code'}${text === undefined ? '' : `: ${text.slice(0, 200)}`}`
}

function member(body: string, name: string): string | undefined {
  const at = body.indexOf(`<name>${name}</name>`)
  if (at < 0) return undefined
  return /<value>\s*(?:<\w+>)?([^<]*)/.exec(body.slice(at))?.[1]?.trim()
}
